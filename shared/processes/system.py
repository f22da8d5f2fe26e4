"""What a system has that another has not: process groups, signals, the end of a parent, core files.

Each is used where its name is there. The rest of the project runs alike on Linux, macOS and Windows.
"""

import ctypes
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

SIGNALS: Final = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)
]
"""By which a program is asked to end; SIGHUP is not on Windows, SIGBREAK only there."""
HAS_GROUPS: Final = hasattr(os, "killpg")
MARK: Final = "SAMEGRAD_GROUP"
END_SECONDS: Final = 0.5
"""How long processes that have been killed may take to be gone; zombies that nobody waits for never are."""


class Group:
    """A process and all that it starts, also when it has ended itself.

    Where there are process groups, it leads one. On Windows its environment has a mark, which all inherit that it
    starts, and psutil finds: nothing else leads to a process whose parent has ended.

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
        """Let all of it be killed."""
        if HAS_GROUPS:
            self._send(signal.SIGKILL)
        else:
            self._kill_marked()
            self.process.kill()  # whose environment may not be there to read yet

    def end(self) -> None:
        """Leave nobody of it alive."""
        deadline = time.monotonic() + END_SECONDS
        self.kill()
        self.process.wait()
        while (self._send(0) if HAS_GROUPS else self._kill_marked()) and time.monotonic() < deadline:
            time.sleep(0.005)

    def _send(self, number: int) -> bool:
        """Send a signal to the group, or see by 0 whether there is anybody; return whether there was."""
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, PermissionError):  # macOS: the latter where only a zombie is left
            return False
        return True

    def _kill_marked(self) -> bool:
        """Kill all that have the mark; return whether there was anybody."""
        import psutil

        found = False
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError):  # another user's, or it has ended
                if process.environ().get(MARK) == self._mark:
                    found = True
                    process.kill()
        return found


def die_with(parent: int) -> None:
    """End this process when its parent ends.

    On Linux the system does, elsewhere a thread that waits for the parent: where a library keeps all threads from
    running, it comes too late.
    """
    try:
        prctl = ctypes.CDLL(None).prctl
    except (TypeError, AttributeError):  # Windows has no such library, macOS no such function
        threading.Thread(target=_exit_after, args=(parent,), daemon=True).start()
        return
    pr_set_pdeathsig = 1
    prctl(pr_set_pdeathsig, signal.SIGKILL)
    if os.getppid() != parent:  # it has ended before
        os._exit(1)


def _exit_after(process: int) -> None:
    import psutil

    with suppress(psutil.NoSuchProcess):
        psutil.Process(process).wait()
    os._exit(1)


def leave_no_core_file() -> None:
    """Let a crash of this process leave no core file: how it crashed is recorded."""
    with suppress(ImportError):  # Windows has neither the module nor such files
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def ending(status: int) -> str:
    """Return in words how a process ended: "exit status 3", "killed by SIGSEGV"."""
    if status > 0xFFFF:  # Windows: what killed it, such as 0xC0000005 for a wrong address
        return f"exit status {status:#X}".replace("0X", "0x")
    if status >= 0:
        return f"exit status {status}"
    name = next((s.name for s in signal.Signals if s == -status), f"signal {-status}")  # real-time ones have none
    hint = " (by which a system that has run out of memory ends processes)" if name == "SIGKILL" else ""
    return f"killed by {name}{hint}"
