"""Run one worker process until it ends, and return its result or how it failed."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple, cast

from shared import implementations
from shared.boundary import read_bytes, safe
from shared.measure.job import Job
from shared.measure.verify import implausible, read_result
from shared.processes.child import Child
from shared.processes.environment import ROOT
from shared.processes.signals import uninterrupted
from shared.record import checked, files
from shared.record.schema import CRASHED, IMPLAUSIBLE, NOT_AVAILABLE, OK, TIMED_OUT, Event, Reference, Sample

POLL_SECONDS: Final = 0.05
SETTLE_SECONDS: Final = 5.0
"""How long a worker may take to end once its result is there."""
PAUSE_SECONDS: Final = 1.0
"""Where this process looked later than that, it was stopped itself, and the rest of the time proves nothing."""
STDERR_LINES: Final = 20
LINE: Final = 500
"""The most characters of a line of its stderr that the record keeps."""
MOST_PRINTED: Final = 1 << 26
"""Bytes; a worker that prints more is stopped."""
MOST_PROGRESS: Final = 1 << 26


class _End(NamedTuple):
    """How a worker ended."""

    last: str | None
    """the last stage that it finished; None without one, or where it has deleted what says so"""
    failure: str | None = None
    """why it was stopped; None if it ended by itself, or was stopped after its result"""
    status: str = CRASHED
    remark: str | None = None
    seen: float = 0.0
    """seconds of the epochs by the clock of this process, or less where it was stopped itself"""


def run_worker(job: Job, on_event: Callable[[Event], None], timeout: float) -> dict[str, Any]:
    """Run a job in a fresh process; return its result, or a record that says how it failed.

    Parameters
    ----------
    on_event : called for each finished stage and epoch.
    timeout : seconds; a worker that finishes no stage or epoch within this time is stopped.

    The process leads its own group. No process of the group is left afterwards, even after Ctrl-C.
    """
    folder = job.job_path.parent
    if not folder.is_dir():  # an earlier worker may have deleted it
        files.remove(folder)
        folder.mkdir()
    for path in job.paths:  # or left a pipe, a link or a folder there
        files.remove(path)
    job.write()
    start = time.perf_counter_ns()
    child = None
    try:
        with uninterrupted():  # no signal between its start and the assignment
            child = _start(job, start, timeout)
        end = _follow(child, job, on_event, timeout)
        wall = (time.perf_counter_ns() - start) / 1e9
    finally:
        if child is not None:
            child.close()
    if end.failure:
        return failed(job, end.status, end.failure, child.stderr())
    return _result(job, child, wall, end)


def _start(job: Job, now: int, timeout: float) -> Child:
    arguments = (str(job.job_path), str(now))
    module, out, err = "shared.measure.worker", job.stdout_path, job.stderr_path
    return Child(module, *arguments, threads=job.threads, timeout=timeout, stdout=out, stderr=err)


def _follow(child: Child, job: Job, on_event: Callable[[Event], None], timeout: float) -> _End:
    """Pass on each line of progress until the process ends, or until it has to be stopped."""
    progress, last, before = _Progress(job.progress_path), None, time.monotonic()
    deadline, spent, seen = before + timeout, 0.0, 0.0
    settled: float | None = None
    while True:
        # Before reading: what was written until now counts, also after a pause of this process.
        ended, now = child.has_ended(), time.monotonic()
        spent, before = spent + min(now - before, PAUSE_SECONDS), now
        try:
            for event in progress.new():
                last, deadline = event["stage"], now + timeout
                seen, spent = seen + spent * (last == "epochs"), 0.0
                on_event(event)
        except (OSError, ValueError) as error:
            return _End(last, f"its progress cannot be read ({error}); the worker was stopped")
        if ended:
            return _End(None if progress.is_gone else last, seen=seen)
        if child.printed_bytes() > MOST_PRINTED:
            return _End(last, f"printed more than {MOST_PRINTED >> 20} MB; the worker was stopped")
        if settled is None and job.result_path.exists():
            settled = now + SETTLE_SECONDS
        if settled is not None and now > settled:
            remark = f"its process did not end within {SETTLE_SECONDS:g} s of its result, and was stopped"
            return _End(last, remark=remark, seen=seen)
        if settled is None and now > deadline:
            child.say_where()
            where = f"after {last!r}" if last else "from its start"
            reason = f"no stage or epoch finished within {timeout:g} s {where}; the worker was stopped"
            return _End(last, reason, TIMED_OUT)
        time.sleep(POLL_SECONDS)


class _Progress:
    """The lines of a worker's progress file; what is not written completely waits."""

    def __init__(self, path: Path) -> None:
        self._path, self._read = path, 0
        self.is_gone = False
        """whether the worker has deleted it: then nobody knows how far it came"""

    def new(self) -> Iterator[Event]:
        """Yield the events since the last call; OSError or ValueError if the file is not what a worker writes."""
        content = b""
        try:
            content = read_bytes(self._path, MOST_PROGRESS)
        except FileNotFoundError:
            self.is_gone = self._read > 0
        for line in content[self._read :].splitlines(keepends=True):
            if line.endswith(b"\n"):
                self._read += len(line)
                event: Event = checked.decoded(line, Event)
                yield event


def _result(job: Job, child: Child, wall: float, end: _End) -> dict[str, Any]:
    """Return the result of a worker that has ended, or why it has no usable result."""
    status, reason = child.wait(), child.ending()
    if status == 0 or end.remark:
        try:
            result = read_result(job, wall)
            doubt = _implausible(job, result, end) if result["status"] == OK else None
        except (OSError, ValueError) as error:
            return failed(job, CRASHED, f"ended without a usable result ({error})", child.stderr())
        result["wall_seconds"] = wall
        result["seconds"]["exit"] = wall - sum(result["seconds"].values())
        if end.remark:
            result["remark"] = end.remark
        if doubt:
            result |= {"status": IMPLAUSIBLE, "reason": doubt}
        for path in (job.job_path, job.progress_path, job.stdout_path, job.stderr_path):
            files.remove(path)
        return result
    found = failed(job, CRASHED, reason, child.stderr())
    if end.last == "start":
        remedy = implementations.remedy(job.implementation)
        complaint = found["stderr"][-1] if found["stderr"] and status > 0 else reason
        found |= {"status": NOT_AVAILABLE, "remedy": remedy}
        found["reason"] = f"{job.label} could not be imported: {complaint}; to fix it: {remedy}"
    return found


def _implausible(job: Job, result: dict[str, Any], end: _End) -> str | None:
    """Return why the times of a sample cannot be; the reference of its round says how fast this machine is."""
    if job.is_reference:
        return None
    reference: Reference = checked.json_of(job.reference.result_path, Reference)
    return implausible(cast(Sample, result), reference.get("least_seconds", 0.0) / job.workers, end.seen)


def failed(job: Job, status: str, reason: str, stderr: str = "") -> dict[str, Any]:
    """Return the result of a worker that has none; the folders of a user do not appear in it."""
    lines = [_shown(job, line)[:LINE] for line in stderr.splitlines()[-STDERR_LINES:]]
    return job.head | {"status": status, "reason": _shown(job, reason), "stderr": lines}


def _shown(job: Job, text: str) -> str:
    path = Path(job.implementation)
    for folder in (f"{path.parent}/" if path.is_absolute() else "", f"{ROOT}/"):
        text = text.replace(folder, "") if folder else text
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home raises an error where there is none
    return safe(text.replace(f"{home}/", "~/") if len(home) > 1 else text)
