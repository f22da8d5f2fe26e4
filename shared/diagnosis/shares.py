"""The scenes in which a network shares its batches among workers, or cuts them into micro-batches.

Workers may be processes, which take seconds to start: one network goes through all scenes of a training, in order.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from shared.agreement.finite_differences import flatten
from shared.diagnosis.answers import Answer, Answers
from shared.diagnosis.inputs import SEEDS, Inputs
from shared.diagnosis.limit import require_time
from shared.diagnosis.scenes import Scene, answered
from shared.diagnosis.subject import Subject
from shared.diagnosis.weights import Vector
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec, shares

FEWEST, MOST = 10, 61
"""Examples of a batch: enough for shares of several sizes, few enough for a single one to have a weight."""
TINY_RATE: Final = 1e-8
"""With it all steps of a training are taken at nearly the same parameters."""
STATEFUL: Final = {"adam": 0.01, "momentum": 0.05}
"""Optimizers with a state -> learning rate; the first that a file follows with one worker is asked for."""


@dataclass(frozen=True)
class Shared:
    """What the scenes are given: two sets of parameters, A and B, and batches that do not divide."""

    inputs: Inputs
    other: Inputs
    """B are its parameters"""
    few: int
    """examples of a batch of which some shares get none, where that is possible"""

    @classmethod
    def of(cls, spec: NetworkSpec, workers: int, accumulate: int) -> "Shared":
        """Return the inputs for a network."""
        n = batch_size(workers, accumulate)
        usual = Inputs.of(spec)
        training = replace(usual.training, batch_size=n, workers=workers, accumulate=accumulate)
        inputs = replace(usual, n=n, training=training).active()
        seeds = range(inputs.seed + 1, SEEDS)
        others = (replace(inputs, seed=seed) for seed in seeds)
        other = next((each for each in others if each.is_active()), replace(inputs, seed=SEEDS))
        return cls(inputs, other, max(1, min(workers * accumulate, n) - 1))

    def trained(self, **changes: Any) -> "Shared":
        """Return the same with another training."""
        return replace(self, inputs=replace(self.inputs, training=replace(self.training, **changes)))

    @property
    def training(self) -> TrainingSpec:
        """How the network is trained."""
        return self.inputs.training

    @property
    def n(self) -> int:
        """The examples of a batch."""
        return self.inputs.n

    def __str__(self) -> str:
        """Return "3 workers, 4 micro-batches a step"."""
        workers, parts = self.training.workers, self.training.accumulate
        return ", ".join([f"{workers} workers"] * (workers > 1) + [f"{parts} micro-batches a step"] * (parts > 1))

    def parameters(self, which: str) -> Parameters:
        """Return A or B."""
        return (self.inputs if which == "A" else self.other).parameters()

    def order(self, n: int) -> Labels:
        """Return n examples of the training set."""
        return self.inputs.order()[:n]

    def examples(self, scene: str) -> int:
        """Return the examples of the batch of a scene."""
        return {FEW: self.few, ONE: 1}.get(scene, self.n)

    @property
    def n_all(self) -> int:
        """The examples of two batches and of a smaller one."""
        return 2 * self.n + min(self.few, self.inputs.n_many - 2 * self.n)

    def data(self) -> tuple[Array, Labels]:
        """Return the training set, (n_many, n_in) and labels."""
        return self.inputs.data()


def batch_size(workers: int, accumulate: int) -> int:
    """Return the smallest batch that workers cannot share equally, nor at least one of them among its micro-batches."""
    for n in range(max(FEWEST, min(2 * workers * accumulate, MOST - workers)), MOST):
        micro = [len(range(n)[share]) % accumulate for share in shares(n, workers)]
        if (workers == 1 or n % workers) and (accumulate == 1 or any(micro)):
            return n
    return MOST


# ---- The scenes ----------------------------------------------------------------------------------------

BUILT: Final = "as built"
FIRST: Final = "first step"
AGAIN: Final = "after a reset"
SECOND: Final = "step after a reset"
BATCHES: Final = "batches"
BACK: Final = "after training"
FEW: Final = "few examples"
ONE: Final = "one example"
TRAINED: Final = "trained"
RETRAINED: Final = "trained again"
GRADIENT_SCENES: Final = (BUILT, AGAIN, BACK)
SMALL_SCENES: Final = (FEW, ONE)


def ask_shares(subject: Subject, shared: Shared) -> Answers:
    """Return the answers of plain gradient descent."""

    def gradients(s: Scene, n: int, which: str = "") -> None:
        if which:
            s.network.reset(_watched(s, shared, which))
        s.gradients(*s.data(n=n))

    def train(s: Scene, n: int, which: str = "") -> None:
        if which:
            s.network.reset(_watched(s, shared, which))
        s.steps(shared.order(n))

    def built(s: Scene) -> None:
        s.build(_watched(s, shared, "A"))
        gradients(s, shared.n)

    scenes: dict[str, Callable[[Scene], None]] = {
        BUILT: built,
        FIRST: lambda s: s.train(*s.data(n=shared.inputs.n_many), shared.order(shared.n)),
        AGAIN: lambda s: gradients(s, shared.n, "B"),
        SECOND: lambda s: train(s, shared.n),
        BATCHES: lambda s: train(s, shared.n_all, "A"),
        BACK: lambda s: gradients(s, shared.n, "A"),
        FEW: lambda s: gradients(s, shared.few),
        ONE: lambda s: gradients(s, 1),
    }
    return _in_turn(subject, shared, scenes)


def ask_filled(subject: Subject, shared: Shared) -> Answers:
    """Return the answers for small batches that leave no share without an example: as FEW, and as BATCHES."""
    each = shared.training.workers * shared.training.accumulate

    def few(s: Scene) -> None:
        s.build(_watched(s, shared, "A"))
        s.gradients(*s.data(n=each))

    def batches(s: Scene) -> None:
        s.train(*s.data(n=shared.inputs.n_many), shared.order(2 * shared.n))
        s.steps(shared.order(each))

    return _in_turn(subject, shared, {FEW: few, BATCHES: batches})


def ask_state(subject: Subject, shared: Shared) -> Answers:
    """Return the answers of an optimizer with a state: the parameters after a training, twice."""

    def trained(s: Scene) -> None:
        s.build(_watched(s, shared, "A"))
        s.train(*s.data(n=shared.inputs.n_many), shared.order(shared.n_all))

    def retrained(s: Scene) -> None:
        s.network.reset(_watched(s, shared, "A"))
        s.steps(shared.order(shared.n_all))

    return _in_turn(subject, shared, {TRAINED: trained, RETRAINED: retrained})


def ask_whole(subject: Subject, shared: Shared) -> Vector | None:
    """Return the sum of the gradients of all batches of a training, from tiny steps; None after an exception."""
    taken = _tiny_steps(subject, shared, [shared.order(shared.n_all)])
    return taken[0] if taken else None


def ask_probes(subject: Subject, shared: Shared, *, by_steps: bool) -> list[Vector] | None:
    """Return the gradient of a batch, and of the same batch with another example in each place.

    Parameters
    ----------
    by_steps : whether they are what `train` subtracts, in tiny steps, or what `loss_and_gradients` returns.
    """
    if by_steps:
        orders = [shared.order(shared.n) for _ in range(shared.n + 1)]
        for k, order in enumerate(orders[1:]):
            order[k] = shared.inputs.order()[shared.n + k]
        return _tiny_steps(subject, shared, orders)
    found: list[Vector] = []

    def probe(s: Scene) -> None:
        s.build(_watched(s, shared, "A"))
        for k in range(-1, shared.n):
            x, y = s.data()
            if k >= 0:
                (x[k],), (y[k],) = (part[shared.n + k : shared.n + k + 1] for part in shared.data())
            found.append(flatten(s.by_name("gradients", s.network.loss_and_gradients(x, y)[1])))

    return found if _in_turn(subject, shared, {"probes": probe})["probes"].trouble is None else None


def _tiny_steps(subject: Subject, shared: Shared, orders: list[Labels]) -> list[Vector] | None:
    found: list[Vector] = []
    tiny = shared.trained(learning_rate=TINY_RATE)

    def steps(s: Scene) -> None:
        s.build(_watched(s, tiny, "A"))
        s.network.load(*s.data(n=shared.inputs.n_many))
        for order in orders:
            before = flatten(s.network.parameters()).copy()
            s.network.train(order)
            found.append((before - flatten(s.network.parameters())) / TINY_RATE)

    return found if _in_turn(subject, tiny, {"steps": steps})["steps"].trouble is None else None


def _watched(s: Scene, shared: Shared, which: str) -> Parameters:
    return {name: s.watch.give(name, tensor) for name, tensor in shared.parameters(which).items()}


def _in_turn(subject: Subject, shared: Shared, scenes: dict[str, Callable[[Scene], None]]) -> Answers:
    """Run scenes with one network; an exception ends them all."""
    answers: dict[str, Answer] = {}
    network: Any = None
    with np.errstate(all="ignore"):
        for name, scene in scenes.items():
            require_time()
            s = Scene(subject, shared.inputs)
            s.network = network
            answers[name] = answered(s, scene, subject.path)
            network = s.network
            if answers[name].trouble:
                break
    return answers
