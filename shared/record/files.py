"""Files that are written in one piece or not at all."""

import json
import math
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from shared.processes import system


def write_text(path: Path, text: str) -> None:
    """Write text in the way of `write_bytes`."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write bytes in the way of `replacing`."""
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Give a temporary file beside `path` to write to; at the end force it to the disk, and rename it.

    Raises
    ------
    OSError
        If there is a folder, a pipe or a device, or if the file cannot be written.
    """
    if path.exists() and not path.is_file():
        raise OSError(f"{path}: found a pipe, folder or device, expected a file or nothing")
    temporary = path.with_name(path.name + ".tmp")
    remove(temporary)  # a pipe would be waited for
    with temporary.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def write_json(path: Path, content: Any) -> None:
    """Write strict JSON; pass values that may not be finite through `finite` first."""
    write_text(path, json.dumps(content, indent=1, allow_nan=False) + "\n")


def remove(path: Path) -> None:
    """Delete whatever has this name, if anything has: a file, a link, a pipe, a folder."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def reserve(folder: Path, size: int) -> None:
    """Check that `size` bytes can be written to a folder, and release them; OSError if they cannot."""
    trial = folder / ".trial"
    try:
        with trial.open("wb") as file:
            if not system.reserve(file.fileno(), size):
                file.write(bytes(size))
                file.flush()
                os.fsync(file.fileno())
    finally:
        trial.unlink(missing_ok=True)


def shown(path: Path) -> str:
    """Return a path for messages: relative to the current folder or, if that is impossible (another drive), in full."""
    try:
        return os.path.relpath(path)
    except (ValueError, OSError):  # OSError: the current folder is gone
        return str(path)


def finite(value: float) -> float | None:
    """Return None for nan and inf, which JSON does not have."""
    return value if math.isfinite(value) else None
