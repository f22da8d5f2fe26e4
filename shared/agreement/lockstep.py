"""Lock-step over processes: two implementations take the same steps, each in its own, and are compared after each."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final, NamedTuple

import numpy as np

from impls.numpy_scratch import Network as Reference
from shared import implementations, initial
from shared.agreement import envelope, rounding
from shared.agreement.budget import Problem
from shared.agreement.envelope import Envelope, Gap, Step
from shared.agreement.observation import SPREAD
from shared.data import Dataset
from shared.implementations import label
from shared.interface import Array, Labels, Parameters, Traced, named, parameters_of
from shared.processes.calls import Remote
from shared.spec import NetworkSpec, TrainingSpec

CHUNK: Final = 50
"""Steps that a process takes before it answers; each is taken by a call of `train` of its own."""
WARM_UP: Final = 3
"""Steps before `reset`: what should not outlive it does so here."""


class Side(NamedTuple):
    """One of the two: an implementation and its dtype."""

    implementation: str
    dtype: str

    def __str__(self) -> str:
        return f"{label(self.implementation)} ({self.dtype})"


class Inside(NamedTuple):
    """What a side does within the step of the first departure, from the same parameters as the other."""

    side: str
    traced: bool
    """whether it tells z, a and delta"""
    departure: tuple[str, float, float] | None
    """name, error and bound of the first quantity that rounding does not explain; None if it explains all"""
    update: list[str]
    """tensors of the parameters that are not what its own gradients make of them"""


@dataclass
class Walk:
    """What came of the steps."""

    sides: tuple[Side, Side]
    checked: list[Gap] = field(default_factory=list)
    """of the steps 1, 2, 5, 10, ..."""
    departures: list[Gap] = field(default_factory=list)
    """all of the first step that has any"""
    steps: int = 0
    """taken"""
    inconclusive_from: int | None = None
    """the step from which rounding alone explains too much for anything to be concluded"""
    inside: list[Inside] = field(default_factory=list)


class Walker:
    """One implementation in its process; the methods are called from afar."""

    def __init__(self, network_class: Any) -> None:
        self.network_class = network_class

    @classmethod
    def load(cls, name: str) -> "Walker":
        """Load an implementation, as `implementations.load`."""
        return cls(implementations.load(name))

    def begin(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters, x: Array, y: Labels) -> None:
        """Build the network, let it take a few steps, and reset it."""
        self.network = self.network_class(spec, training, parameters)
        self.network.train(x, y, np.arange(len(y)))
        self.network.reset(parameters)

    def walk(self, x: Array, y: Labels, batches: Sequence[Labels]) -> list[Step]:
        """Take a step a batch; x and y hold the examples of all of them."""
        return [self.step(x, y, batch) for batch in batches]

    def step(self, x: Array, y: Labels, batch: Labels) -> Step:
        """Take a step; the copies of the batch leave the order as something to get wrong."""
        with np.errstate(all="ignore"):
            _, gradients = self.network.loss_and_gradients(x[batch], y[batch])
            self.network.train(x, y, batch)
        return Step(named(gradients), named(self.network.parameters()))

    def inside(self, parameters: Parameters, x: Array, y: Labels) -> tuple[dict[str, Array], Step]:
        """Take a step from these parameters; return what was computed on the way, as far as it is told."""
        self.network.reset(parameters)
        traced: dict[str, Array] = {}
        with np.errstate(all="ignore"):
            if isinstance(self.network, Traced):
                traced = {name: tensor.copy() for name, tensor in self.network.trace(x, y).items()}
        return traced, self.step(x, y, np.arange(len(y)))


def walk(
    sides: tuple[Side, Side],
    spec: NetworkSpec,
    training: TrainingSpec,
    dataset: Dataset,
    steps: int,
    timeout: float,
    progress: Callable[[int], None] = lambda _: None,
) -> Walk:
    """Let two sides take the same steps, up to the first that rounding does not explain.

    Parameters
    ----------
    training : its dtype is left aside for those of the sides; what both start from is rounded to the coarser.
    timeout : seconds that a process may take to load, and for each 50 steps.

    Raises
    ------
    RemoteError
        Where one of the processes has no answer.
    """
    coarser = "float32" if "float32" in (side.dtype for side in sides) else "float64"
    start = initial.draw_parameters(spec, replace(training, dtype=coarser))
    x, y = dataset.train.arrays(coarser)
    shown, found, before = set(envelope.checkpoints(steps)), Walk(sides), named(start)
    with ExitStack() as stack:
        remotes = [stack.enter_context(Remote(s.implementation, Walker.load, timeout=timeout)) for s in sides]
        _begin(sides, remotes, spec, training, start, x, y)
        beside = Envelope(Reference, spec, replace(training, dtype="float64"), start, coarser)
        for chunk in _chunks(training, len(y), steps):
            rows = np.unique(np.concatenate(chunk))
            places = [np.searchsorted(rows, batch) for batch in chunk]
            for side, remote in zip(sides, remotes, strict=True):
                remote.ask(Walker.walk, x[rows].astype(side.dtype), y[rows], places)
            # the parent has its own steps to take meanwhile
            expected = [beside.step(x[batch].astype(np.float64), y[batch]) for batch in chunk]
            answers = [remote.answer() for remote in remotes]
            for batch, (reference, allowed), a, b in zip(chunk, expected, *answers, strict=True):
                found.steps += 1
                gaps = envelope.gaps(found.steps, a, b, reference, allowed)
                if not envelope.conclusive(gaps):
                    found.inconclusive_from = found.steps
                    return found
                found.departures = [gap for gap in gaps if gap.departs]
                if found.departures or found.steps in shown:
                    found.checked += gaps
                if found.departures:
                    problem = Problem(spec, replace(training, dtype=coarser), _layers(before), x[batch], y[batch])
                    found.inside = [_inside(*of_side, problem) for of_side in zip(sides, remotes, strict=True)]
                    return found
                before = {name: tensor.astype(coarser) for name, tensor in a.parameters.items()}
            progress(found.steps)
    return found


def _begin(
    sides: tuple[Side, Side],
    remotes: Sequence[Remote],
    spec: NetworkSpec,
    training: TrainingSpec,
    start: Parameters,
    x: Array,
    y: Labels,
) -> None:
    """Wait until both are loaded, and build both networks."""
    some = slice(0, WARM_UP * training.batch_size)
    for side, remote in zip(sides, remotes, strict=True):
        own = replace(training, dtype=side.dtype)
        parameters = initial.cast(start, side.dtype)
        remote.loaded().ask(Walker.begin, spec, own, parameters, x[some].astype(side.dtype), y[some])
    for remote in remotes:
        remote.answer()


def _chunks(training: TrainingSpec, n_examples: int, steps: int) -> Iterator[list[Labels]]:
    """Yield the batches of so many steps, epoch after epoch, some at a time; a smaller last batch is kept."""
    size = training.batch_size
    batches = (
        order[start : start + size]
        for order in initial.draw_orders(training, n_examples)
        for start in range(0, n_examples, size)
    )
    for done in range(0, steps, CHUNK):
        yield list(islice(batches, min(CHUNK, steps - done)))


def _layers(tensors: envelope.Tensors) -> Parameters:
    return parameters_of(list(tensors.values()))


def _inside(side: Side, remote: Remote, problem: Problem) -> Inside:
    """Let a side take the step again, from parameters that are the same for both."""
    own = initial.cast(problem.parameters, side.dtype)
    traced, step = remote.call(Walker.inside, own, problem.x.astype(side.dtype), problem.y)
    exact = problem.in_float64()
    computed = traced | {f"d{name}": tensor for name, tensor in step.gradients.items()}
    expected = rounding.trace(exact.spec, exact.parameters, exact.x, exact.y, side.dtype)
    departure = envelope.first_departure(computed, expected)
    reference = Reference(exact.spec, exact.training, exact.parameters)
    reference.train(exact.x, exact.y, np.arange(len(exact.y)))
    after, before = named(reference.parameters()), named(exact.parameters)
    u = rounding.UNIT_ROUNDOFF[side.dtype]
    update = []
    for name, tensor in after.items():
        moved = float(np.linalg.norm(tensor - before[name]))
        bound = rounding.relative(*expected[f"d{name}"]) * moved + SPREAD * u * float(np.linalg.norm(tensor))
        if not np.linalg.norm(step.parameters[name] - tensor) <= bound:
            update.append(name)
    return Inside(str(side), bool(traced), departure, update)
