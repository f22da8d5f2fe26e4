"""Replaces the tensors that its worker has saved, in the way that SAMEGRAD_TEST_TENSORS says."""

import io
import os
import struct
import sys
import zipfile
from pathlib import Path

from impls.numpy_scratch import Network as Scratch
from shared.interface import Array

TENSORS = Path(sys.argv[1].removesuffix(".job.json") + ".npz") if sys.argv[1:] else Path()


def huge() -> bytes:
    """Return an npz file of an array whose header says that it has 4 TB."""
    header = b"{'descr': '<f4', 'fortran_order': False, 'shape': (1099511627776,), }"
    header += b" " * (63 - (len(header) + 10) % 64) + b"\n"
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as file:
        file.writestr("outputs/a_L.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header)
    return written.getvalue()


def encrypted(content: bytes) -> bytes:
    """Return a zip file that says that it is encrypted."""
    changed = bytearray(content)
    changed[6] |= 1
    changed[content.find(b"PK\x01\x02") + 8] |= 1
    return bytes(changed)


class Network(Scratch):
    is_done = False

    def predict(self, x: Array) -> Array:
        kind = os.environ["SAMEGRAD_TEST_TENSORS"]
        if TENSORS.is_file() and not self.is_done:  # it is evaluated
            self.is_done = True
            content = TENSORS.read_bytes()
            TENSORS.unlink()
            if kind == "a pipe":
                os.mkfifo(TENSORS)
            elif kind != "nothing":
                changed = {"torn": content[:1000], "huge": huge(), "encrypted": encrypted(content)}
                TENSORS.write_bytes(changed[kind])
        return super().predict(x)
