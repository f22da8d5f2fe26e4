"""Hostile MNIST files, and folders in which one of the four files is such a file.

`CASES` are for the reader alone. `HOSTILE` is for whole programs: each of its functions plants four files in an empty
folder, good ones up to the hostile one in the order in which `mnist.load` reads them.
"""

import gzip
import os
import re
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from shared.data.mnist import FILES, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, MnistFile

MIB: Final = 1 << 20
MAX_BYTES: Final = 60_000 * 784 + 16
"""The size of MNIST's largest file, raw: an upper bound for any of them."""
MAX_GZIP_BYTES: Final = 9_912_422
"""The size of MNIST's largest file as it is distributed."""


def idx(*shape: int, values: bytes, kind: int = 8) -> bytes:
    """Return an IDX file whose header says `kind` and `shape`, whether or not they are true."""
    return bytes((0, 0, kind, len(shape))) + b"".join(size.to_bytes(4, "big") for size in shape) + values


def gz(data: bytes, level: int = 9) -> bytes:
    return gzip.compress(data, level, mtime=0)


PIXELS: Final = np.random.default_rng(0).integers(0, 256, 3 * 784, np.uint8).tobytes()
IMAGES: Final = idx(3, 28, 28, values=PIXELS)
LABELS: Final = idx(3, values=bytes((5, 0, 9)))
GOOD: Final = {file: IMAGES if "images" in file.name else LABELS for file in FILES}
"""Four readable files, small enough to be planted often; their values are not MNIST's."""


class Case(NamedTuple):
    """One hostile file."""

    name: str
    content: bytes | Callable[[Path], object]
    """what the file holds, or a function that makes it"""
    found: str
    """a regular expression for what the error must say was found; see `pattern`"""

    def make(self, path: Path) -> None:
        if isinstance(self.content, bytes):
            path.write_bytes(self.content)
        else:
            self.content(path)


def raw(content: bytes | Callable[[Path], object], found: str, file: MnistFile = TRAIN_IMAGES) -> Case:
    return Case(file.name, content, found)


def zipped(content: bytes | Callable[[Path], object], found: str, file: MnistFile = TRAIN_IMAGES) -> Case:
    return Case(f"{file.name}.gz", content, found)


def plant(case: Case, folder: Path) -> None:
    """Put one hostile and three good files into the folder."""
    for file in FILES:
        if case.name in (file.name, f"{file.name}.gz"):
            case.make(folder / case.name)
        else:
            (folder / f"{file.name}.gz").write_bytes(gz(GOOD[file]))


def pattern(case: Case) -> str:
    """Return a regular expression that is found in the right message, and in no other case's by accident."""
    return rf"{re.escape(case.name)}: found .*{case.found}.*, expected .+\.\n  remedy: .+"


# ---- Large ones, which are made only when they are planted ---------------------------------------------

GZIP_START: Final = bytes.fromhex("1f8b08000000000000ff")
GZIP_WITH_EXTRA: Final = bytes.fromhex("1f8b08040000000000ffffff")
GZIP_WITH_NAME: Final = bytes.fromhex("1f8b08080000000000ff")
EMPTY_STORED_BLOCK: Final = bytes.fromhex("000000ffff")
EMPTY_DYNAMIC_BLOCKS: Final = bytes.fromhex(
    "04c081000000000090ff6b100007020000000040feaf41001c080000000000f9bf060170200000000000e4ff1a"
)
"""Four deflate blocks of 90 bits without a byte of output, each with Huffman tables that must be built."""


