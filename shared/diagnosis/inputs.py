"""The numbers that a network is asked with, drawn from a seed."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

import numpy as np

from shared import initial
from shared.agreement import rounding
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec

LARGE: Final = 1e4
"""Inputs, or the last layer's weights, times this: where exp overflows."""
RATE: Final = 0.1
"""Learning rate: it, its square and 1 are well apart."""
BATCHES: Final = 2.5
SEEDS: Final = 100


@dataclass(frozen=True)
class Inputs:
    """Parameters, examples and their order; x is like MNIST's, with many zeros."""

    spec: NetworkSpec
    training: TrainingSpec
    n: int
    """examples of a batch: unlike every size of a layer, so that no factor can be mistaken for another"""
    seed: int = 1

    @classmethod
    def of(cls, spec: NetworkSpec) -> "Inputs":
        """Return the inputs of a network."""
        n = next(n for n in (7, 5, 11, 13) if n not in spec.sizes[1:] and n != spec.n_out**2)
        return cls(spec, TrainingSpec(learning_rate=RATE, batch_size=n, dtype="float64"), n).active()

    def shaped(self, sizes: tuple[int, ...]) -> "Inputs":
        """Return the inputs of such a network of other sizes, with as many examples."""
        layers = tuple(replace(layer, n_out=n_out) for layer, n_out in zip(self.spec.layers, sizes[1:], strict=True))
        return replace(self, spec=NetworkSpec(sizes[:1], layers, self.spec.loss)).active()

    def active(self) -> "Inputs":
        """Return the inputs of the first seed for which every layer is active: with relus it may be dead."""
        return next((p for seed in range(1, SEEDS) if (p := replace(self, seed=seed)).is_active()), self)

    def is_active(self) -> bool:
        """Return whether all gradients are there, and every layer has z on both sides of 0."""
        x, y = self.data()
        traced = rounding.trace(self.spec, self.parameters(), x[: self.n], y[: self.n], "float64")
        gradients = [float(np.linalg.norm(value)) for (kind, _), (value, _) in traced.items() if kind[0] == "d"]
        sided = all(value.min() < 0 < value.max() for (kind, _), (value, _) in traced.items() if kind == "z")
        return sided and min(gradients) > 1e-2 * max(gradients)

    @property
    def n_many(self) -> int:
        """Examples of two batches and a smaller one."""
        return int(BATCHES * self.n)

    def parameters(self, dtype: str = "float64") -> Parameters:
        """Return parameters at which nothing is saturated."""
        return initial.cast(_parameters(self.spec, replace(self.training, seed=self.seed)), dtype)

    def data(self, dtype: str = "float64", batch: int = 0) -> tuple[Array, Labels]:
        """Return x, (n_many, n_in), and y; the first n are a batch."""
        x, y = _data(self, batch)
        return x.astype(dtype), y.copy()

    def order(self) -> Labels:
        """Return the order of all examples."""
        return np.random.default_rng([self.seed, 9]).permutation(self.n_many)


@lru_cache(maxsize=4)
def _parameters(spec: NetworkSpec, training: TrainingSpec) -> Parameters:
    return initial.draw_parameters(spec, replace(training, initial="scaled", dtype="float32"))


@lru_cache(maxsize=4)
def _data(inputs: Inputs, batch: int) -> tuple[Array, Labels]:
    generator = np.random.default_rng([inputs.seed, batch])
    shape = (inputs.n_many, inputs.spec.n_in)
    inked = 0.2 if inputs.spec.n_in > 50 else 0.8
    x = generator.integers(1, 256, shape) * (generator.random(shape) < inked) / 255
    y = generator.permutation(np.arange(inputs.n_many) % inputs.spec.n_out)
    return x.astype(np.float32), y


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
