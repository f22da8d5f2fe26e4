"""The limit of the machine: the time of the matrix products of the steps alone."""

from collections.abc import Callable
from statistics import median
from time import perf_counter
from typing import Final

import numpy as np

from shared.interface import Array, Parameters

PASSES: Final = 3
BATCHES: Final = 2_000
"""The most batches of an epoch that are timed; the others take as long."""


def products(parameters: Parameters, batch_size: int) -> Callable[[Array], None]:
    """Return a function that computes the products of a step on a batch, (batch_size, n_in), by `np.dot` with `out=`.

    These are the products of (1) and (6) for every layer, and of (5) for all but the first: five for two layers.
    """
    generator, dtype = np.random.default_rng(0), parameters["W1"].dtype
    weights = [tensor for name, tensor in parameters.items() if name.startswith("W")]
    # a_l and d_l of every layer: the time of a product does not depend on their values
    a, d = ([generator.random((batch_size, len(W))).astype(dtype) for W in weights] for _ in range(2))
    z, dW = [np.empty_like(d_l) for d_l in d], [np.empty_like(W) for W in weights]

    def make(x: Array) -> None:
        for l, W in enumerate(weights):
            inputs = a[l - 1] if l else x
            np.dot(inputs, W.T, out=z[l])  # (1)
            np.dot(d[l].T, inputs, out=dW[l])  # (6)
            if l:
                np.dot(d[l], W, out=z[l - 1])  # (5)

    return make


def epoch_seconds(parameters: Parameters, x: Array, batch_size: int) -> float:
    """Return the seconds that the products of an epoch take on the batches of x, (n, n_in), read from memory.

    This is the median of a few passes, after one that does not count; a smaller last batch counts in proportion.
    """
    make, taken = products(parameters, batch_size), []
    whole = min(len(x) // batch_size, BATCHES) * batch_size
    for _ in range(1 + PASSES):
        start = perf_counter()
        for first in range(0, whole, batch_size):
            make(x[first : first + batch_size])
        taken.append(perf_counter() - start)
    return median(taken[1:]) * len(x) / whole
