"""The limit of the machine: the time of the matrix products of the steps alone."""

import math
from collections.abc import Callable
from statistics import median
from time import perf_counter, process_time
from typing import Final, NamedTuple

import numpy as np

from shared.interface import Array
from shared.layers import Conv, has_weights
from shared.spec import NetworkSpec

PASSES: Final = 3
BATCHES: Final = 2_000
"""The most batches of an epoch that are timed; the others take as long."""
SECONDS: Final = 2.0
"""About the most that a pass takes, for the same reason."""

Product = tuple[Array, Array, Array]
"""The two matrices of a product, and where it goes."""


def products(spec: NetworkSpec, dtype: np.dtype, batch_size: int) -> Callable[[Array], None]:
    """Return a function that computes the products of a step on a batch, (batch_size, n_in), by `np.dot` with `out=`.

    These are the products of (1) and (6) for every layer with weights, and of (5) for all but the first: five for two
    layers. Those of a convolution are of its patches, which are not made here. All matrices but x are random: the time
    of a product does not depend on its values.
    """
    draw = np.random.default_rng(0)
    every: list[Product] = []
    first: list[Product] = []

    def add(rows: int, inner: int, columns: int, *, transposed: bool = False, to: list[Product] = every) -> None:
        shape = (inner, rows) if transposed else (rows, inner)
        left, right = (draw.random(size).astype(dtype) for size in (shape, (inner, columns)))
        to.append((left.T if transposed else left, right, np.empty((rows, columns), dtype)))

    for l, (layer, shape, after) in enumerate(zip(spec.layers, spec.shapes, spec.shapes[1:], strict=False)):
        if not has_weights(layer):
            continue
        kernel = layer.kernel if isinstance(layer, Conv) else 1
        places = math.prod(after[1:])
        rows, n_in, n_out = batch_size * places, math.prod(shape) if places == 1 else shape[0], after[0]
        to = first if not first and not every and kernel * places == 1 and l == 0 else every
        add(rows, n_in * kernel**2, n_out, to=to)  # (1)
        add(n_out, rows, n_in * kernel**2, transposed=True, to=to)  # (6)
        if l > 0 and any(map(has_weights, spec.layers[:l])):
            add(rows, n_out * kernel**2, n_in)  # (5)

    def make(x: Array) -> None:
        if first:
            (_, W, z), (d, _, dW) = first
            np.dot(x, W, out=z)
            np.dot(d, x, out=dW)
        for a, b, out in every:
            np.dot(a, b, out=out)

    return make


class Limit(NamedTuple):
    """The seconds that the products of an epoch take."""

    seconds: float
    """wall time, the median of the passes"""
    least: float
    """CPU time, the least of the passes: others on the machine cannot make it much longer"""


def limit(spec: NetworkSpec, x: Array, batch_size: int) -> Limit:
    """Return the time of the products of an epoch on the batches of x, (n, n_in), read from memory.

    It is measured in a few passes, after one batch that does not count; the batches that are left out, and a smaller
    last one, count in proportion.
    """
    make, taken, used = products(spec, x.dtype, batch_size), [], []
    make(x[:batch_size])
    start = perf_counter()
    make(x[:batch_size])
    fitting = 1 + int(SECONDS / (perf_counter() - start))
    whole = min(len(x) // batch_size, BATCHES, fitting) * batch_size
    for _ in range(1 + PASSES):
        start, cpu = perf_counter(), process_time()
        for first in range(0, whole, batch_size):
            make(x[first : first + batch_size])
        taken.append(perf_counter() - start)
        used.append(process_time() - cpu)
    part = len(x) / whole
    return Limit(median(taken[1:]) * part, min(used) * part)
