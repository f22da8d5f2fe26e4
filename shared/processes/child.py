"""A child process: started in a group of its own, asked where it hangs, ended with all that it started."""

import ctypes
import faulthandler
import os
import resource
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import IO, Final

from shared.processes import environment
from shared.processes.signals import groups, kill, uninterrupted

STDERR_BYTES: Final = 1 << 16
"""Of what a process writes, the end that is read and kept."""
TRACEBACK_SECONDS: Final = 0.5
"""How long a process that hangs may take to say where."""


class Child:
    """The process `python -m MODULE ARGUMENT...`; nobody of its group is left when `close` returns.

    Parameters
    ----------
    module : it calls `begin` first of all.
    arguments : its sys.argv[1:].
    threads : for every numerical library there.
    stdout, stderr : where its output goes; None for a file without a name, and for stdout that of stderr.
    pass_fds : file descriptors that it inherits.
    """

    def __init__(
        self,
        module: str,
        *arguments: str,
        threads: int,
        stdout: Path | None = None,
        stderr: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> None:
        self._stderr: IO[bytes] = stderr.open("w+b") if stderr else tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        with stdout.open("wb") if stdout else nullcontext(self._stderr) as output, uninterrupted():
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments, str(os.getpid())],
                cwd=environment.ROOT,
                env=environment.worker_environment(threads),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=self._stderr,
                pass_fds=pass_fds,
                start_new_session=True,
            )
            groups.add(self._process.pid)

    def has_ended(self) -> bool:
        """Return whether the process is gone, without waiting."""
        return self._process.poll() is not None

    def wait(self) -> int:
        """Return the exit status once the process is gone; below 0, the signal that killed it."""
        return self._process.wait()

    def ending(self) -> str:
        """Return how the process ended, once it has: "exit status 3", "killed by SIGSEGV"."""
        status = self.wait()
        if status >= 0:
            return f"exit status {status}"
        name = next((s.name for s in signal.Signals if s == -status), f"signal {-status}")  # real-time ones have none
        hint = " (by which a system that has run out of memory ends processes)" if status == -signal.SIGKILL else ""
        return f"killed by {name}{hint}"

    def say_where(self) -> None:
        """Let a process that hangs write to its stderr what it is doing."""
        self._process.send_signal(signal.SIGUSR1)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(TRACEBACK_SECONDS)

    def stderr(self) -> str:
        """Return the end of what the process wrote there, which may be much and may be anything."""
        return self._end_of_stderr().decode("utf-8", errors="replace")

    def _end_of_stderr(self) -> bytes:
        # pread, because the process writes where this file's position is
        file = self._stderr.fileno()
        return os.pread(file, STDERR_BYTES, max(0, os.fstat(file).st_size - STDERR_BYTES))

    def end(self) -> None:
        """End the process and all that it started."""
        kill(self._process.pid)
        self._process.wait()
        groups.discard(self._process.pid)

    def close(self) -> None:
        """End the process, and cut the file of its stderr to what `stderr` returns."""
        self.end()
        end = self._end_of_stderr()
        if os.fstat(self._stderr.fileno()).st_size > len(end):
            self._stderr.seek(0)
            self._stderr.truncate()
            self._stderr.write(end)
        self._stderr.close()


def begin() -> None:
    """Be the process that a `Child` starts: die with the parent, say where it hangs, leave no core file."""
    _die_with(int(sys.argv.pop()))
    faulthandler.register(signal.SIGUSR1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # how it crashed is recorded; a core file helps nobody


def _die_with(parent: int) -> None:
    """Let the system end this process when its parent is killed; where it cannot (not Linux), do nothing."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
        if os.getppid() != parent:  # it was killed before
            sys.exit(1)
