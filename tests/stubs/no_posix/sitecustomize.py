"""Python runs this at its start where PYTHONPATH names the folder: our modules find what Windows has, and no more.

Libraries, and Python's own, keep what they need on this system.
"""

import builtins
import os
import pathlib
import subprocess
import sys
import warnings
from collections.abc import Callable, Sequence
from types import FrameType, ModuleType
from typing import Any

ROOT = pathlib.Path(__file__).resolve().parents[3]
ABSENT = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
SIGNALS = {"SIGABRT", "SIGBREAK", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN"}
HIDDEN = {
    "faulthandler": {"register", "unregister"},
    "os": {
        *("chown", "chroot", "confstr", "fchdir", "fchmod", "fchown", "fork", "forkpty", "fstatvfs", "getegid"),
        *("geteuid", "getgid", "getgroups", "getloadavg", "getpgid", "getpgrp", "getpriority", "getsid", "getuid"),
        *("killpg", "lockf", "mkfifo", "mknod", "nice", "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK"),
        *("openpty", "pathconf", "pidfd_open", "pipe2", "posix_fadvise", "posix_fallocate", "posix_spawn", "pread"),
        *("preadv", "pwrite", "pwritev", "readv", "sched_getaffinity", "sched_setaffinity", "sendfile", "setpgid"),
        *("setpriority", "setsid", "statvfs", "sync", "sysconf", "uname", "wait", "wait3", "wait4", "waitid", "writev"),
        *("WEXITSTATUS", "WIFEXITED", "WIFSIGNALED", "WNOHANG", "WTERMSIG"),
    },
    "signal": {
        *("alarm", "getitimer", "ITIMER_REAL", "pause", "pthread_kill", "pthread_sigmask", "setitimer", "siginterrupt"),
        *("sigpending", "sigtimedwait", "sigwait", "sigwaitinfo"),
    },
}
REFUSED = {"pass_fds", "preexec_fn", "start_new_session", "process_group", "user", "group", "umask"}
WRITES = os.O_WRONLY | os.O_RDWR


class Without(ModuleType):
    """A module without some of its names; others may be put in their place."""

    def __init__(self, module: ModuleType, hides: Callable[[str], bool], instead: dict[str, Any]) -> None:
        super().__init__(module.__name__)
        self.__dict__.update({name: value for name, value in vars(module).items() if not hides(name)} | instead)


class Popen(subprocess.Popen[Any]):
    """Takes what Windows takes."""

    def __init__(self, *arguments: Any, **how: Any) -> None:
        assert not REFUSED & how.keys(), f"{sorted(REFUSED & how.keys())}: not on Windows"
        super().__init__(*arguments, **how)


def cdll(name: str | None, *arguments: Any) -> Any:
    """As ctypes.CDLL, which on Windows has no library without a name."""
    import ctypes

    if name is None:
        raise TypeError("argument of type 'NoneType' is not iterable")
    return ctypes.CDLL(name, *arguments)


INSTEAD: dict[str, dict[str, Any]] = {"subprocess": {"Popen": Popen}, "ctypes": {"CDLL": cdll}}


def is_ours(file: str) -> bool:
    return file.startswith(f"{ROOT}{os.sep}") and "site-packages" not in file and file != __file__


def seen(module: ModuleType) -> ModuleType:
    """Return a module as Windows has it."""
    name = module.__name__

    def hides(attribute: str) -> bool:
        is_signal = name == "signal" and attribute.startswith("SIG") and attribute not in SIGNALS
        return is_signal or attribute in HIDDEN.get(name, ())

    return Without(module, hides, INSTEAD.get(name, {})) if name in {*HIDDEN, *INSTEAD} else module


def import_(
    name: str, globals: Any = None, locals: Any = None, fromlist: Sequence[str] | None = (), level: int = 0
) -> ModuleType:
    module = imported(name, globals, locals, fromlist or (), level)
    if not is_ours((globals or {}).get("__file__") or ""):
        return module
    if name in ABSENT:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)
    return seen(module)


def without_proc(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of `Path` for which there is no /proc."""

    def called(path: pathlib.Path, *arguments: Any, **how: Any) -> Any:
        return method(pathlib.Path(f"/not{path}") if path.parts[:2] == ("/", "proc") else path, *arguments, **how)

    return called


def callers() -> list[str]:
    """Return the files of the functions that have called; none for a temporary file, which has no name on Windows."""
    frame: FrameType | None = sys._getframe()
    found = list[str]()
    while frame:
        found.append(frame.f_code.co_filename)
        if frame.f_code.co_name == "TemporaryFile":
            return []
        frame = frame.f_back
    return found


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse what Windows refuses: to remove or to replace an open file, and some characters in names."""
    if event not in ("os.remove", "os.rename", "open") or not any(map(is_ours, callers())):
        return
    if event == "open":
        name, flags = str(arguments[0]), arguments[2]
        if flags & WRITES and set(name) & set('<>:"|?*'):
            raise OSError(22, "Invalid argument", name)
        return
    for path in arguments[: 1 if event == "os.remove" else 2]:
        full = os.path.realpath(path)
        for number in os.listdir("/proc/self/fd"):  # noqa: PTH208
            if os.path.realpath(f"/proc/self/fd/{number}") == full:
                raise PermissionError(13, "The process cannot access the file because it is being used", full)


imported = builtins.__import__
builtins.__import__ = import_
for changed in ("exists", "open", "read_text", "read_bytes", "stat"):
    setattr(pathlib.Path, changed, without_proc(getattr(pathlib.Path, changed)))
sys.addaudithook(refuse)
if sys.flags.warn_default_encoding:  # which on Windows is the country's
    warnings.filterwarnings("error", category=EncodingWarning, module=r"(shared|impls|minitorch|compare|samegrad)\b")
