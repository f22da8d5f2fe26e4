"""Models of a user's own that train beside each other: from the same weights, on the same batches, epoch by epoch."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from shared import initial
from shared.adapters.port import About
from shared.data import Dataset
from shared.errors import SettingError
from shared.implementations import REFERENCE
from shared.interface import Labels, Parameters
from shared.ports import comparison, examples
from shared.ports.sides import Side
from shared.ports.starts import own_start
from shared.ports.stepper import Given, PortStepper
from shared.ports.timed import dense_like
from shared.processes.calls import CallError, CallProcess, side_by_side
from shared.spec import NetworkSpec, TrainingSpec

START_EXAMPLES, START_EPOCHS = 10_000, 2
"""With which the accuracy of a start is measured."""
START_SECONDS, LEAST_EXAMPLES, TRIED_STEPS = 15.0, 2000, 20
"""A start takes no longer, or as many examples as that time allows; with fewer nothing is said."""


@dataclass
class Entry:
    """What a model learnt, and how long it took."""

    side: Side
    accuracy: dict[int, float] = field(default_factory=dict)
    """round -> share of the test images"""
    seconds: dict[int, float] = field(default_factory=dict)
    """round -> seconds of an epoch"""
    predictions: list[Labels] = field(default_factory=list)
    """of each round"""
    group: int = 0
    """models with the same number agree with each other; the first of them is that with this place"""
    parts: str = ""
    """in what it parts from the first model"""
    is_of_spec: bool = False
    """whether it is the network that the options specify"""
    failed: str = ""


def agree(entries: list[Entry], processes: Sequence[CallProcess], training: TrainingSpec, steps: int) -> None:
    """Compare the models with each other, each with one of each group; what they compute is then in their sides."""
    for k, entry in enumerate(entries):
        entry.group = k
        for other in [j for j in range(k) if entries[j].group == j]:
            sides = [entries[other].side, entry.side]
            if comparison.unmapped(sides):
                entry.parts = entry.parts or "has other layers"
                continue
            pair = [processes[other], processes[k]]
            found = comparison.examine(sides, pair, steps, training.batch_size, training.seed)
            parted = [row.what if row.step else f"{row.what} ({row.note})" for row in found.rows if not row.same]
            if not parted:
                entry.group, entry.parts = other, ""
                break
            entry.parts = entry.parts or f"parts in {', '.join(parted)}"
    for entry, process in zip(entries, processes, strict=True):
        if not entry.side.walk:  # there was none to compare it with
            comparison.examine([entry.side], [process], steps, training.batch_size, training.seed)


def mark_those_of_spec(
    entries: list[Entry], processes: Sequence[CallProcess], spec: NetworkSpec, training: TrainingSpec, timeout: float
) -> None:
    """Find which models are the network that is specified, trained as it is specified."""
    with side_by_side([REFERENCE], PortStepper.of, timeout=timeout) as (process,):
        (side,) = comparison.begin([process], [REFERENCE], Given(spec, training))
        for k, entry in enumerate(entries):
            if entry.group != k:
                entry.is_of_spec = entries[entry.group].is_of_spec
            elif not comparison.unmapped([side, entry.side]):
                mine = replace(entry.side)  # what is found here is not said
                found = comparison.examine([mine, replace(side)], [processes[k], process], 3, training.batch_size, 1)
                entry.is_of_spec = all(row.same for row in found.rows)


def fits(about: About, dataset: Dataset) -> bool:
    """Return whether a model takes these images, and has an output for each class."""
    return int(np.prod(about.inputs)) == dataset.n_in and about.n_out == dataset.n_out


def refuse_unfit(about: About, name: str, dataset: Dataset) -> None:
    """Raise SettingError for a model that these images do not fit."""
    if not fits(about, dataset):
        shape = "x".join(map(str, about.inputs))
        raise SettingError(
            "implementation",
            f"got {name} with {shape} inputs and {about.n_out} outputs, expected {dataset.n_in} and {dataset.n_out}, "
            f"as {dataset.name} has; lockstep compares any two models, with examples of its own",
        )


def train(
    entries: list[Entry], processes: Sequence[CallProcess], dataset: Dataset, training: TrainingSpec, rounds: int,
    done: Callable[[int], None],
) -> None:  # fmt: skip
    """Train them from the same weights on the same batches, in turns epoch by epoch, and score them.

    A round has its own seed. What fails is left out from then on, and `failed` says why.
    """
    (x, y), (tests, labels) = dataset.train.arrays("float32"), dataset.test.arrays("float32")
    alive = list(zip(entries, processes, strict=True))
    for entry, process in alive:
        _try(entry, process, PortStepper.take, drawn(entry.side.about, training), x, y, tests, training.batch_size)
    for round_ in range(1, rounds + 1):
        of_round = replace(training, seed=training.seed + round_ - 1)
        orders = initial.draw_orders(of_round, len(y))
        spent: dict[int, list[float]] = {}
        for entry, process in alive:
            _try(entry, process, PortStepper.restart, drawn(entry.side.about, of_round))
        for epoch in range(training.epochs):
            order = next(orders)
            first = (round_ + epoch) % len(alive)
            for entry, process in alive[first:] + alive[:first]:
                if (seconds := _try(entry, process, PortStepper.epoch_seconds, order)) is not None:
                    spent.setdefault(id(entry), []).append(seconds)
        for entry, process in alive:
            predicted = _try(entry, process, PortStepper.predicted)
            if predicted is not None and id(entry) in spent:
                entry.predictions.append(predicted)
                entry.accuracy[round_] = float(np.mean(predicted == labels))
                entry.seconds[round_] = float(np.mean(spent[id(entry)]))
        done(round_)


def start_accuracies(
    sides: Sequence[Side], process: CallProcess, dataset: Dataset, training: TrainingSpec
) -> dict[str, float]:
    """Train one model, that of the process, from the start of each; return the accuracies, {} where nothing differs.

    Whatever differs between them is then the start alone. A model that has none of its own starts as the others are
    given: as `drawn`.
    """
    about = sides[0].about
    starts = {f"{side.name}'s own start": side.about.own for side in sides if side.about.own}
    names = [own_start(own) for own in starts.values()]
    if not starts or (len(sides) > 1 and (len(starts) < 2 or names[0] == names[1])):
        return {}
    if len(sides) == 1:
        starts[f"{training.initial} weights"] = drawn(about, training)
    (x, y), (tests, labels) = dataset.train.arrays("float32"), dataset.test.arrays("float32")
    x, y, tests, labels = x[:START_EXAMPLES], y[:START_EXAMPLES], tests[:START_EXAMPLES], labels[:START_EXAMPLES]
    process.call(PortStepper.take, starts[next(iter(starts))], x, y, tests, training.batch_size)
    some = np.arange(TRIED_STEPS * training.batch_size)
    slow = min(process.call(PortStepper.epoch_seconds, some) for _ in range(2)) / TRIED_STEPS  # seconds of a step
    count = int(START_SECONDS / START_EPOCHS / slow) * training.batch_size
    if count < LEAST_EXAMPLES:
        return {}
    y = y[:count]  # the orders are of these alone
    found = {}
    for name, start in starts.items():
        process.call(PortStepper.restart, {key: np.asarray(start[key]) for key in about.shapes})
        orders = initial.draw_orders(training, len(y))
        for _ in range(START_EPOCHS):
            process.call(PortStepper.epoch_seconds, next(orders))
        found[name] = float(np.mean(process.call(PortStepper.predicted) == labels))
    return found


def drawn(about: About, training: TrainingSpec) -> Parameters:
    """Return the initial parameters of a seed: those of a network of ours where all layers are dense."""
    spec = dense_like(about)
    if spec is None:
        return examples.draw(about, np.random.default_rng(training.seed))
    found = initial.draw_parameters(spec, training)
    return {name: found[name] for name in about.shapes if name in found}


def _try(entry: Entry, process: CallProcess, function: Callable[..., object], *arguments: object) -> Any:
    """Return an answer, or None from a model that fails or has failed."""
    if entry.failed:
        return None
    try:
        return process.call(function, *arguments)
    except CallError as error:
        entry.failed = str(error)
        return None
