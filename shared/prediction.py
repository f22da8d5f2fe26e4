"""Trained networks and their outputs for a few images, each implementation in its own process."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from impls.numpy_scratch import Network as Reference
from shared import evaluation, initial
from shared.agreement.survey import Failure
from shared.boundary import read_source
from shared.data import Dataset
from shared.data.dataset import Split
from shared.data.photo import Grey
from shared.errors import SettingError
from shared.implementations import label
from shared.interface import Array, Parameters
from shared.processes.calls import CallError, CallProcess
from shared.record import journal, workers
from shared.record.parameters import load
from shared.record.schema import OK, Record, Sample
from shared.spec import NetworkSpec, TrainingSpec

# ---- Trained networks ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trained:
    """Trained networks of one spec, with the parameters of each implementation."""

    spec: NetworkSpec
    training: TrainingSpec
    standardised: bool
    """whether inputs have mean 0 and standard deviation 1, as `Split.standardised`"""
    parameters: dict[str, Parameters]
    """by the implementation's name or path"""
    origin: str
    """where the parameters come from, for the heading of a table"""
    remarks: tuple[str, ...] = ()


def train(implementations: Sequence[str], dataset: Dataset, training: TrainingSpec) -> Trained:
    """Train the reference in this process, and give its parameters to all implementations."""
    spec = NetworkSpec()
    network = Reference(spec, training, initial.draw_parameters(spec, training))
    network.load(*dataset.train.arrays(training.dtype))
    orders = initial.draw_orders(training, len(dataset.train))
    for _ in range(training.epochs):
        network.train(next(orders))
    x_test, y_test = dataset.test.arrays(training.dtype)
    accuracy = evaluation.accuracy(evaluation.outputs(network, x_test), y_test)
    origin = (
        f"parameters: no run has kept any, so NumPy was trained now, {_epochs(training)} on {dataset.name}, "
        f"test accuracy {accuracy:.1%}; all implementations use the same"
    )
    return Trained(spec, training, False, dict.fromkeys(implementations, network.parameters()), origin)


def last_run(results: Path) -> Path | None:
    """Return the folder of the latest finished run that has kept parameters; None if there is none."""
    ended = [path for path in results.glob(f"*/{journal.RUN}") if _has_parameters(path.parent)]
    return max(ended, key=lambda path: path.stat().st_mtime).parent if ended else None


def of_run(folder: Path, asked: tuple[str, ...] | None) -> Trained:
    """Return what each implementation of a run learned in its first round; `asked` selects some of them.

    Raises
    ------
    RunError, DataError
        If the folder contains no run, or a file of parameters is damaged.
    SettingError
        If the run has not trained the implementations that are asked for.
    """
    record = journal.read(folder)
    spec = NetworkSpec.parse(record["network"]["title"])
    fields: dict[str, Any] = {name: value for name, value in record["training"].items() if name != "title"}
    training = TrainingSpec(**fields)
    now = {label(name): name for name in asked or ()}
    stored = {label(name): name for name in record["options"].get("implementation", record["implementations"])}
    every = {name: now.get(name, file) for name, file in stored.items()}
    _refuse_strangers(folder, every, asked)
    left_out = {name: why for name in list(every) if (why := _not_run(record, every[name], is_named=name in now))}
    every = {name: file for name, file in every.items() if name not in left_out}
    asked = tuple(name for name in asked if label(name) not in left_out) if asked else asked
    samples = {name: _first_sample(record, name) for name in map(label, asked or every)}
    trained = {name: sample for name, sample in samples.items() if sample is not None}
    if not trained:
        why = "; ".join(left_out.values()) or "run compare.py again"
        raise SettingError("run", f"{folder} contains no trained parameters that can be used; {why}")
    accuracies = [sample["test_accuracy"] for sample in trained.values()]
    origin = (
        f"parameters: each implementation's own, from {folder.name}: {_epochs(training)} on "
        f"{record['dataset']['name']}, seed {next(iter(trained.values()))['seed']}, "
        f"test accuracy {min(accuracies):.1%} to {max(accuracies):.1%}"
    )
    found = {
        every[name]: load(
            workers.path(folder / workers.FOLDER, sample["round"], name, workers.PARAMETERS), spec, training.dtype
        )
        for name, sample in trained.items()
    }
    standardised = record["options"].get("inputs") == "standardised"
    remarks = [f"{name}: not trained in this run" for name in samples if name not in trained]
    return Trained(spec, training, standardised, found, origin, (*left_out.values(), *remarks))


