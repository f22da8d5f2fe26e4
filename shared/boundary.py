"""What comes from outside: files, text and Python of others, read within limits and made safe to show."""

import ast
import os
import re
import stat
import threading
from pathlib import Path
from typing import Final

_UNSAFE: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and newline, those that reverse a line, and what is no character in UTF-8."""
LONGEST_MESSAGE: Final = 1 << 10
"""Characters of the message of an exception."""
LONGEST_FILE: Final = 1 << 26
"""Bytes of a file of source; notebooks hold pictures."""
LONGEST_PYTHON: Final = 500_000
"""Characters of Python; of some longer texts the parser would take seconds and hundreds of MB."""


class NotPythonError(ValueError):
    """A text that is not Python."""


def safe(text: str) -> str:
    r"""Return a text in which what could command a terminal, or is not Unicode, is written out: \x1b."""
    return _UNSAFE.sub(lambda found: ascii(found[0])[1:-1], text)


def told(error: BaseException) -> str:
    """Return the type and the message of an exception, on one line that is not endless."""
    try:
        message = str(error)[:LONGEST_MESSAGE]
    except BaseException:  # noqa: BLE001 - a stranger's __str__ may raise anything
        message = "its __str__ raises an exception itself"
    return safe(" ".join(f"{type(error).__name__[:LONGEST_MESSAGE]}: {message}".split()))


def read_bytes(path: Path, most: int = LONGEST_FILE) -> bytes:
    """Return what a file holds; OSError also for a pipe or a device, and for more than `most` bytes."""
    # a pipe must not be waited for, and what is opened must be what is looked at
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(f"{path.name}: found a pipe, folder or device, expected a file")
        if found.st_size > most:
            raise OSError(f"{path.name}: found {found.st_size:,} bytes, expected at most {most:,}")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            return file.read(most)
    finally:
        os.close(descriptor)


def read_source(path: Path) -> str:
    """Return the text of a file of source; errors as `read_bytes`, and bytes that are not UTF-8 are replaced."""
    return read_bytes(path).decode("utf-8-sig", errors="replace").replace("\r\n", "\n")


PARSING: Final = threading.Lock()
"""Python 3.11 counts how deep the parser is once for all threads; with two it fails, now and then (SystemError)."""


def parsed(text: str, name: str = "<text>") -> ast.Module:
    """Return the syntax tree of Python; NotPythonError if it has none, or none within reach."""
    if len(text) > LONGEST_PYTHON:
        raise NotPythonError(f"got {len(text):,} characters, expected Python of at most {LONGEST_PYTHON:,}")
    try:
        with PARSING:
            return ast.parse(text, name)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotPythonError(told(error)) from None
