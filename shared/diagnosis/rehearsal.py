"""What workers and micro-batches would do to the parameters if they made a mistake in their steps."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, NamedTuple

import numpy as np

from impls.numpy_scratch import OPTIMIZERS
from impls.numpy_scratch import Network as Reference
from shared.agreement.finite_differences import flatten, unflatten
from shared.diagnosis.limit import require_time
from shared.diagnosis.mistakes import parallel
from shared.diagnosis.shares import Shared
from shared.diagnosis.weights import Vector
from shared.interface import Array, Labels, Parameters
from shared.spec import shares

OWN_MEAN, PART, TIMES = "its own mean", "its part", "its part times the number of shares"
SCALES: Final = (OWN_MEAN, TIMES, PART)
"""What a worker takes for the gradient, from its share."""


class Way(NamedTuple):
    """A mistake in steps."""

    name: str
    description: str
    run: "Callable[[Team], list[Vector]]"
    """returns the parameters after a training, and after a reset and the same training again"""


class Team:
    """Workers with parameters and optimizers of their own.

    Parameters
    ----------
    which : "A" or "B", the parameters to start from.
    n : examples of a training.
    is_split : whether batches are cut by NumPy's array_split, whose first shares are the larger ones.
    """

    def __init__(self, shared: Shared, which: str = "A", n: int = 0, *, is_split: bool = False) -> None:
        self.shared, self.is_split = shared, is_split
        self.parts, self.micro_batches = shared.training.workers, shared.training.accumulate
        self.like = shared.parameters(which)
        self.start = flatten(self.like)
        self.x, self.y = shared.data()
        self.order = shared.order(n)
        self.network = _alone(shared, self.like)
        self.theta = np.tile(self.start, (self.parts, 1))
        self.optimizers: list[Any] = []
        self.reset()

    def reset(self, optimizers: int | None = None) -> None:
        """Start again; only the first optimizers are new, if a number of them is given."""
        rule, eta = OPTIMIZERS[self.shared.training.optimizer], self.shared.training.learning_rate
        self.theta[:] = self.start
        fresh = [rule(theta, eta) for theta in self.theta]
        self.optimizers = fresh if optimizers is None else fresh[:optimizers] + self.optimizers[optimizers:]

    def batches(self) -> Iterator[Labels]:
        """Yield the examples of each batch."""
        for start in range(0, len(self.order), self.shared.n):
            yield self.order[start : start + self.shared.n]

    def cut(self, batch: Labels, parts: int) -> list[Labels]:
        """Return the shares of a batch."""
        return np.array_split(batch, parts) if self.is_split else [batch[share] for share in shares(len(batch), parts)]

    def gradient(self, theta: Vector, share: Labels, n: int, scale: str = PART, parts: int = 1) -> Vector:
        """Return what a share of a batch of n examples contributes, at some parameters; 0 without examples."""
        require_time()
        if not len(share):
            return np.zeros_like(theta)
        self.network.reset(unflatten(theta, self.like))
        mean = flatten(self.network.loss_and_gradients(self.x[share], self.y[share])[1])
        return mean * {OWN_MEAN: 1.0, PART: len(share) / n, TIMES: parts * len(share) / n}[scale]

    def total(self, batch: Labels) -> Vector:
        """Return the sum of what the workers contribute, each at its own parameters."""
        pairs = zip(self.theta, self.cut(batch, self.parts), strict=True)
        return np.asarray(sum(self.gradient(theta, share, len(batch)) for theta, share in pairs))


def _alone(shared: Shared, parameters: Parameters) -> Reference:
    """Return the reference at some parameters, without workers or micro-batches."""
    return Reference(shared.inputs.spec, shared.trained(workers=1, accumulate=1).training, parameters)


def rehearsals(shared: Shared, which: str, n: int) -> Iterator[tuple[Way, list[Vector]]]:
    """Yield each mistake that can be made, and the parameters to which n examples lead, from A or B."""
    is_plain = shared.training.optimizer == "sgd"
    for way in _ways(shared.training.workers, shared.training.accumulate, is_plain=is_plain):
        for is_split in (False, True):
            yield way, way.run(Team(shared, which, n, is_split=is_split))


def _ways(workers: int, micro_batches: int, *, is_plain: bool) -> Iterator[Way]:
    if workers > 1:
        kept = "after `reset`, worker 0 has a new optimizer and the others keep the state of theirs"
        yield Way(parallel.NOT_BROADCAST, "worker 0 alone takes the steps: the others stay at the first parameters, "
                  "and compute their gradients there", _first_alone)  # fmt: skip
        for scale in SCALES:
            local = f"each worker's optimizer sees only the gradient of its own share ({scale})"
            for is_weighted in (False, True):
                run = partial(_local, scale=scale, each_step=True, is_weighted=is_weighted)
                if not is_plain:
                    yield Way(parallel.STATE, f"{local}; the parameters are averaged after each step", run)
            run = partial(_local, scale=scale, each_step=False, is_weighted=False)
            yield Way(parallel.AT_THE_END, f"{local}; the parameters are averaged at the end of `train`", run)
        if not is_plain:
            yield Way(parallel.STATE, kept, _stale)
    if micro_batches > 1:
        for scale in SCALES:
            run = partial(_each_micro_batch, scale=scale)
            yield Way(parallel.EACH_MICRO, f"there is a step for each micro-batch, with {scale} as its gradient", run)


def _twice(team: Team, train: Callable[[], Vector]) -> list[Vector]:
    first = train()
    team.reset()
    return [first, train()]


def _first_alone(team: Team) -> list[Vector]:
    def train() -> Vector:
        for batch in team.batches():
            team.optimizers[0].step(team.total(batch))
        return np.array(team.theta[0])

    return _twice(team, train)


def _local(team: Team, *, scale: str, each_step: bool, is_weighted: bool) -> list[Vector]:
    def train() -> Vector:
        for batch in team.batches():
            cut = team.cut(batch, team.parts)
            for theta, share, optimizer in zip(team.theta, cut, team.optimizers, strict=True):
                optimizer.step(team.gradient(theta, share, len(batch), scale, team.parts))
            sizes = [len(share) if is_weighted else 1 for share in cut]
            if each_step:
                team.theta[:] = np.average(team.theta, axis=0, weights=sizes)
        return np.asarray(team.theta.mean(axis=0))

    return _twice(team, train)


def _stale(team: Team) -> list[Vector]:
    def train() -> Vector:
        for batch in team.batches():
            g = team.total(batch)
            for optimizer in team.optimizers:
                optimizer.step(g.copy())
        return np.array(team.theta[0])

    first = train()
    team.reset(optimizers=1)
    return [first, train()]


def _each_micro_batch(team: Team, *, scale: str) -> list[Vector]:
    def train() -> Vector:
        for batch in team.batches():
            for share in team.cut(batch, team.micro_batches):
                if len(share):
                    team.optimizers[0].step(team.gradient(team.theta[0], share, len(batch), scale, team.micro_batches))
        return np.array(team.theta[0])

    return _twice(team, train)


def per_example(shared: Shared, parameters: Vector, x: Array, y: Labels) -> tuple[Vector, Vector]:
    """Return the loss of each example, (n,), and its gradient, (n, parameters), at some parameters."""
    network = _alone(shared, unflatten(parameters, shared.parameters("A")))
    found = [network.loss_and_gradients(x[k : k + 1], y[k : k + 1]) for k in range(len(y))]
    return np.array([loss for loss, _ in found]), np.array([flatten(gradients) for _, gradients in found])
