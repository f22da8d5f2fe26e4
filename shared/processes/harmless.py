"""What is run of a person's file in order to read it changes nothing: no file, no process, nothing in the network."""

import builtins
import io
import os
import re
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

LIBRARIES: Final = tuple(sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib"))
WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
REFUSED: Final = re.compile(
    r"os\.(remove|rename|rmdir|mkdir|truncate|link|symlink|chmod|chown|utime|system|exec|fork|forkpty|posix_spawn|spawn|"
    r"startfile|kill|killpg|setxattr|removexattr)|subprocess\.Popen|pty\.spawn|shutil\..*|sqlite3\.connect|"
    r"socket\.(connect|bind|sendto|sendmsg|getaddrinfo|gethostby\w+)"
)
"""Events of Python's audit hooks, which no code can go around unless it is a compiled library's."""
REFUSAL: Final = "while it is read, a file may change nothing"

_open = io.open
_folders: list[str] = []
"""of the files that are being read, if any"""
_is_watched = False


@contextmanager
def harmless(folder: Path) -> Iterator[None]:
    """Let code write into nothing, and refuse it, with PermissionError, to remove files or to start processes.

    What a library does while it is imported is left to it: a cache, a look at the processor.

    Parameters
    ----------
    folder : of a person's file; a module of that folder which is imported is no library.
    """
    global _is_watched
    if not _is_watched:
        _is_watched = True
        sys.addaudithook(_refuse)  # for good
    written_by = [(os, "mkdir"), (sys.modules.get("numpy"), "savetxt"), (sys.modules.get("torch"), "save")]
    changed: list[tuple[Any, str, Any]] = [(builtins, "open", _opened), (io, "open", _opened)]
    changed += [(module, name, _unless_theirs(getattr(module, name))) for module, name in written_by if module]
    changed.append((sys, "dont_write_bytecode", True))
    _folders.append(f"{folder.absolute()}{os.sep}")
    before = [(module, name, getattr(module, name)) for module, name, _ in changed]
    try:
        for each in changed:
            setattr(*each)
        yield
    finally:
        for each in before:
            setattr(*each)
        _folders.pop()


def _opened(file: Any, mode: str = "r", *arguments: Any, **named: Any) -> Any:
    if isinstance(file, int) or not set(mode) & set("wax+") or not _is_theirs():
        return _open(file, mode, *arguments, **named)
    return io.BytesIO() if "b" in mode else io.StringIO()


def _unless_theirs(function: Callable[..., Any]) -> Callable[..., Any]:
    """Leave out what is not needed where nothing is written, or what no hook sees: torch.save writes from C++."""
    return lambda *arguments, **named: None if _is_theirs() else function(*arguments, **named)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if not _folders:
        return
    opens = event == "open" and arguments[0] != os.devnull and not isinstance(arguments[0], int)
    if ((opens and arguments[2] & WRITES) or REFUSED.fullmatch(event)) and _is_theirs():
        raise PermissionError(f"{REFUSAL} ({' '.join([event, *map(str, arguments[:1])])[:90]})")


def _is_theirs() -> bool:
    """Return whether the innermost of these is running: a file of the person's, before the import of a library."""
    frame: Any = sys._getframe(2) if _folders else None
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith("<frozen importlib"):
            return False
        if name.startswith(_folders[-1]) and not name.startswith(LIBRARIES):
            return True
        frame = frame.f_back
    return bool(_folders)
