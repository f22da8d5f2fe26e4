"""What only some systems have: process groups, signals, notice of the parent's end, core files, limits, room on a disk.

Each is used if its name exists. How a shell quotes depends on the system, too. The rest of the project is the same on
Linux, macOS and Windows.
"""

import ctypes
import errno
import faulthandler
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

SIGNALS: Final = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]
"""The signals that ask a program to end; Windows has no SIGHUP, and only Windows has SIGBREAK."""
WHERE: Final = getattr(signal, "SIGUSR1", None)
"""The signal that asks a process where it is. The thread at work answers, so its stack stands still meanwhile."""
HAS_GROUPS: Final = hasattr(os, "killpg")
MARK: Final = "SAMEGRAD_GROUP"
END_SECONDS: Final = 0.5
"""How long to wait for killed processes to disappear; zombies that no process waits for never do."""


class Group:
    """A process and everything it starts, even after the process itself has ended.

    On systems with process groups, it leads one. Its environment has a mark that the processes it starts inherit and
    that psutil finds: so a daemon that has left the group is found, and on Windows any process whose parent has ended.

    Parameters
    ----------
    command, environment : of the process.
    how : further arguments of `subprocess.Popen`.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], **how: Any) -> None:
        self._mark = os.urandom(16).hex()
        if HAS_GROUPS:
            how["start_new_session"] = True
        else:  # on Windows, Ctrl-C would otherwise go to every process of the console
            how["creationflags"] = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        self.process: subprocess.Popen[bytes] = subprocess.Popen(command, env={**environment, MARK: self._mark}, **how)

    def kill(self) -> None:
        """Kill the process and everything it started."""
        if HAS_GROUPS:
            self._send(signal.SIGKILL)
        else:
            self._kill_marked()
            self.process.kill()  # its environment may not be readable yet

    def end(self) -> None:
        """Kill them all, and wait until they are gone."""
        deadline = time.monotonic() + END_SECONDS
        self.kill()
        self.process.wait()
        while (self._kill_marked() or (HAS_GROUPS and self._send(0))) and time.monotonic() < deadline:
            time.sleep(0.005)

    def _send(self, number: int) -> bool:
        """Send a signal to the group (0 sends none); return whether the group has any process."""
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):  # macOS: the latter if only a zombie is left
            return False
        return True

    def _kill_marked(self) -> bool:
        """Kill all processes that have the mark; return whether there was any."""
        import psutil

        found = False
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):  # the process is another user's, or has ended
                if process.environ().get(MARK) == self._mark:
                    found = True
                    process.kill()
        return found


def die_with(parent: int) -> None:
    """End this process when its parent ends.

    On Linux the system does this. Elsewhere a thread waits for the parent; while a library keeps all threads from
    running, it is late.
    """
    try:
        prctl = ctypes.CDLL(None).prctl
    except (TypeError, AttributeError):  # Windows has no such library, macOS has no such function
        threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()
        return
    pr_set_pdeathsig = 1
    prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:  # the parent has ended already
        os._exit(1)


def _exit_after(process: int) -> None:
    import psutil

    with suppress(psutil.NoSuchProcess):
        psutil.Process(process).wait()
    os._exit(1)


def ask_where(process: "subprocess.Popen[bytes]") -> None:
    """Let a process that calls `answer_where` at its start write to its stderr where it is."""
    if WHERE is not None:
        process.send_signal(WHERE)


def answer_where() -> None:
    """Answer `ask_where` from now on; nothing where there is no such signal."""
    if WHERE is not None:
        faulthandler.register(WHERE)


def leave_no_core_file() -> None:
    """Leave no core file if this process crashes: the record says how it crashed."""
    with suppress(ImportError):  # Windows has neither this module nor core files
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class TooLongError(Exception):
    """Something took longer than its `alarm`."""


@contextmanager
def alarm(seconds: float) -> Iterator[None]:
    """End what computes too long with TooLongError, in the main thread, where the system has such an alarm.

    The seconds are CPU time of this process, so that others on the machine do not shorten it.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(*_: Any) -> None:
        raise TooLongError(f"it takes longer than {seconds:g} s")

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def reserve(descriptor: int, size: int) -> bool:
    """Reserve room on the disk for an open file; return False where that cannot be done, OSError if there is none."""
    if not hasattr(os, "posix_fallocate"):  # macOS and Windows
        return False
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        if error.errno not in (errno.ENOTSUP, errno.EINVAL, errno.ENOSYS):  # not every file system does it
            raise
        return False
    return True


def to_copy(words: Sequence[str]) -> str:
    """Return a command as it is typed: quoted for a POSIX shell where there are process groups, else for Windows."""
    return shlex.join(words) if HAS_GROUPS else subprocess.list2cmdline(words)


def limit_files(size: int) -> None:
    """Let this process write no file longer than this, in bytes; Python raises OSError where it would."""
    with suppress(ImportError):  # Windows has no such limit
        import resource

        now, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        if now == resource.RLIM_INFINITY or now > size:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))


def ending(status: int) -> str:
    """Return how a process ended, as text: "exit status 3", "killed by SIGSEGV"."""
    if status > 0xFFFF:  # Windows: an error code, such as 0xC0000005 for an access violation
        return f"exit status {status:#X}".replace("0X", "0x")
    if status >= 0:
        return f"exit status {status}"
    name = next((s.name for s in signal.Signals if s == -status), f"signal {-status}")  # real-time ones have none
    hint = " (the system may have run out of memory)" if name == "SIGKILL" else ""
    return f"killed by {name}{hint}"
