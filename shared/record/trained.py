"""Trained parameters as files, npz without pickle, and where the last run has left its own."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from shared.data import DataError
from shared.errors import UsageError
from shared.implementations import label
from shared.interface import Array, Parameters, named, parameters_of
from shared.record import journal
from shared.spec import NetworkSpec, TrainingSpec

HEADER: Final = 1024
"""Bytes that an array of an npz file takes beside its numbers, at most."""
DAMAGED: Final = (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError)
"""What NumPy raises on an npz file that is gone, torn, or none."""
REMEDY: Final = "run compare.py again, or name another run with --run"


def save(parameters: Parameters, path: Path) -> None:
    """Write an npz file: W1, b1, W2, ..., each in the dtype it has."""
    np.savez(path, allow_pickle=False, **named(parameters))


def load(path: Path, spec: NetworkSpec, dtype: str) -> Parameters:
    """Read what `save` wrote.

    Raises
    ------
    DataError
        If it is no such file, if names, shapes or dtypes are not the network's, or if a number is not finite.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for l, (n_out, n_in) in enumerate(spec.shapes, start=1):
        shapes |= {f"W{l}": (n_out, n_in), f"b{l}": (n_out,)}
    what = f"the parameters of {'-'.join(map(str, spec.sizes))} in {dtype}"
    try:
        with path.open("rb") as file:
            # what it would take in memory is known beforehand
            with zipfile.ZipFile(file) as archive:
                size = sum(member.file_size for member in archive.infolist())
            most = np.dtype(dtype).itemsize * spec.parameter_count + HEADER * len(shapes)
            if size > most:
                raise DataError(path, f"{size:,} bytes", f"{what}, at most {most:,}", REMEDY)
            with np.load(file, allow_pickle=False) as arrays:
                found: dict[str, Array] = {name: arrays[name] for name in arrays.files}
    except DAMAGED as error:
        raise DataError(path, f"no readable parameters ({error})", what, REMEDY) from error
    if set(found) != set(shapes):
        raise DataError(path, f"arrays {', '.join(sorted(found)) or 'none'}", ", ".join(shapes), REMEDY)
    for name, shape in shapes.items():
        array = found[name]
        if array.shape != shape or array.dtype != np.dtype(dtype):
            raise DataError(path, f"{name} {array.shape} in {array.dtype}", f"{shape} in {dtype}", REMEDY)
        if not np.isfinite(array).all():
            raise DataError(path, f"{name} with numbers that are not finite", "finite parameters", REMEDY)
    return parameters_of([found[name] for name in shapes])


@dataclass(frozen=True)
class Trained:
    """Networks of one spec, trained alike, and how their inputs are made of images."""

    spec: NetworkSpec
    training: TrainingSpec
    standardised: bool
    parameters: dict[str, Parameters]
    """implementation, as `impls.locate` takes it -> its own"""
    told: str
    """where they come from"""
    remarks: tuple[str, ...] = ()


def last_run(results: Path) -> Path | None:
    """Return the folder of the run that ended last and has kept parameters; None if there is none."""
    ended = [path for path in results.glob(f"*/{journal.RUN}") if any(_files(path.parent))]
    return max(ended, key=lambda path: path.stat().st_mtime).parent if ended else None


def _files(folder: Path) -> Iterator[Path]:
    return (folder / "workers").glob("*.parameters.npz")


def of_run(folder: Path, asked: tuple[str, ...] | None) -> Trained:
    """Return what each implementation of a run has learnt in its first round; `asked` narrows it."""
    record = journal.read(folder)
    network = record["network"]
    spec = NetworkSpec(tuple(network["sizes"]), network["activation"], network["loss"])
    training = TrainingSpec(**{name: value for name, value in record["training"].items() if name != "title"})
    every: dict[str, str] = {label(name): name for name in record["options"]["implementation"]}
    if asked and (strangers := [name for name in map(label, asked) if name not in every]):
        raise UsageError(f"-i: got {', '.join(strangers)}, expected one of {', '.join(every)}, which {folder} has")
    if not any(_files(folder)):
        remedy = "name another with --run, or leave it out; the runs that come with the project keep none"
        raise UsageError(f"--run: got {folder}, which holds no trained parameters, expected a run made here; {remedy}")
    found: dict[str, Parameters] = {}
    accuracies: list[float] = []
    remarks = []
    seed: Any = None
    for name in map(label, asked or every):
        trained = [s for s in record["samples"] if s["implementation"] == name and s["status"] == "ok"]
        if not trained:
            remarks.append(f"{name}: not trained in this run")
            continue
        first = min(trained, key=lambda s: s["round"])
        seed = first["seed"] if seed is None else seed
        accuracies.append(first["test_accuracy"])
        path = folder / "workers" / f"round-{first['round']}-{name}.parameters.npz"
        found[every[name]] = load(path, spec, training.dtype)
    if not found:
        raise UsageError(f"--run: {folder} holds no trained parameters; run compare.py again")
    standardised = record["options"].get("inputs") == "standardised"
    epochs = f"{training.epochs} epoch{'s' * (training.epochs != 1)}"
    told = (
        f"parameters: each implementation's own, of {folder.name}: "
        f"{epochs} on {record['dataset']['name']}, seed {seed}, "
        f"test accuracy {min(accuracies):.1%} to {max(accuracies):.1%}"
    )
    return Trained(spec, training, standardised, found, told, tuple(remarks))
