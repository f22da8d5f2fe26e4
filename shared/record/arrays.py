"""Arrays in npz files, read within limits and without pickle."""

import zipfile
import zlib
from pathlib import Path
from typing import Final

import numpy as np

from shared.boundary import read_bytes, told
from shared.interface import Array

HEADER: Final = 1024
"""The most bytes that an array takes in an npz file in addition to its numbers."""
KINDS: Final = "fiub"
"""dtype.kind of the arrays that are read: numbers and truth values."""
_UNREADABLE: Final = (
    OSError,
    ValueError,
    EOFError,
    KeyError,
    MemoryError,
    RuntimeError,
    zipfile.BadZipFile,
    zlib.error,
)
"""What NumPy raises for an npz file that is missing or damaged, and for other files."""


class ArraysError(ValueError):
    """A file contains no arrays that can be used; the message says what it is."""


def read(path: Path, most: int) -> dict[str, Array]:
    """Return the arrays of an npz file, of at most so many bytes in all; ArraysError if it is not such a file."""
    try:
        read_bytes(path, most + HEADER)  # it is a file, and not an endless one
        # NumPy does not close a file that it opened itself and cannot read
        with path.open("rb") as file:
            with zipfile.ZipFile(file) as archive:  # its size in memory is checked before anything is unpacked
                size = sum(member.file_size for member in archive.infolist())
            if size > most:
                raise ArraysError(f"{size:,} bytes, expected at most {most:,}")
            with np.load(file, allow_pickle=False) as stored:
                found: dict[str, Array] = {name: stored[name] for name in stored.files}
    except ArraysError:
        raise
    except _UNREADABLE as error:
        raise ArraysError(f"nothing readable ({told(error)})") from None
    if strange := [f"{name} in {array.dtype}" for name, array in found.items() if array.dtype.kind not in KINDS]:
        raise ArraysError(f"{', '.join(strange)}, expected numbers")
    return found
