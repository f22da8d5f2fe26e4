"""Run one worker process to its end, whatever end that is, and say what became of it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from shared import implementations
from shared.measure.job import Job
from shared.processes import environment
from shared.processes.signals import groups, kill, uninterrupted

POLL_SECONDS: Final = 0.05
STDERR_LINES: Final = 20
STDERR_BYTES: Final = 1 << 16
TRACEBACK_SECONDS: Final = 0.5
"""How long a worker that hangs may take to say where."""

Event = dict[str, Any]
STATUSES: Final = ("ok", "not available", "FAILED AGREEMENT")
"""What a worker may say of itself; the rest is found out by others."""
TIMED: Final[dict[str, type | tuple[type, ...]]] = {
    "noise": dict,
    "predictions": str,
    "parameter_count": int,
    "finite": bool,
    "test_loss": (float, type(None)),
    "steps_per_epoch": int,
    "examples_per_epoch": int,
}
"""What the result of a worker holds that has been timed."""
FIRST_ROUND: Final[dict[str, type]] = {"path": list, "sections": dict}
"""What it may hold besides."""


def run_worker(job: Job, on_event: Callable[[Event], None], timeout: float) -> dict[str, Any]:
    """Run a job in a fresh process; return its result, or a record that says how it failed.

    Parameters
    ----------
    on_event : called for each stage and epoch that ends.
    timeout : seconds; a worker that ends no stage and no epoch for so long is ended.

    The process leads a group of its own. Whatever happens here, Ctrl-C included, nobody of that group is left.
    """
    for stale in (job.result_path, job.progress_path):
        stale.unlink(missing_ok=True)
    job.write()
    start = time.monotonic_ns()
    process = None
    try:
        with job.stdout_path.open("wb") as stdout, job.stderr_path.open("wb") as stderr, uninterrupted():
            process = subprocess.Popen(
                [sys.executable, "-m", "shared.measure.worker", str(job.job_path), str(start), str(os.getpid())],
                cwd=environment.ROOT,
                env=environment.worker_environment(job.threads),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
            groups.add(process.pid)
        last, silent = _follow(process, job.progress_path, on_event, timeout)
        wall = (time.monotonic_ns() - start) / 1e9
    finally:
        if process is not None:
            kill(process.pid)
            process.wait()
            groups.discard(process.pid)
    if silent:
        where = f"after {last!r}" if last else "from its start"
        result = _failed(job, "timed out", f"no stage or epoch ended for {timeout:g} s {where}: the worker was ended")
    else:
        result = _result(job, process.returncode, wall, importing=last == "start")
    if "stderr" not in result:
        for path in (job.job_path, job.progress_path, job.stdout_path, job.stderr_path):
            path.unlink(missing_ok=True)
    return result


def _follow(
    process: subprocess.Popen[bytes], progress: Path, on_event: Callable[[Event], None], timeout: float
) -> tuple[str | None, bool]:
    """Hand on each line of the progress file until the process ends, or nothing ends for too long.

    Returns the last stage that ended, and whether it was for too long.
    """
    read, ended, last, deadline = 0, False, None, time.monotonic() + timeout
    while not ended:
        ended = process.poll() is not None  # first, so that the last lines are read after the end
        if progress.exists():
            for line in progress.read_bytes()[read:].splitlines(keepends=True):
                if line.endswith(b"\n"):
                    read += len(line)
                    event = json.loads(line)
                    last, deadline = event["stage"], time.monotonic() + timeout
                    on_event(event)
        if not ended and time.monotonic() > deadline:
            _ask_for_traceback(process)
            return last, True
        if not ended:
            time.sleep(POLL_SECONDS)
    return last, False


def _ask_for_traceback(process: subprocess.Popen[bytes]) -> None:
    """Let a worker that hangs write to its stderr where it does (see `worker.main`)."""
    process.send_signal(signal.SIGUSR1)
    with suppress(subprocess.TimeoutExpired):
        process.wait(TRACEBACK_SECONDS)


def _result(job: Job, returncode: int, wall: float, *, importing: bool) -> dict[str, Any]:
    """Return what a worker that has ended left, or why that is nothing to rely on."""
    reason = f"exit status {returncode}"
    if returncode < 0:
        named = [s.name for s in signal.Signals if s == -returncode]  # real-time signals have no name
        reason = f"killed by {named[0] if named else f'signal {-returncode}'}"
        if returncode == -signal.SIGKILL:
            reason += " (by which a system that has run out of memory ends processes)"
    elif returncode == 0:
        try:
            result = json.loads(job.result_path.read_text(encoding="utf-8"))
            check(result, job, wall)
        except (OSError, ValueError) as error:
            reason = f"ended without a usable result ({error})"
        else:
            result["wall_seconds"] = wall
            result["seconds"]["exit"] = wall - sum(result["seconds"].values())
            return dict(result)
    failed = _failed(job, "crashed", reason)
    if importing and returncode != 0:
        remedy = implementations.remedy(job.implementation)
        complaint = failed["stderr"][-1] if failed["stderr"] and returncode > 0 else reason
        failed |= {"status": "not available", "remedy": remedy}
        failed["reason"] = f"{job.label} could not be imported: {complaint}; to mend it: {remedy}"
    return failed


def _failed(job: Job, status: str, reason: str) -> dict[str, Any]:
    who = {"implementation": job.label, "round": job.round, "seed": job.training.seed}
    return who | {"status": status, "reason": reason, "stderr": _last_lines(job.stderr_path)}


def check(result: Any, job: Job, wall: float) -> None:
    """Refuse a result that the worker of this job cannot have left within `wall` seconds.

    Raises
    ------
    ValueError
        That says what was found and what was expected.
    """

    def expect(name: str, got: object, expected: object, *, fits: bool) -> None:
        if not fits:
            raise ValueError(f"{name}: got {got!r:.60}, expected {expected}")

    expect("result", result, "an object", fits=isinstance(result, dict))
    for name, value in (("implementation", job.label), ("round", job.round), ("seed", job.training.seed)):
        expect(name, result.get(name), repr(value), fits=result.get(name) == value)
    status, seconds = result.get("status"), result.get("seconds")
    expect("status", status, f"one of {', '.join(STATUSES)}", fits=status in STATUSES)
    fits = isinstance(seconds, dict) and all(isinstance(s, float) and s >= 0 for s in seconds.values())
    expect("seconds", seconds, "the duration of each stage", fits=fits)
    expect("seconds", sum(seconds.values()), f"at most {wall:.3f}, its life", fits=sum(seconds.values()) <= wall)
    memory = result.get("peak_memory_bytes")
    expect("peak_memory_bytes", memory, "a whole number", fits=isinstance(memory, int) and memory > 0)
    if status == "not available":
        return
    for name in ("digests", *(["allowed", "bounds"] if job.is_reference else [])):
        expect(name, result.get(name), "an object", fits=isinstance(result.get(name), dict))
    if status != "ok" or job.is_reference:
        return
    objects = isinstance(result.get("epochs"), list) and all(isinstance(e, dict) for e in result["epochs"])
    expect("epochs", result.get("epochs"), "a list of objects", fits=objects)
    for name, kind in TIMED.items():
        expect(name, result.get(name, "nothing"), f"{kind}", fits=isinstance(result.get(name, Ellipsis), kind))
    for name, kind in FIRST_ROUND.items():
        expect(name, result.get(name), f"{kind}", fits=isinstance(result.get(name, kind()), kind))
    epochs = [epoch.get(clock) for epoch in result["epochs"] for clock in ("wall_ns", "cpu_ns")]
    whole = len(epochs) == 2 * job.training.epochs and all(isinstance(ns, int) and ns >= 0 for ns in epochs)
    expect("epochs", epochs, f"{job.training.epochs} durations", fits=whole)
    longest, told = seconds.get("epochs", 0.0), sum(epochs[::2]) / 1e9
    expect("epochs", told, f"above 0 and at most {longest:.3f} s, their stage", fits=0 < told <= longest)


def _last_lines(path: Path) -> list[str]:
    """Return the last lines of what a worker wrote, which may be much and may be anything; the rest is cut off."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - STDERR_BYTES))
        end = file.read()
    if size > STDERR_BYTES:
        path.write_bytes(end)
    return end.decode("utf-8", errors="replace").splitlines()[-STDERR_LINES:]