def _not_run(record: Record, file: str, *, is_named: bool) -> str | None:
    """Return why an implementation of a run is not run: what a run names is data, and runs no file by itself."""
    name = label(file)
    if not file.endswith(".py"):
        return None
    if not is_named:
        return f"{name}: a file of a user's own, which runs only if it is named: -i PATH/{Path(file).name}"
    source = record.get("sources", {}).get(name)
    if source is not None and source["text"] != read_source(Path(file)):
        return f"{name}: the file has changed since this run trained it"
    return None


def _refuse_strangers(folder: Path, every: dict[str, str], asked: tuple[str, ...] | None) -> None:
    """Raise SettingError for implementations that are not in the run, and for a run without parameters."""
    if strangers := [name for name in map(label, asked or ()) if name not in every]:
        known = f"one of {', '.join(every)}, which {folder} has"
        raise SettingError("implementation", f"got {', '.join(strangers)}, expected {known}")
    if not _has_parameters(folder):
        remedy = "name another run, or none; the runs in the repository contain no parameters"
        raise SettingError(
            "run", f"got {folder}, which contains no trained parameters, expected a run made here; {remedy}"
        )


def _first_sample(record: Record, name: str) -> Sample | None:
    """Return the sample of an implementation in the first round in which it was trained."""
    trained = [s for s in record["samples"] if s["implementation"] == name and s["status"] == OK]
    return min(trained, key=lambda s: s["round"]) if trained else None


def _has_parameters(folder: Path) -> bool:
    return any((folder / workers.FOLDER).glob(f"*{workers.PARAMETERS}"))


def _epochs(training: TrainingSpec) -> str:
    return f"{training.epochs} epoch{'s' * (training.epochs != 1)}"


# ---- Their outputs -------------------------------------------------------------------------------------


@dataclass
class Predictions:
    """The outputs of several implementations for the same images."""

    activations: dict[str, Array] = field(default_factory=dict)
    """implementation's label -> a_L of every image, (images, n_out)"""
    failures: list[Failure] = field(default_factory=list)


def outputs(network_class: Any, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters, x: Array) -> Array:
    """Return the output activations, (n, n_out); runs in the implementation's process."""
    found: Array = network_class(spec, training, parameters).predict(x)
    if not isinstance(found, np.ndarray):
        raise TypeError(f"predict returned a {type(found).__name__}, expected a NumPy array {(len(x), spec.n_out)}")
    return found


def predict(trained: Trained, images: Sequence[Grey], processes: Sequence[CallProcess]) -> Predictions:
    """Return the output activations of every implementation for images of 28x28 pixels.

    processes : of the implementations of `trained`; they may still be loading.
    """
    grey = np.stack(images).reshape(len(images), -1)
    x, _ = Split(grey, np.zeros(len(images), np.uint8), trained.standardised).arrays(trained.training.dtype)
    found = Predictions()
    for process in processes:
        name = label(process.name)
        try:
            given = trained.spec, trained.training, trained.parameters[process.name], x
            a = process.loaded().call(outputs, *given)
        except CallError as error:
            found.failures.append(Failure(name, error.kind, str(error)))
            continue
        if (shape := (len(x), trained.spec.n_out)) != a.shape or a.dtype.kind != "f":
            what = f"predict returned an array {a.shape} in {a.dtype}, expected {shape} in {x.dtype}"
            found.failures.append(Failure(name, "raised", what))
        elif not np.isfinite(a).all():
            found.failures.append(Failure(name, "raised", "predict returned numbers that are not finite"))
        else:
            found.activations[name] = a
    return found
