"""The numbers that a network is asked with, and what it may answer; drawn from a seed."""

from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from shared import initial
from shared.agreement import rounding
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec

LARGE: Final = 1e4
"""Inputs, or the last layer's weights, times this: where exp overflows."""
RATE: Final = 0.1
"""Learning rate: it and its square and 1 are told apart."""
BATCHES: Final = 2.5
SEEDS: Final = 100


@dataclass(frozen=True)
class Trouble:
    """What was raised in a scene."""

    message: str
    line: int | None
    """of the user's file, from 1; None where it was raised elsewhere"""


@dataclass
class Answer:
    """What came of a scene."""

    tensors: dict[str, Any] = field(default_factory=dict)
    """a_L, C, dW1, db1, ... and W1, b1, ... as far as they were asked; None for a gradient that is missing"""
    trouble: Trouble | None = None
    modified: list[str] = field(default_factory=list)
    """names of given arrays that were changed"""
    warned: list[Trouble] = field(default_factory=list)
    """NumPy's warnings"""


@dataclass(frozen=True)
class Probe:
    """The numbers that are asked with, drawn from a seed; x is like MNIST's, with many zeros."""

    spec: NetworkSpec
    training: TrainingSpec
    n: int
    """examples of a batch: unlike every size of a layer, so that no factor can be mistaken for another"""
    seed: int = 1

    @classmethod
    def of(cls, spec: NetworkSpec) -> "Probe":
        """Return the probe of a network."""
        n = next(n for n in (7, 5, 11, 13) if n not in spec.sizes[1:] and n != spec.sizes[-1] ** 2)
        return cls(spec, TrainingSpec(learning_rate=RATE, batch_size=n, dtype="float64"), n).lively()

    def shaped(self, sizes: tuple[int, ...]) -> "Probe":
        """Return the probe of another shape, with as many examples."""
        return replace(self, spec=replace(self.spec, sizes=sizes)).lively()

    def lively(self) -> "Probe":
        """Return the probe with the first seed for which every layer takes part: with relus it may be dead."""
        return next((p for seed in range(1, SEEDS) if (p := replace(self, seed=seed)).takes_part()), self)

    def takes_part(self) -> bool:
        """Return whether all gradients are there, and every layer has z on both sides of 0."""
        x, y = self.data()
        traced = rounding.trace(self.spec, self.parameters(), x[: self.n], y[: self.n], "float64")
        sizes = {name: float(np.linalg.norm(value)) for name, (value, _) in traced.items()}
        gradients = [size for name, size in sizes.items() if name[0] == "d"]
        sided = all(value.min() < 0 < value.max() for name, (value, _) in traced.items() if name[0] == "z")
        return sided and min(gradients) > 1e-2 * max(gradients)

    @property
    def n_many(self) -> int:
        """Examples of two batches and a smaller one."""
        return int(BATCHES * self.n)

    def parameters(self, dtype: str = "float64") -> Parameters:
        """Return parameters at which nothing is saturated."""
        training = replace(self.training, seed=self.seed, initial="scaled", dtype="float32")
        return initial.cast(initial.draw_parameters(self.spec, training), dtype)

    def data(self, dtype: str = "float64", batch: int = 0) -> tuple[Array, Labels]:
        """Return x, (n_many, n_in), and y; the first n are a batch."""
        generator = np.random.default_rng([self.seed, batch])
        shape = (self.n_many, self.spec.sizes[0])
        inked = 0.2 if self.spec.sizes[0] > 50 else 0.8
        x = generator.integers(1, 256, shape) * (generator.random(shape) < inked) / 255
        y = generator.permutation(np.arange(self.n_many) % self.spec.sizes[-1])
        return x.astype(np.float32).astype(dtype), y

    def order(self) -> Labels:
        """Return the order of all examples."""
        return np.random.default_rng([self.seed, 9]).permutation(self.n_many)


class Watch:
    """Hands arrays out, and knows afterwards which have been changed."""

    def __init__(self, *, read_only: bool = False) -> None:
        self._given: list[tuple[str, Any, Any]] = []
        self._read_only = read_only

    def give(self, name: str, array: Any) -> Any:
        """Return the array, whose value is kept."""
        self._given.append((name, array, array.copy()))
        array.flags.writeable = not self._read_only
        return array

    def modified(self) -> list[str]:
        """Return the names of what has been changed."""
        return list(dict.fromkeys(name for name, now, then in self._given if not np.array_equal(now, then)))


Answers = dict[str, Answer]
"""scene -> what came of it"""
