"""The numbers with which a network is tested, drawn from a seed."""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

import numpy as np

from impls.numpy_scratch import Network as Reference
from shared import initial
from shared.diagnosis.limit import require_time
from shared.interface import Array, Labels, Parameters
from shared.layers import Conv, Dense, Layer, MaxPool, Shape, has_weights
from shared.spec import NetworkSpec, TrainingSpec

LARGE: Final = 1e4
"""Factor for inputs, or for the last layer's weights, at which exp overflows."""
RATE: Final = 0.13
"""Learning rate; it differs clearly from its square, from 1, 1/n and 1/n_out: 0.1 would be 1/n_out of 10 outputs."""
BATCHES: Final = 2.5
SEEDS: Final = 100


@dataclass(frozen=True)
class Inputs:
    """Parameters, examples and their order; x has many zeros, as in MNIST."""

    spec: NetworkSpec
    training: TrainingSpec
    n: int
    """examples per batch: different from every layer size, so that no factor can be taken for another"""
    seed: int = 1
    is_flat: bool = False
    """whether channels below the pools have one value everywhere, so that all values of a window are equal"""

    @classmethod
    def of(cls, spec: NetworkSpec) -> "Inputs":
        """Return the inputs for a network."""
        n = next(n for n in (7, 5, 11, 13) if n not in spec.sizes[1:] and n != spec.n_out**2)
        return cls(spec, TrainingSpec(learning_rate=RATE, batch_size=n, dtype="float64"), n).active()

    def square(self, *, everywhere: bool) -> "Inputs":
        """Return the inputs for the same network with square layers, in which a transposed matrix fits.

        Parameters
        ----------
        everywhere : whether the first layer is square, too.
        """
        spec = self.spec
        channels = next((layer.channels for layer in spec.layers if isinstance(layer, Conv)), 1)
        layers = tuple(_resized(layer, spec.n_out, channels) for layer in spec.layers)
        if isinstance(spec.layers[0], Dense):
            shape: Shape = (spec.n_out if everywhere else spec.n_in,)
        else:
            shape = (*spec.input_shape[:2], channels) if everywhere else spec.input_shape
        return replace(self, spec=NetworkSpec(shape, layers, spec.loss)).active()

    def active(self) -> "Inputs":
        """Return the inputs of the first seed for which every layer is active; with ReLUs a layer may be inactive."""
        return next((p for seed in range(1, SEEDS) if (p := replace(self, seed=seed)).is_active()), self)

    def is_active(self) -> bool:
        """Return whether no gradient vanishes and every layer has z of both signs."""
        require_time()
        x, y = self.data()
        x, y = x[: self.n], y[: self.n]
        network = Reference(self.spec, self.training, self.parameters())
        traced, (_, gradients) = network.trace(x, y), network.loss_and_gradients(x, y)
        deltas = [tensor for name, tensor in traced.items() if name[0] == "d"]
        sizes = [float(np.linalg.norm(tensor)) for tensor in (*deltas, *gradients.values())]
        z = [traced[f"z{l}"] for l, layer in enumerate(self.spec.layers, 1) if has_weights(layer)]
        two_sided = all(tensor.min() < 0 < tensor.max() for tensor in z)
        return two_sided and min(sizes) > 1e-2 * max(sizes)

    @property
    def n_many(self) -> int:
        """The number of examples in two batches and a smaller one."""
        return int(BATCHES * self.n)

    def parameters(self, dtype: str = "float64") -> Parameters:
        """Return parameters at which no unit is saturated."""
        drawn = _parameters(self.spec, replace(self.training, seed=self.seed))
        return initial.cast(_flattened(self.spec, drawn) if self.is_flat else drawn, dtype)

    def data(self, dtype: str = "float64", batch: int = 0) -> tuple[Array, Labels]:
        """Return x, (n_many, n_in), and y; the first n are a batch."""
        x, y = _data(self, batch)
        return x.astype(dtype), y.copy()

    def order(self) -> Labels:
        """Return the order of all examples."""
        return np.random.default_rng([self.seed, 9]).permutation(self.n_many)


def _resized(layer: Layer, units: int, channels: int) -> Layer:
    if isinstance(layer, Dense):
        return replace(layer, n_out=units)
    return replace(layer, channels=channels) if isinstance(layer, Conv) else layer


@lru_cache(maxsize=4)
def _parameters(spec: NetworkSpec, training: TrainingSpec) -> Parameters:
    return initial.draw_parameters(spec, replace(training, initial="scaled", dtype="float32"))


def below_pools(spec: NetworkSpec) -> list[int]:
    """Return the numbers of the convolutions whose output a pool takes."""
    pairs = enumerate(pairwise(spec.layers), 1)
    return [l for l, (layer, above) in pairs if isinstance(layer, Conv) and isinstance(above, MaxPool)]


def _flattened(spec: NetworkSpec, parameters: Parameters) -> Parameters:
    """Return parameters with which every second channel below a pool has the same output everywhere, and none is dead.

    The others let the gradients through to the layers below.
    """
    found = dict(parameters)
    for l in below_pools(spec):
        found[f"W{l}"] = found[f"W{l}"].copy()
        found[f"W{l}"][::2] = 0
        if f"b{l}" in found:
            found[f"b{l}"] = np.abs(found[f"b{l}"])
    return found


@lru_cache(maxsize=4)
def _data(inputs: Inputs, batch: int) -> tuple[Array, Labels]:
    generator = np.random.default_rng([inputs.seed, batch])
    shape = (inputs.n_many, inputs.spec.n_in)
    inked = 0.2 if inputs.spec.n_in > 50 else 0.8
    x = generator.integers(1, 256, shape) * (generator.random(shape) < inked) / 255
    y = generator.permutation(np.arange(inputs.n_many) % inputs.spec.n_out)
    return x.astype(np.float32), y


class Watch:
    """Passes arrays to a network and records which of them it changes."""

    def __init__(self, *, read_only: bool = False) -> None:
        self._given: list[tuple[str, Any, Any]] = []
        self._read_only = read_only

    def give(self, name: str, array: Any) -> Any:
        """Return the array, after keeping a copy."""
        self._given.append((name, array, array.copy()))
        array.flags.writeable = not self._read_only
        return array

    def modified(self) -> list[str]:
        """Return the names of the arrays that have been changed."""
        return list(dict.fromkeys(name for name, now, then in self._given if not np.array_equal(now, then)))
