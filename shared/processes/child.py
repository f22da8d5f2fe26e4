"""A child process in its own group: it reports where it hangs, and is ended with everything it started."""

import faulthandler
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import IO, Final

from shared.processes import environment, system
from shared.processes.signals import groups, uninterrupted

STDERR_BYTES: Final = 1 << 16
"""How much of the end of a process's stderr is kept."""
TRACEBACK_SECONDS: Final = 0.5
"""How long a process that hangs gets to report where, once its time is up."""


class Child:
    """The process `python -m MODULE ARGUMENT...`; no process of its group is left when `close` returns.

    Parameters
    ----------
    module : calls `begin` before anything else.
    arguments : its sys.argv[1:].
    threads : for every numerical library in the process.
    timeout : seconds without a call of `still_at_work` after which the process reports where it is.
    stdout, stderr : files for its output. None: a temporary file for stderr, the file of stderr for stdout.
    piped : whether its stdin and stdout are `pipes` to this process.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        threads: int,
        timeout: float,
        stdout: Path | None = None,
        stderr: Path | None = None,
        piped: bool = False,
    ) -> None:
        self._stderr: IO[bytes] = stderr.open("w+b") if stderr else tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        self._end, self._stdout = b"", stdout
        command = [sys.executable, "-m", module, *arguments, str(os.getpid()), str(timeout)]
        with stdout.open("wb") if stdout else nullcontext(self._stderr) as output, uninterrupted():
            self._group = system.Group(
                command,
                environment.worker_environment(threads),
                cwd=environment.ROOT,
                stdin=subprocess.PIPE if piped else subprocess.DEVNULL,
                stdout=subprocess.PIPE if piped else output,
                stderr=self._stderr,
            )
            groups.add(self._group)
        self._process = self._group.process

    @property
    def pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        """The stdin and stdout of a process that is `piped`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    @property
    def process_id(self) -> int:
        """The number by which the system knows the process."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Return whether the process has ended, without waiting."""
        return self._process.poll() is not None

    def wait(self) -> int:
        """Wait for the process and return its exit status; below 0, the signal that killed it."""
        return self._process.wait()

    def ending(self) -> str:
        """Wait for the process and return how it ended: "exit status 3", "killed by SIGSEGV"."""
        return system.ending(self.wait())

    def say_where(self) -> None:
        """Let a process that hangs write to its stderr where it is."""
        system.ask_where(self._process)
        self.await_last_words()

    def await_last_words(self, seconds: float = TRACEBACK_SECONDS) -> None:
        """Give the process time to end or, if it hangs, to write to its stderr where it is."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def printed_bytes(self) -> int:
        """Return how much the process has written to its files for stdout and stderr so far."""
        found = 0 if self._stderr.closed else os.fstat(self._stderr.fileno()).st_size
        with suppress(OSError):
            found += self._stdout.stat().st_size if self._stdout else 0
        return found

    def stderr(self) -> str:
        """Return the end of the process's stderr, which may be long and may hold any bytes; only after `close`."""
        return self._end.decode("utf-8", errors="replace")

    def close(self) -> None:
        """End the process and everything it started, and cut its stderr file to what `stderr` returns."""
        if self._stderr.closed:
            return
        self._group.end()
        groups.discard(self._group)
        # not earlier: reading moves the position at which the process writes
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - STDERR_BYTES))
        self._end = self._stderr.read()
        if size > len(self._end):
            self._stderr.seek(0)
            self._stderr.truncate()
            self._stderr.write(self._end)
        self._stderr.close()


# ---- In the child process -------------------------------------------------------------------------------

_timeout: float | None = None


def begin() -> None:
    """Prepare a process that a `Child` started: end with the parent, report where it hangs, leave no core file."""
    global _timeout
    *sys.argv, parent, timeout = sys.argv
    _timeout = float(timeout)
    system.answer_where()
    still_at_work()
    system.die_with(int(parent))
    system.leave_no_core_file()


def still_at_work(seconds: float | None = None) -> None:
    """Restart the time, in seconds or else the timeout, after which this process reports where it is.

    Only where it cannot be asked: a separate thread then writes the report, even while a library keeps all other
    threads from running, but the stack that it reads may be moving. A process that no `Child` started writes none.
    """
    if _timeout is not None and system.WHERE is None:
        faulthandler.dump_traceback_later(
            min(_timeout if seconds is None else max(seconds, 0.01), threading.TIMEOUT_MAX)
        )


def at_rest() -> None:
    """Write no report until the next `still_at_work`, however long that takes."""
    faulthandler.cancel_dump_traceback_later()
