"""The command as a user runs it: a process, its exit code, what it prints and what it leaves."""

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import psutil

import compare
from shared.measure import turns
from shared.record import journal

ROOT = Path(__file__).resolve().parents[1]
STUBS = ROOT / "tests" / "stubs"
COMMAND = [sys.executable, str(ROOT / "compare.py")]
IMPATIENT = [sys.executable, "-m", "tests.patience"]
"""The same, for what hangs: see there."""
IN_TURNS = ["--no-report", "--dataset", "digits", "--train-size", "100", "--epochs", "1", "--rounds", "1", "--offline"]
SMALL = [*IN_TURNS[:1], "--one-at-a-time", *IN_TURNS[1:]]
"""Without the turns, which take two seconds for each implementation; `IN_TURNS` is for tests of them."""
SECONDS = 1800
"""After which something that hangs fails its test: no machine is so busy that anything here takes as long."""
PATIENT = ("--timeout", f"{SECONDS}s")
"""The same for what a command waits for; its own limits are made for machines that are not busy."""
WITHOUT_TIMEOUT = ("show", "diff", "report", "read", "exercise")
QUICK_COMPILER = {"XLA_FLAGS": "--xla_backend_optimization_level=0"}
"""Let XLA compile without LLVM's optimisations, in half the time, in the processes that are started with it."""
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
    done = subprocess.run(
        [*command, *_complete(output, arguments)],
        cwd=cwd,
        env=environment(**env or {}),
        capture_output=True,
        encoding="utf-8",
        errors="strict",
        timeout=SECONDS,
        stdin=subprocess.DEVNULL,
    )
    return Run(done.returncode, done.stdout, done.stderr, output or Path())


def inside(output: Path | None, *arguments: str, env: dict[str, str] | None = None) -> Run:
    """Run the command as `run` does, but without a process of its own, which takes a second to start.

    Its turns are short: what they find out is not precise.
    """
    given = _complete(output, arguments)
    written = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(each, encoding="utf-8", write_through=True) for each in written)
    replaced = mock.patch.dict(os.environ, environment(**env or {}), clear=True)
    short = mock.patch.multiple(turns, TURNS_SECONDS=0.1, FEW_SECONDS=0.1)
    with replaced, short, redirect_stdout(out), redirect_stderr(err):
        try:
            code = compare.main(given)
        except SystemExit as end:
            code = int(end.code or 0)
    return Run(code, written[0].getvalue().decode(), written[1].getvalue().decode(), output or Path())


def _complete(output: Path | None, arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the folder for the results, and a limit of time that nothing reaches."""
    where = [] if output is None or "--resume" in arguments else ["--output", str(output)]
    given = "--timeout" in arguments or (*arguments, "")[0] in WITHOUT_TIMEOUT
    return [*arguments, *where, *([] if given else PATIENT)]


def of(*names: str) -> list[str]:
    """Return the options for implementations, or stubs, of these names."""
    files = {name: str(STUBS / f"{name}.py") for name in names if (STUBS / f"{name}.py").exists()}
    return [word for name in names for word in ("-i", files.get(name, name))]


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something holds; that it never does is for the test to find out."""
    deadline = time.monotonic() + SECONDS
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)


def alive(process: int) -> bool:
    """Return whether a process runs."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def still_alive(processes: list[int]) -> list[int]:
    """Return which of them never end; they are killed, so that a failed test leaves nobody behind."""
    wait_for(lambda: not any(map(alive, processes)))
    found = [process for process in processes if alive(process)]
    for process in found:
        os.kill(process, signal.SIGKILL)
    return found