def bomb(start: bytes, path: Path) -> None:
    """Write a megabyte that unzips to `start` and 1 GiB of zeros, then to a bad checksum: it must not get so far."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    head = deflate.compress(start) + deflate.flush(zlib.Z_FULL_FLUSH)
    zeros = deflate.compress(bytes(MIB)) + deflate.flush(zlib.Z_FULL_FLUSH)  # refers to nothing before it
    path.write_bytes(GZIP_START + head + zeros * 1024 + deflate.flush() + bytes(8))


def filled(start: bytes, repeated: bytes, path: Path, *, size: int = MAX_BYTES) -> None:
    """Write as large a file as there can be: `start`, then `repeated` again and again."""
    path.write_bytes(start + repeated * ((size - len(start)) // len(repeated)))


def sparse(path: Path) -> None:
    path.touch()
    os.truncate(path, 1 << 34)


def black_images(path: Path) -> None:
    path.write_bytes(gz(idx(60_000, 28, 28, values=bytes(60_000 * 784)), level=1))


def black_mnist(folder: Path) -> None:
    """Plant the right names, shapes and sizes of all four files, with zeros for values."""
    black_images(folder / f"{TRAIN_IMAGES.name}.gz")
    (folder / TRAIN_LABELS.name).write_bytes(idx(60_000, values=bytes(60_000)))
    (folder / f"{TEST_IMAGES.name}.gz").write_bytes(gz(idx(10_000, 28, 28, values=bytes(10_000 * 784)), level=1))
    (folder / TEST_LABELS.name).write_bytes(idx(10_000, values=bytes(10_000)))


# ---- The lists -----------------------------------------------------------------------------------------

ZIPPED: Final = gz(IMAGES)
MAGIC: Final = "magic number"
HTML: Final = b"<!DOCTYPE html>\n<html><head><title>403 Forbidden</title></head><body>Forbidden</body></html>\n"

CASES: Final[dict[str, Case]] = {
    "magic-first-byte": raw(b"\1" + IMAGES[1:], f"{MAGIC} 01000803"),
    "magic-type-is-float": raw(idx(3, 28, 28, values=PIXELS, kind=0x0D), f"{MAGIC} 00000d03"),
    "magic-two-dimensions": raw(idx(3, 784, values=PIXELS), f"{MAGIC} 00000802"),
    "magic-255-dimensions": raw(idx(*[1] * 255, values=b"\0"), f"{MAGIC} 000008ff"),
    "magic-of-labels-in-images": raw(LABELS, f"{MAGIC} 00000801"),
    "magic-of-images-in-labels": raw(IMAGES, f"{MAGIC} 00000803", TRAIN_LABELS),
    "magic-zipped": zipped(gz(LABELS), f"{MAGIC} 00000801", TEST_IMAGES),
    "size-overflow": raw(idx(*[0xFFFFFFFF] * 3, values=PIXELS), "4,294,967,295 examples"),
    "size-overflow-to-the-truth": raw(idx(3, 0x8000001C, 28, values=PIXELS), "images of 2147483676 x 28"),
    "size-no-examples": raw(idx(0, 28, 28, values=b""), r"\b0 examples"),
    "size-no-labels": raw(idx(0, values=b""), r"\b0 examples", TRAIN_LABELS),
    "size-no-rows": raw(idx(3, 0, 28, values=b""), "images of 0 x 28"),
    "size-27x28": raw(idx(3, 27, 28, values=PIXELS[: 3 * 27 * 28]), "images of 27 x 28"),
    "size-28x27": raw(idx(3, 28, 27, values=PIXELS[: 3 * 28 * 27]), "images of 28 x 27"),
    "size-60001-images": zipped(gz(idx(60_001, 28, 28, values=PIXELS)), "60,001 examples"),
    "size-60001-labels": raw(idx(60_001, values=bytes(60_001)), "60,001 examples", TEST_LABELS),
    "header-of-1-byte": raw(IMAGES[:1], rf"{MAGIC} 00\b"),
    "header-of-3-bytes": raw(IMAGES[:3], rf"{MAGIC} 000008\b"),
    "header-of-magic-only": raw(IMAGES[:4], "header of 4 bytes"),
    "header-of-7-bytes-in-labels": raw(LABELS[:7], "header of 7 bytes", TRAIN_LABELS),
    "header-of-15-bytes": raw(IMAGES[:15], "header of 15 bytes"),
    "header-zipped-of-9-bytes": zipped(gz(IMAGES[:9]), "header of 9 bytes"),
    "header-only": raw(IMAGES[:16], r"\b0 values"),
    "header-promises-60000": raw(idx(60_000, 28, 28, values=PIXELS), "2,352 values"),
    "values-one-missing": raw(IMAGES[:-1], "2,351 values"),
    "values-one-missing-zipped": zipped(gz(IMAGES[:-1]), "2,351 values", TEST_IMAGES),
    "values-one-label-missing": raw(LABELS[:-1], r"\b2 values", TEST_LABELS),
    "values-one-too-many": raw(IMAGES + b"\0", "more bytes than"),
    "values-one-too-many-zipped": zipped(gz(IMAGES + b"\0"), "more bytes than"),
    "values-one-label-too-many": raw(LABELS + b"\0", "more bytes than", TEST_LABELS),
    "label-10": raw(idx(3, values=bytes((5, 10, 9))), "label 10 at position 1", TRAIN_LABELS),
    "label-255-zipped": zipped(gz(idx(3, values=bytes((5, 0, 255)))), "label 255 at position 2", TEST_LABELS),
    "gzip-magic-only": zipped(ZIPPED[:2], "truncated gzip"),
    "gzip-header-only": zipped(ZIPPED[:10], "truncated gzip"),
    "gzip-cut-in-the-middle": zipped(ZIPPED[: len(ZIPPED) // 2], "truncated gzip"),
    "gzip-without-checksum": zipped(ZIPPED[:-8], "truncated gzip"),
    "gzip-last-byte-missing": zipped(ZIPPED[:-1], "truncated gzip"),
    "gzip-bad-checksum": zipped(ZIPPED[:-8] + bytes(4) + ZIPPED[-4:], "damaged gzip"),
    "gzip-bad-size": zipped(ZIPPED[:-4] + bytes(4), "damaged gzip"),
    "gzip-bad-method": zipped(ZIPPED[:2] + b"\7" + ZIPPED[3:], "damaged gzip"),
    "gzip-reserved-flags": zipped(ZIPPED[:3] + b"\xe0" + ZIPPED[4:], "damaged gzip"),
    "gzip-bad-block": zipped(ZIPPED[:10] + b"\xff" + ZIPPED[11:], "damaged gzip"),
    "gzip-then-one-byte": zipped(ZIPPED + b"\0", "bytes after the end"),
    "gzip-then-an-empty-member": zipped(ZIPPED + gz(b""), "bytes after the end"),
    "gzip-twice": zipped(ZIPPED + ZIPPED, "bytes after the end"),
    "gzip-in-gzip": zipped(gz(ZIPPED), f"{MAGIC} 1f8b0800"),
    "gzip-name-without-end": zipped(partial(filled, GZIP_WITH_NAME, b"a"), "truncated gzip|bytes"),
    "gzip-name-then-end": zipped(GZIP_WITH_NAME + b"a" * MIB + b"\0", "that contain 0"),
    "gzip-extra-field-cut": zipped(GZIP_WITH_EXTRA + bytes(65_534), "truncated gzip"),
    "gzip-extra-field-then-end": zipped(GZIP_WITH_EXTRA + bytes(65_535), "truncated gzip"),
    "gzip-of-empty-stored-blocks": zipped(partial(filled, GZIP_START, EMPTY_STORED_BLOCK), "that contain 0"),
    "gzip-of-empty-dynamic-blocks": zipped(partial(filled, GZIP_START, EMPTY_DYNAMIC_BLOCKS), "that contain 0"),
    "gzip-of-empty-dynamic-blocks-of-mnists-size": zipped(
        partial(filled, GZIP_START, EMPTY_DYNAMIC_BLOCKS, size=MAX_GZIP_BYTES), "that contain 0"
    ),
    "bomb-of-3-images": zipped(partial(bomb, IMAGES), "more bytes than"),
    "bomb-of-60000-images": zipped(partial(bomb, idx(60_000, 28, 28, values=PIXELS)), "more bytes than"),
    "bomb-of-labels": zipped(partial(bomb, LABELS), "more bytes than", TRAIN_LABELS),
    "bomb-of-zeros": zipped(partial(bomb, b""), f"{MAGIC} 00000000"),
    "empty": raw(b"", "an empty file"),
    "empty-with-gzip-name": zipped(b"", "an empty file", TEST_LABELS),
    "sparse-16-gib": raw(sparse, "17,179,869,184 bytes"),
    "directory": zipped(Path.mkdir, "a directory"),
    "random-bytes": zipped(np.random.default_rng(1).bytes(10_000), MAGIC),
    "html": zipped(HTML, f"{MAGIC} 3c21444f"),
}

if hasattr(os, "mkfifo"):
    CASES["fifo"] = raw(os.mkfifo, "FIFO", TRAIN_LABELS)
    CASES["endless-device"] = raw(lambda path: path.symlink_to("/dev/zero"), "device")

SETS: Final[dict[str, Case]] = {
    "count-labels-too-few": raw(idx(2, values=bytes((5, 0))), "2 labels", TRAIN_LABELS),
    "count-labels-too-many": raw(idx(4, values=bytes((5, 0, 9, 1))), "4 labels", TEST_LABELS),
    "digest-of-few-images": raw(IMAGES, "sha256"),
}
"""Readable files that do not go with the three others or are not MNIST's."""

HOSTILE: Final[dict[str, Callable[[Path], None]]] = {
    **{name: partial(plant, case) for name, case in (CASES | SETS).items()},
    "digest-of-black-images": black_mnist,
}

PATTERNS: Final = {
    **{name: pattern(case) for name, case in (CASES | SETS).items()},
    "digest-of-black-images": "train-images.*: found .*sha256",
}
"""For each hostile folder a regular expression that is found in the right message."""
