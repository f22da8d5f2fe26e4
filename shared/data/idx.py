"""Read the IDX files of MNIST, gzipped or raw, from untrusted sources.

The format (Y. LeCun's MNIST page): two zero bytes, a type byte (8: unsigned byte), the number of dimensions, one
big-endian 32-bit size per dimension, then the values. Nothing is allocated before the header has been
checked, and at most the size given in the header plus one chunk is decompressed.
"""

import stat
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from numpy.typing import NDArray

from shared.data.errors import DataError

SIDE: Final = 28
MAX_EXAMPLES: Final = 60_000
MAX_FILE_BYTES: Final = MAX_EXAMPLES * SIDE * SIDE + 16
_CHUNK: Final = 1 << 18
_SLACK: Final = 1 << 20
"""Bytes that a gzip stream may have before it yields any: its header contains a name and a comment."""
_GZIP_MAGIC: Final = b"\x1f\x8b"
_REMEDY: Final = "delete the file, or replace it with the original from the MNIST distribution, and run again"


def read_images(path: Path) -> NDArray[np.uint8]:
    """Return the images of an IDX file, (n, 784) bytes; raise `DataError` for anything else."""
    return _read(path, (SIDE, SIDE)).reshape(-1, SIDE * SIDE)


def read_labels(path: Path) -> NDArray[np.uint8]:
    """Return the labels of an IDX file, (n,) bytes from 0 to 9; raise `DataError` for anything else."""
    labels = _read(path, ())
    if labels.max() > 9:
        where = int(np.argmax(labels > 9))
        raise DataError(path, f"label {labels[where]} at position {where}", "labels from 0 to 9", _REMEDY)
    return labels


def _read(path: Path, item_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Return the values, (n, *item_shape)."""
    try:
        _check_regular(path)
        with path.open("rb") as file:
            return _parse(path, file, item_shape)
    except OSError as error:
        raise DataError(path, error.strerror or str(error), "a readable file", _REMEDY) from error


def _check_regular(path: Path) -> None:
    """Refuse before opening: a FIFO would block forever."""
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        kind = (
            "a directory" if stat.S_ISDIR(status.st_mode) else "neither a file nor a directory (FIFO, device, socket)"
        )
        raise DataError(path, kind, "an IDX file, gzipped or raw", _REMEDY)
    if status.st_size == 0:
        raise DataError(path, "an empty file", "an IDX file, gzipped or raw", _REMEDY)
    if status.st_size > MAX_FILE_BYTES:
        raise DataError(path, f"{status.st_size:,} bytes", f"at most {MAX_FILE_BYTES:,} bytes", _REMEDY)


def _chunks(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """Yield the content, decompressed if needed, at most `_CHUNK` bytes at a time."""
    data = file.read(_CHUNK)
    if not data.startswith(_GZIP_MAGIC):
        while data:
            yield data
            data = file.read(_CHUNK)
        return
    gzip = zlib.decompressobj(wbits=31)  # 31: with the gzip header and its checksum
    given = made = 0
    try:
        while data and not gzip.eof:
            given += len(data)
            chunk = gzip.decompress(data, _CHUNK)
            made += len(chunk)
            given -= len(gzip.unconsumed_tail)
            # Incompressible data grows by less than 0.1 %. A stream that grows more consists of empty blocks.
            if given > made + made // 1000 + _SLACK:
                raise DataError(
                    path, f"{given:,} gzipped bytes that contain {made:,}", "an ordinary gzip file", _REMEDY
                )
            data = gzip.unconsumed_tail or file.read(_CHUNK)
            if chunk:
                yield chunk
    except zlib.error as error:
        raise DataError(path, f"a damaged gzip stream ({error})", "a valid one", _REMEDY) from error
    if not gzip.eof:
        raise DataError(path, "a truncated gzip stream", "a complete one", _REMEDY)
    if gzip.unused_data or data or file.read(1):
        raise DataError(path, "bytes after the end of the gzip stream", "none", _REMEDY)


def _parse(path: Path, file: BinaryIO, item_shape: tuple[int, ...]) -> NDArray[np.uint8]:
    header_size = 4 + 4 * (1 + len(item_shape))
    chunks = _chunks(path, file)
    start = b""
    while len(start) < header_size and (chunk := next(chunks, b"")):
        start += chunk
    shape = _parse_header(path, start[:header_size], item_shape)
    values = np.empty(int(np.prod(shape)), np.uint8)
    filled, chunk = 0, start[header_size:]
    while chunk:
        if filled + len(chunk) > len(values):
            raise DataError(path, "more bytes than the header says", f"{len(values):,} values", _REMEDY)
        values[filled : filled + len(chunk)] = np.frombuffer(chunk, np.uint8)
        filled += len(chunk)
        chunk = next(chunks, b"")
    if filled < len(values):
        raise DataError(path, f"only {filled:,} values", f"{len(values):,} values", _REMEDY)
    return values.reshape(shape)


def _parse_header(path: Path, header: bytes, item_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return (n, *item_shape), checked with Python integers, which do not overflow."""
    magic = bytes((0, 0, 8, 1 + len(item_shape)))
    if not header.startswith(magic):
        raise DataError(path, f"magic number {header[:4].hex() or 'nothing'}", f"{magic.hex()} (IDX)", _REMEDY)
    if len(header) < 4 + 4 * (1 + len(item_shape)):
        raise DataError(path, f"a header of {len(header)} bytes", "a complete IDX header", _REMEDY)
    n, *rest = (int.from_bytes(header[i : i + 4], "big") for i in range(4, len(header), 4))
    if not 1 <= n <= MAX_EXAMPLES:
        raise DataError(path, f"{n:,} examples", f"1 to {MAX_EXAMPLES:,}", _REMEDY)
    if tuple(rest) != item_shape:
        raise DataError(path, f"images of {' x '.join(map(str, rest))}", f"{SIDE} x {SIDE}", _REMEDY)
    return n, *item_shape
