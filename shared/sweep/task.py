"""What a Dask worker does: one combination of a sweep, as a run of one round in a folder of its own.

A task is a round, not a sample, since ratios are formed within a round, on one machine. Each implementation is timed in
a fresh process, as in every run. What the task gives back is the record as JSON: no shared disk is assumed.
"""

import json
import os
import tempfile
import zlib
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from shared import __version__, implementations
from shared.data import Dataset, snapshot
from shared.implementations import FRAMEWORKS, label
from shared.measure import machine
from shared.measure.config import RunConfig
from shared.measure.run import Silent, execute
from shared.processes import temporary
from shared.record import files
from shared.sweep.grid import Cell

PACKAGES: Final = ("numpy", *FRAMEWORKS)
OF_DASK: Final = "MALLOC_TRIM_THRESHOLD_"
"""What Dask sets so that malloc returns freed memory to the system at once. Where a process inherits it, every large
array is mapped again: the float64 reference took 1.1 s instead of 0.65 s."""


@dataclass(frozen=True)
class Task:
    """One combination, with all that a worker needs but the data."""

    cell: Cell
    config: RunConfig
    digest: str
    """of the data"""
    versions: dict[str, str]
    """of the packages, where the sweep was started"""
    timed: bool


def versions() -> dict[str, str]:
    """Return the version of each package that is installed here."""
    found = {"samegrad": __version__}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


# ---- Data -----------------------------------------------------------------------------------------------


def packed(dataset: Dataset) -> bytes:
    """Return a data set as bytes, compressed."""
    with temporary.folder() as folder:
        snapshot.save(dataset, folder / "data.npz")
        return zlib.compress((folder / "data.npz").read_bytes(), 1)


def _shared(name: str) -> Path:
    """Return a path that all workers of a user have in common on one machine."""
    user = os.getuid() if hasattr(os, "getuid") else ""
    return Path(tempfile.gettempdir()) / f"samegrad_{user}_{name}"


def path_of(digest: str) -> Path:
    """Return where the data lie on each machine."""
    return _shared(f"{digest[:32]}.npz")


def unpack(content: bytes, digest: str) -> None:
    """Write the data to the disk of this machine, once for all workers on it; DataError if they are others."""
    from filelock import FileLock

    path = path_of(digest)
    with FileLock(path.with_suffix(".lock")):
        if not path.exists():
            files.write_bytes(path, zlib.decompress(content))
    _dataset(digest)


@lru_cache(maxsize=1)
def _dataset(digest: str) -> Dataset:
    return snapshot.load(path_of(digest), digest)


# ---- Work -----------------------------------------------------------------------------------------------


def work(task: Task) -> bytes:
    """Run a task; return its record as JSON, or why this worker must not run it."""
    os.environ.pop(OF_DASK, None)
    if problem := refusal(task):
        return json.dumps({"refused": problem}).encode()
    with temporary.folder() as folder, alone() if task.timed else nullcontext():
        config = _at_home(task.config, folder)
        record = execute(config, _dataset(task.digest), _made(folder / "run"), Silent())
    return json.dumps({"record": record}, allow_nan=False).encode()


def refusal(task: Task) -> str:
    """Return what differs on this worker from where the sweep was started; "" if nothing does."""
    here = versions()
    different = [
        f"{package} {here.get(package, 'missing')}, expected {expected}"
        for package, expected in task.versions.items()
        if here.get(package) != expected
    ]
    ours = [name for name in task.config.implementations if not name.endswith(".py")]
    for name, source in implementations.sources(ours).items() if not different else ():
        if source["text"] != task.config.sources[name]["text"]:
            different.append(f"another version of impls/{name}.py")
    return f"{machine.facts().get('cpu') or 'a worker'}: {'; '.join(different)}" if different else ""


def alone() -> Any:
    """Hold the lock of this machine: where two workers run on one machine, their timed tasks take turns."""
    from filelock import FileLock

    return FileLock(_shared("timing.lock"))


def _at_home(config: RunConfig, folder: Path) -> RunConfig:
    """Return a configuration whose files of a user's own lie on this machine."""
    names = []
    for name in config.implementations:
        if name.endswith(".py"):
            path = folder / Path(name).name
            path.write_text(config.sources[label(name)]["text"], encoding="utf-8")
            name = path.as_posix()
        names.append(name)
    return replace(config, implementations=tuple(names))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder
