"""From options to a run: what is wrong is refused first, then the data are loaded, then the folder is made."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain, count
from pathlib import Path
from typing import Any, Final

from shared import data, implementations
from shared.data import Dataset
from shared.errors import UsageError, nearest
from shared.implementations import REFERENCE, REFERENCE_LABEL, label
from shared.measure.run import RunConfig, bytes_needed, differences, new_record
from shared.options import DEFAULT_EPOCHS, Options, learning_rate, resolve
from shared.processes import environment
from shared.record import files, journal
from shared.record.journal import Record
from shared.spec import NetworkSpec, TrainingSpec

RESULTS: Final = environment.ROOT / "results"


@dataclass(frozen=True)
class Plan:
    """A run that can begin."""

    config: RunConfig
    dataset: Dataset
    folder: Path
    previous: Record | None = None
    """what an interrupted run has measured"""


def plan(
    given: Mapping[str, Any], effort: str | None, preset: str | None, argv: Sequence[str], *, data_dir: Path | None,
    offline: bool, output: Path | None, resume: Path | None, budget: float, timeout: float
) -> Plan:  # fmt: skip
    """Turn options into a run.

    Parameters
    ----------
    given : options; None stands for one that was not given.
    effort : "quick", "rigorous" or None.
    preset : one of `PRESETS`, or None.
    argv : the command's arguments, for the record.
    data_dir, offline : as `shared.data.load`.
    output : the run's own folder, new or empty; None for one below results/.
    resume : the folder of the run to go on with.
    budget, timeout : seconds, as `RunConfig`.

    Raises
    ------
    UsageError, SpecError, UnknownImplementationError, RunError
        Where the options cannot be meant.
    DataError
        Where the data cannot be had.
    """
    if resume and output:
        raise UsageError("--output: got one beside --resume, expected none: a run goes on in its own folder")
    previous = journal.read(resume) if resume else None
    options = resolve(given, effort, previous and previous["options"], preset)
    config = configure(options, argv, named=given["implementation"] is not None or bool(previous and previous["named"]))
    dataset, notice = data.load(options["dataset"], data_dir, offline=offline)
    if notice:
        print(notice, file=sys.stderr)
    config, dataset = fit(config, options, dataset, budget, timeout)
    if resume and previous:
        refuse_another(previous, config, dataset, resume)
        return Plan(config, dataset, prepare(resume, config, len(dataset.test)), previous)
    folder = make_folder(output, config.options["dataset"] if config.options else "")
    return Plan(config, dataset, prepare(folder, config, len(dataset.test)))


def configure(options: Options, argv: Sequence[str], *, named: bool) -> RunConfig:
    """Return the configuration, as far as it does not depend on the data; everything wrong is refused."""
    network = network_of(options)
    for name in ("rounds", "threads", "train_size", "test_size"):
        if options[name] is not None and options[name] < 1:
            flag = name.replace("_", "-")
            raise UsageError(f"--{flag}: got {options[name]}, expected a whole number of at least 1")
    implementations = locate_all(options["implementation"])
    labels = [label(name) for name in implementations]
    baseline = options["baseline"]
    if baseline is not None and baseline not in labels:
        allowed = f"one of {', '.join(labels)}, which are run{nearest(baseline, labels)}"
        raise UsageError(f"--baseline: got {baseline!r}, expected {allowed}")
    training = TrainingSpec(
        optimizer=options["optimizer"],
        learning_rate=learning_rate(options),
        batch_size=options["batch_size"],
        epochs=1 if options["epochs"] is None else options["epochs"],
        seed=options["seed"],
        initial=options["initial"],
        dtype=options["dtype"],
    )
    return RunConfig(
        implementations=implementations,
        spec=network,
        training=training,
        rounds=options["rounds"],
        threads=options["threads"],
        command=tuple(argv),
        baseline=baseline or REFERENCE,
        sources=sources(implementations),
        named=named,
    )


def network_of(options: Options) -> NetworkSpec:
    """Return the network, which must fit the images."""
    network = NetworkSpec(tuple(options["sizes"]), options["activation"], options["loss"])
    if network.sizes[0] != 784 or network.sizes[-1] != 10:
        raise UsageError(f"--sizes: got {network.sizes}, expected 784 inputs and 10 outputs, such as 784,30,10")
    return network


def locate_all(given: Sequence[str] | None) -> tuple[str, ...]:
    """Return the implementations' names, or absolute paths, without repetition; "all" stands for every name."""
    found: dict[str, str] = {}
    for name in chain.from_iterable(
        implementations.names() if n == "all" else [n] for n in given or implementations.defaults()
    ):
        path = implementations.locate(name)
        full = str(path.resolve()) if name.endswith(".py") else name
        if path.stem == REFERENCE_LABEL:
            raise UsageError(
                f"--implementation: got {name}, expected another name: {REFERENCE_LABEL} is the reference's"
            )
        if found.setdefault(path.stem, full) != full:
            raise UsageError(f"--implementation: got two that are called {path.stem}, expected different names")
    return tuple(found.values())


def sources(names: Sequence[str]) -> dict[str, dict[str, str | None]]:
    """Return the source of each implementation, and of the sibling that it changes in part, by label."""
    found: dict[str, dict[str, str | None]] = {}
    waiting = list(names)
    for name in waiting:
        base = implementations.base(name)
        if label(name) not in found:
            text = implementations.locate(name).read_text(encoding="utf-8", errors="replace")
            found[label(name)] = {"base": base, "text": text}
            waiting += [base] if base else []
    return found


def fit(
    config: RunConfig, options: Options, dataset: Dataset, budget: float, timeout: float
) -> tuple[RunConfig, Dataset]:
    """Return the configuration and the data for one another: epochs, the size of the training set."""
    for name, split in (("train", dataset.train), ("test", dataset.test)):
        size = options[f"{name}_size"]
        if size is not None and size > len(split):
            most = f"at most {len(split):,}, the {name} images of {dataset.name}"
            raise UsageError(f"--{name}-size: got {size:,}, expected {most}")
    if options["train_size"] is not None:
        dataset = dataset.with_train_size(options["train_size"])
    if options["test_size"] is not None:
        dataset = dataset.with_test_size(options["test_size"])
    if options["inputs"] == "standardised":
        dataset = dataset.with_standardised_inputs()
    if config.training.batch_size > len(dataset.train):
        most = f"at most {len(dataset.train):,}, the training images in use"
        raise UsageError(f"--batch-size: got {config.training.batch_size:,}, expected {most}")
    kind = "mnist" if dataset.name == "MNIST" else "digits"
    epochs = DEFAULT_EPOCHS[kind] if options["epochs"] is None else options["epochs"]
    settled = options | {
        "implementation": list(config.implementations),
        "sizes": list(config.spec.sizes),
        "epochs": epochs,
        "learning_rate": config.training.learning_rate,
        "dataset": kind,
    }
    training = replace(config.training, epochs=epochs)
    return replace(config, training=training, options=settled, budget=budget, timeout=timeout), dataset


def refuse_another(previous: Record, config: RunConfig, dataset: Dataset, folder: Path) -> None:
    """Raise `UsageError` where the run to go on with is another one than is asked for now."""
    found = differences(previous, new_record(config, dataset))
    if found:
        remedy = "leave these options out, or start a new run"
        raise UsageError(f"--resume: {folder} has another configuration: {'; '.join(found)}; {remedy}")


def make_folder(output: Path | None, dataset: str) -> Path:
    """Create the folder of the results; never one in which something lies."""
    folder = output or RESULTS / f"{datetime.now():%Y-%m-%d-%H%M%S}-{dataset}"
    try:
        if output is None:
            return _make_new_folder(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(
                f"--output: got {folder}, which exists, expected a new or empty folder (or --resume {folder})"
            )
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output: cannot make {folder}: {error.strerror}") from error
    return folder.resolve()


def _make_new_folder(folder: Path) -> Path:
    """Create a folder, or folder-2, folder-3, ... where runs that began in the same second have made it."""
    for number in count(1):
        candidate = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            candidate.mkdir(parents=True)
        except FileExistsError:
            continue
        return candidate
    raise AssertionError  # count() does not end


def prepare(folder: Path, config: RunConfig, test_images: int) -> Path:
    """Make sure that the results will find room in their folder; return it."""
    needed = bytes_needed(config, test_images)
    try:
        files.reserve(folder, needed)
    except OSError as error:
        told = f"cannot write the {needed / 1e6:,.0f} MB that this run may need to {folder}: {error.strerror}"
        raise UsageError(f"--output: {told}; give another --output") from error
    return folder.resolve()
