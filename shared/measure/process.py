"""Run one worker process to its end and say what became of it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from shared.measure import machine
from shared.measure.job import Job

POLL_SECONDS: Final = 0.05
STDERR_LINES: Final = 20
STDERR_BYTES: Final = 1 << 16

Event = dict[str, Any]


def run_worker(job: Job, on_event: Callable[[Event], None]) -> dict[str, Any]:
    """Run a job in a fresh process; return its result, or a record of status "crashed" with the reason.

    The process leads a session of its own, which is killed as a whole if anything is raised here (Ctrl-C).
    """
    job.write()
    with job.stdout_path.open("wb") as stdout, job.stderr_path.open("wb") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "shared.measure.worker", str(job.job_path)],
            cwd=machine.ROOT,
            env=machine.worker_environment(job.threads),
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            start_new_session=True,
        )
        try:
            _follow(process, job.progress_path, on_event)
        finally:
            _kill_group(process)
    result = _read_result(job, process.returncode)
    if result["status"] != "crashed":
        for path in (job.job_path, job.progress_path, job.stdout_path, job.stderr_path):
            path.unlink(missing_ok=True)
    return result


def _follow(process: subprocess.Popen[bytes], progress: Path, on_event: Callable[[Event], None]) -> None:
    """Hand on each line of the progress file until the process ends."""
    read, ended = 0, False
    while not ended:
        ended = process.poll() is not None  # first, so that the last lines are read after the end
        if progress.exists():
            lines = progress.read_bytes()[read:].splitlines(keepends=True)
            for line in lines:
                if line.endswith(b"\n"):
                    read += len(line)
                    on_event(json.loads(line))
        if not ended:
            time.sleep(POLL_SECONDS)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Leave nobody of the worker's session alive."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    except PermissionError:  # macOS: the group holds only a zombie
        process.kill()
    process.wait()


def _read_result(job: Job, returncode: int) -> dict[str, Any]:
    base: dict[str, Any] = {"implementation": job.label, "round": job.round, "seed": job.training.seed}
    reason = f"exit status {returncode}"
    if returncode < 0:
        named = [s.name for s in signal.Signals if s == -returncode]  # real-time signals have no name
        reason = f"killed by {named[0] if named else f'signal {-returncode}'}"
    elif returncode == 0:
        try:
            result: dict[str, Any] = json.loads(job.result_path.read_text(encoding="utf-8"))
            return result
        except (OSError, ValueError) as error:
            reason = f"ended without a readable result ({error})"
    return base | {"status": "crashed", "reason": reason, "stderr": _last_lines(job.stderr_path)}


def _last_lines(path: Path) -> list[str]:
    """Return the last lines of what a worker wrote, which may be much and may be anything."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - STDERR_BYTES))
        return file.read().decode("utf-8", errors="replace").splitlines()[-STDERR_LINES:]
