"""Load folders and print what it took: `python -m tests.data.measured_load NAME...`, which reads a folder a line.

Each folder is loaded in a process of its own, which begins when all is imported. Each name of a data set gives one line
of JSON: the error, how many bytes were read from files and made by unzipping them, in how many steps, and the most
memory the process ever had. How long that takes depends on the machine.
"""

import json
import os
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

from shared.data import idx, load


class Work:
    """What reading files has taken."""

    def __init__(self) -> None:
        self.bytes = self.steps = 0

    def count(self, data: bytes) -> bytes:
        self.bytes += len(data)
        self.steps += 1
        return data


class Counted:
    """A file, or what unzips one, whose work is counted."""

    def __init__(self, inner: Any, work: Work) -> None:
        self._inner, self._work = inner, work

    def read(self, size: int) -> bytes:
        return self._work.count(self._inner.read(size))

    def decompress(self, data: bytes, most: int) -> bytes:
        return self._work.count(self._inner.decompress(data, most))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


def watch(work: Work) -> None:
    """Count from now on what the reader of IDX files does."""
    chunks = idx._chunks

    def counted(path: Path, file: BinaryIO) -> Any:
        return chunks(path, Counted(file, work))  # type: ignore[arg-type]

    def decompressobj(**how: Any) -> Counted:
        return Counted(zlib.decompressobj(**how), work)

    vars(idx).update(_chunks=counted, zlib=SimpleNamespace(decompressobj=decompressobj, error=zlib.error))


def peak_mib() -> float:
    """Return VmHWM, which unlike `ru_maxrss` starts in each new process at what it has then."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmHWM in /proc/self/status")


def in_a_process(work: Callable[..., None], *arguments: Any) -> None:
    """Do some work in a process of its own, and fail if it does."""
    child = os.fork()
    if child == 0:
        work(*arguments)
        sys.stdout.flush()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if status:
        sys.exit(1)


def main(*names: str) -> None:
    for line in sys.stdin:
        in_a_process(measure, Path(line.rstrip("\n")), *names)


def measure(folder: Path, *names: str) -> None:
    for name in names:
        error, work = "", Work()
        watch(work)
        try:
            load(name, folder, offline=True)
        except Exception as raised:  # noqa: BLE001 - the test says which it may be
            error = f"{type(raised).__name__}: {raised}"
        print(json.dumps({"error": error, "bytes": work.bytes, "steps": work.steps, "peak_mib": peak_mib()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
