"""The command as a user runs it: a process, its exit code, what it prints and what it leaves."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from shared.record import journal

ROOT = Path(__file__).resolve().parents[1]
STUBS = ROOT / "tests" / "stubs"
COMMAND = [sys.executable, str(ROOT / "compare.py")]
SMALL = ["--no-report", "--dataset", "digits", "--train-size", "100", "--epochs", "1", "--rounds", "1", "--offline"]
SECONDS = 300  # for one that hangs
"""More than any command here needs on a busy machine."""
NOT_INHERITED = ("COLUMNS", "NO_COLOR", "FORCE_COLOR", "PYTHONIOENCODING", "SAMEGRAD_DATA", "SAMEGRAD_MIRRORS")


@dataclass(frozen=True)
class Run:
    """What a command left behind."""

    code: int
    stdout: str
    stderr: str
    output: Path

    @property
    def record(self) -> Any:
        return journal.read(self.output)

    def sample(self, name: str, round_: int = 1) -> dict[str, Any]:
        (found,) = (s for s in self.record["samples"] if (s["implementation"], s["round"]) == (name, round_))
        return dict(found)

    def row(self, name: str) -> list[str]:
        """The cells of an implementation in the main table, which off a terminal is one line; the status is the last.

        That a neighbour on this machine has disturbed the sample is no concern of a test.
        """
        lines = [re.split(r"\s{2,}", line) for line in self.stdout.splitlines()]
        *cells, status = next(cells for cells in lines if cells[0] == name and len(cells) > 1)
        return [*cells, status.partition(",")[0]]


def environment(**changes: str) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    return inherited | {"TERM": "xterm"} | changes


def run(
    output: Path | None,
    *arguments: str,
    command: Sequence[str] = COMMAND,
    cwd: Path = ROOT,
    env: dict[str, str] | None = None,
) -> Run:
    """Run the command to its end; `output` is where its results go, or are if it resumes a run, or None."""
    where = [] if output is None or "--resume" in arguments else ["--output", str(output)]
    done = subprocess.run(
        [*command, *arguments, *where],
        cwd=cwd,
        env=environment(**env or {}),
        capture_output=True,
        encoding="utf-8",
        errors="strict",
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
    )
    return Run(done.returncode, done.stdout, done.stderr, output or Path())


def of(*names: str) -> list[str]:
    """Return the options for implementations, or stubs, of these names."""
    files = {name: str(STUBS / f"{name}.py") for name in names if (STUBS / f"{name}.py").exists()}
    return [word for name in names for word in ("-i", files.get(name, name))]


def still_alive(processes: list[int], within: float = 1) -> list[int]:
    """Return which of them still run after a moment, and kill them, so that a failed test leaves no process behind."""

    def alive(process: int) -> bool:
        try:
            return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    deadline = time.monotonic() + within
    while any(map(alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.02)
    found = [process for process in processes if alive(process)]
    for process in found:
        os.kill(process, signal.SIGKILL)
    return found
