"""A child process: started in a group of its own, asked where it hangs, ended with all that it started."""

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
"""Of what a process writes, the end that is read and kept."""
TRACEBACK_SECONDS: Final = 0.5
"""How long a process that hangs may take to say where, after its parent has waited long enough."""


class Child:
    """The process `python -m MODULE ARGUMENT...`; nobody of its group is left when `close` returns.

    Parameters
    ----------
    module : it calls `begin` first of all.
    arguments : its sys.argv[1:].
    threads : for every numerical library there.
    timeout : seconds after which it says where it is, unless it has called `still_at_work` by then.
    stdout, stderr : where its output goes; None for a file without a name, and for stdout that of stderr.
    piped : its stdin and stdout are `pipes` to us.
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
        self._end = b""
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
        """The process's stdin and stdout, of one that is `piped`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        return self._process.stdin, self._process.stdout

    def has_ended(self) -> bool:
        """Return whether the process is gone, without waiting."""
        return self._process.poll() is not None

    def wait(self) -> int:
        """Return the exit status once the process is gone; below 0, the signal that killed it."""
        return self._process.wait()

    def ending(self) -> str:
        """Return how the process ended, once it has: "exit status 3", "killed by SIGSEGV"."""
        return system.ending(self.wait())

    def await_last_words(self, seconds: float = TRACEBACK_SECONDS) -> None:
        """Let a process come to its end or, if it hangs and its time is over, write to its stderr what it is doing."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def stderr_bytes(self) -> int:
        """Return how much the process has written there so far."""
        return 0 if self._stderr.closed else os.fstat(self._stderr.fileno()).st_size

    def stderr(self) -> str:
        """Return the end of what the process wrote there, which may be much and may be anything; after `close`."""
        return self._end.decode("utf-8", errors="replace")

    def close(self) -> None:
        """End the process and all that it started, and cut the file of its stderr to what `stderr` returns."""
        if self._stderr.closed:
            return
        self._group.end()
        groups.discard(self._group)
        # not before: reading moves the position at which the process writes
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
    """Be the process that a `Child` starts: end with the parent, say where it hangs, leave no core file."""
    global _timeout
    *sys.argv, parent, timeout = sys.argv
    _timeout = float(timeout)
    still_at_work()
    system.die_with(int(parent))
    system.leave_no_core_file()


def still_at_work(seconds: float | None = None) -> None:
    """Count from now the seconds, or the timeout, after which this process says where it is.

    A thread of its own says it, which runs even while a library keeps all others from running. A process that no
    `Child` started says nothing.
    """
    if _timeout is not None:
        faulthandler.dump_traceback_later(
            min(_timeout if seconds is None else max(seconds, 0.01), threading.TIMEOUT_MAX)
        )


def at_rest() -> None:
    """Say nothing, however long it takes until the next `still_at_work`."""
    faulthandler.cancel_dump_traceback_later()
