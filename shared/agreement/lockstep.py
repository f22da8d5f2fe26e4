"""Lock-step across processes: two implementations take the same steps, each in its own process, and are compared."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final, NamedTuple

import numpy as np

from impls.numpy_scratch import Network as Reference
from shared import implementations, initial
from shared.agreement import envelope, rounding
from shared.agreement.budget import Problem
from shared.agreement.envelope import Departure, Envelope, Gap, Step
from shared.agreement.observation import SPREAD
from shared.data import Dataset
from shared.implementations import label
from shared.interface import Array, Labels, Parameters, Traced
from shared.processes.calls import CallProcess
from shared.spec import NetworkSpec, TrainingSpec

STEPS_A_CALL: Final = 50
"""Steps that a process takes before it answers; each step is one call of `train`."""
WARM_UP: Final = 3
"""Steps before `reset`; state that `reset` wrongly keeps then affects the comparison."""


class Side(NamedTuple):
    """One of the two networks: an implementation and its dtype."""

    implementation: str
    dtype: str

    def __str__(self) -> str:
        return f"{label(self.implementation)} ({self.dtype})"


class Inside(NamedTuple):
    """What a side computes in the step of the first departure, from the same parameters as the other side."""

    side: str
    traced: bool
    """whether it offers z, a and delta"""
    departure: Departure | None
    """the first quantity that rounding does not explain; None if it explains all of them"""
    update: list[str]
    """names of the parameters whose update does not follow from the gradients"""


@dataclass
class Lockstep:
    """The result of the steps."""

    sides: tuple[Side, Side]
    layers: int
    checked: list[Gap] = field(default_factory=list)
    """differences at the steps 1, 2, 5, 10, ..."""
    departures: list[Gap] = field(default_factory=list)
    """all departures of the first step that has any"""
    steps: int = 0
    """the number of steps taken"""
    inconclusive_from: int | None = None
    """the step from which rounding explains so much that nothing can be concluded"""
    inside: list[Inside] = field(default_factory=list)


class Stepper:
    """One implementation in its process; the parent calls the methods."""

    def __init__(self, network_class: Any) -> None:
        self.network_class = network_class

    @classmethod
    def of(cls, name: str) -> "Stepper":
        """Load an implementation, as `implementations.load`."""
        return cls(implementations.load(name))

    def begin(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters, x: Array, y: Labels) -> None:
        """Build the network, load the examples of all steps, take a few steps, and reset it."""
        self.x, self.y = x, y
        self.network = self.network_class(spec, training, parameters)
        self.network.load(x, y)
        self.network.train(np.arange(min(len(y), WARM_UP * training.batch_size)))
        self.network.reset(parameters)

    def steps(self, batches: Sequence[Labels]) -> list[Step]:
        """Take one step per batch."""
        return [self.step(batch) for batch in batches]

    def step(self, batch: Labels) -> Step:
        """Take a step; the loaded examples stay in place, so an error in the order can be detected."""
        with np.errstate(all="ignore"):
            _, gradients = self.network.loss_and_gradients(self.x[batch], self.y[batch])
            self.network.train(batch)
        return Step(gradients, self.network.parameters())

    def inside(self, parameters: Parameters, batch: Labels) -> tuple[dict[str, Array], Step]:
        """Take a step from these parameters; return it with the intermediate results that the network offers."""
        self.network.reset(parameters)
        traced: dict[str, Array] = {}
        with np.errstate(all="ignore"):
            if isinstance(self.network, Traced):
                shown = self.network.trace(self.x[batch], self.y[batch])
                traced = {name: tensor.copy() for name, tensor in shown.items()}
        return traced, self.step(batch)


def lockstep(
    sides: tuple[Side, Side],
    processes: Sequence[CallProcess],
    spec: NetworkSpec,
    training: TrainingSpec,
    dataset: Dataset,
    steps: int,
    progress: Callable[[int], None] = lambda _: None,
) -> Lockstep:
    """Take the same steps with two sides, up to the first step that rounding does not explain.

    Parameters
    ----------
    processes : of the sides, started with `Stepper.of`; they may still be loading.
    training : its dtype is replaced by those of the sides; the initial parameters are rounded to the coarser one.

    Raises
    ------
    CallError
        If one of the processes gives no answer.
    """
    coarser = "float32" if "float32" in (side.dtype for side in sides) else "float64"
    training = replace(training, dtype=coarser)
    start = initial.draw_parameters(spec, training)
    rows, batches = _batches(training, len(dataset.train), steps)
    x, y = dataset.train.take(rows).arrays(coarser)
    shown, found, before = set(envelope.checkpoints(steps)), Lockstep(sides, len(spec.layers)), start
    _begin(sides, processes, spec, training, start, x, y)
    reference = Envelope(Reference, spec, replace(training, dtype="float64"), start, coarser)
    for batch, (exact, allowed), a, b in _steps(processes, reference, batches, x, y):
        found.steps += 1
        gaps = envelope.gaps(found.steps, a, b, exact, allowed)
        if not envelope.conclusive(gaps):
            found.inconclusive_from = found.steps
            break
        found.departures = [gap for gap in gaps if gap.departs]
        if found.departures or found.steps in shown:
            found.checked += gaps
        if found.departures:
            problem = Problem(spec, training, before, x[batch], y[batch])
            found.inside = [_inside(*of_side, problem, batch) for of_side in zip(sides, processes, strict=True)]
            break
        before = initial.cast(a.parameters, coarser)
        progress(found.steps)
    return found


def _steps(
    processes: Sequence[CallProcess], reference: Envelope, batches: Sequence[Labels], x: Array, y: Labels
) -> Iterator[tuple[Labels, tuple[Step, Step], Step, Step]]:
    """Yield for each batch the step of the reference, with what rounding explains, and the steps of both sides."""
    for done in range(0, len(batches), STEPS_A_CALL):
        some = batches[done : done + STEPS_A_CALL]
        for process in processes:
            process.ask(Stepper.steps, some)
        # meanwhile the parent takes its own steps
        expected = [reference.step(x[batch].astype(np.float64), y[batch]) for batch in some]
        a, b = (process.answer() for process in processes)
        yield from zip(some, expected, a, b, strict=True)


def _begin(
    sides: tuple[Side, Side],
    processes: Sequence[CallProcess],
    spec: NetworkSpec,
    training: TrainingSpec,
    start: Parameters,
    x: Array,
    y: Labels,
) -> None:
    """Wait until both implementations are loaded, and build both networks."""
    for side, process in zip(sides, processes, strict=True):
        own, parameters = replace(training, dtype=side.dtype), initial.cast(start, side.dtype)
        process.loaded().ask(Stepper.begin, spec, own, parameters, x.astype(side.dtype), y)
    for process in processes:
        process.answer()


def _batches(training: TrainingSpec, n_examples: int, steps: int) -> tuple[Labels, list[Labels]]:
    """Return the rows of the data set that the steps use, and for each step its positions among these rows.

    The steps continue epoch after epoch; a smaller last batch is kept.
    """
    every = list(islice(_all_batches(training, n_examples), steps))
    rows = np.unique(np.concatenate(every))
    return rows, [np.searchsorted(rows, batch) for batch in every]


def _all_batches(training: TrainingSpec, n_examples: int) -> Iterator[Labels]:
    for order in initial.draw_orders(training, n_examples):
        for start in range(0, n_examples, training.batch_size):
            yield order[start : start + training.batch_size]


def _inside(side: Side, process: CallProcess, problem: Problem, batch: Labels) -> Inside:
    """Take the step again with one side, from the same parameters as the other side."""
    traced, step = process.call(Stepper.inside, initial.cast(problem.parameters, side.dtype), batch)
    exact = problem.in_float64()
    computed = traced | {f"d{name}": tensor for name, tensor in step.gradients.items()}
    expected = rounding.trace(exact.spec, exact.parameters, exact.x, exact.y, side.dtype)
    reference = Reference(exact.spec, exact.training, exact.parameters)
    reference.load(exact.x, exact.y)
    reference.train(np.arange(len(exact.y)))
    after, bounds = reference.parameters(), rounding.gradients(expected)
    u = rounding.UNIT_ROUNDOFF[side.dtype]
    update = []
    for name, tensor in after.items():
        moved = float(np.linalg.norm(tensor - exact.parameters[name]))
        bound = rounding.relative(*bounds[name]) * moved + SPREAD * u * float(np.linalg.norm(tensor))
        if not np.linalg.norm(step.parameters[name] - tensor) <= bound:
            update.append(name)
    return Inside(str(side), bool(traced), envelope.first_departure(computed, expected), update)
