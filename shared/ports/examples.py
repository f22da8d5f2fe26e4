"""The examples and the weights that every side is given."""

from collections.abc import Sequence

import numpy as np

from shared.adapters.port import About
from shared.interface import Array, Parameters

Batches = list[tuple[Array, Array]]


def draw(about: About, rng: np.random.Generator) -> Parameters:
    """Return weights to give to every side: scaled by the inputs of a unit, biases that are not 0."""
    found: Parameters = {}
    for name, shape in about.shapes.items():
        drawn = rng.standard_normal(tuple(shape))
        if name[0] == "W":
            found[name] = drawn / np.sqrt(np.prod(shape[1:]))
        else:
            found[name] = 1 + 0.1 * drawn if name.startswith("gamma") else 0.1 * drawn
    return found


def batches(about: About, sizes: Sequence[int], rng: np.random.Generator, fade: bool = False) -> Batches:
    """Return batches of random examples; a third of the inputs is small, so that some gradients are.

    Parameters
    ----------
    fade : whether the second half of the batches is fainter, so that a second moment falls.
    """
    scale = np.where(rng.random(about.inputs) < 0.3, 10.0 ** -rng.uniform(0, 6, about.inputs), 1.0)
    found: Batches = []
    for k, n in enumerate(sizes):
        x = rng.random((n, *about.inputs)) * scale * (0.4 if fade and 2 * k >= len(sizes) else 1.0)
        y = rng.random(n) if about.n_out == 1 else rng.integers(0, about.n_out, n).astype(np.float64)
        found.append((x, y))
    return found
