"""Run one worker process until it ends, and return its result or how it failed."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from shared import implementations
from shared.measure.job import Job
from shared.measure.verify import verify
from shared.processes.child import Child
from shared.processes.signals import uninterrupted
from shared.record.schema import CRASHED, NOT_AVAILABLE, TIMED_OUT

POLL_SECONDS: Final = 0.05
STDERR_LINES: Final = 20

Event = dict[str, Any]


def run_worker(job: Job, on_event: Callable[[Event], None], timeout: float) -> dict[str, Any]:
    """Run a job in a fresh process; return its result, or a record that says how it failed.

    Parameters
    ----------
    on_event : called for each finished stage and epoch.
    timeout : seconds; a worker that finishes no stage or epoch within this time is stopped.

    The process leads its own group. No process of the group is left afterwards, even after Ctrl-C.
    """
    for stale in (job.result_path, job.progress_path):
        stale.unlink(missing_ok=True)
    job.write()
    start = time.perf_counter_ns()
    child = None
    try:
        with uninterrupted():  # no signal between its start and the assignment
            child = _start(job, start, timeout)
        last, silent = _follow(child, job.progress_path, on_event, timeout)
        wall = (time.perf_counter_ns() - start) / 1e9
    finally:
        if child is not None:
            child.close()
    if silent:
        where = f"after {last!r}" if last else "from its start"
        reason = f"no stage or epoch finished within {timeout:g} s {where}; the worker was stopped"
        return _failed(job, child, TIMED_OUT, reason)
    return _result(job, child, wall, importing=last == "start")


def _start(job: Job, now: int, timeout: float) -> Child:
    arguments = (str(job.job_path), str(now))
    module, out, err = "shared.measure.worker", job.stdout_path, job.stderr_path
    return Child(module, *arguments, threads=job.threads, timeout=timeout, stdout=out, stderr=err)


def _follow(child: Child, progress: Path, on_event: Callable[[Event], None], timeout: float) -> tuple[str | None, bool]:
    """Pass on each line of the progress file until the process ends, or no stage finishes for too long.

    Returns the last finished stage, and whether the time ran out.
    """
    read, ended, last, deadline = 0, False, None, time.monotonic() + timeout
    while not ended:
        # Before reading: what was written until now counts, also after a pause of this process.
        ended, now = child.has_ended(), time.monotonic()
        if progress.exists():
            for line in progress.read_bytes()[read:].splitlines(keepends=True):
                if line.endswith(b"\n"):
                    read += len(line)
                    event = json.loads(line)
                    last, deadline = event["stage"], now + timeout
                    on_event(event)
        if not ended and now > deadline:
            child.say_where()
            return last, True
        if not ended:
            time.sleep(POLL_SECONDS)
    return last, False


def _result(job: Job, child: Child, wall: float, *, importing: bool) -> dict[str, Any]:
    """Return the result of a worker that has ended, or why it has no usable result."""
    status, reason = child.wait(), child.ending()
    if status == 0:
        try:
            result = json.loads(job.result_path.read_text(encoding="utf-8"))
            verify(result, job, wall)
        except (OSError, ValueError) as error:
            return _failed(job, child, CRASHED, f"ended without a usable result ({error})")
        result["wall_seconds"] = wall
        result["seconds"]["exit"] = wall - sum(result["seconds"].values())
        for path in (job.job_path, job.progress_path, job.stdout_path, job.stderr_path):
            path.unlink(missing_ok=True)
        return dict(result)
    failed = _failed(job, child, CRASHED, reason)
    if importing:
        remedy = implementations.remedy(job.implementation)
        complaint = failed["stderr"][-1] if failed["stderr"] and status > 0 else reason
        failed |= {"status": NOT_AVAILABLE, "remedy": remedy}
        failed["reason"] = f"{job.label} could not be imported: {complaint}; to fix it: {remedy}"
    return failed


def _failed(job: Job, child: Child, status: str, reason: str) -> dict[str, Any]:
    return job.head | {"status": status, "reason": reason, "stderr": child.stderr().splitlines()[-STDERR_LINES:]}
