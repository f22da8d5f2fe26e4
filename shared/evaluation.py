"""The evaluation protocol: metrics computed from predictions over every example, the same for all implementations."""

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.interface import Array, Labels, Network

PIECE: Final = 200
"""Examples that are predicted at once: the patches of 10,000 images would take gigabytes."""


def outputs(network: Network, x: Array) -> Array:
    """(n, n_in) -> a_L of every example, (n, n_out)."""
    return np.concatenate([network.predict(x[k : k + PIECE]) for k in range(0, len(x), PIECE)])


def predicted_digits(activations: Array) -> NDArray[np.uint8]:
    """(n, n_out) output activations -> (n,) the index of the largest, the first one if several are equal."""
    digits: NDArray[np.uint8] = activations.argmax(axis=1).astype(np.uint8)
    return digits


def accuracy(activations: Array, labels: Labels) -> float:
    """Return the fraction of examples whose largest output activation is that of their label."""
    return float(np.mean(predicted_digits(activations) == labels))


def quadratic(activations: Array, labels: Labels) -> float:
    """Equation (3), quadratic cost, over all examples in float64."""
    error = activations.astype(np.float64)
    error[np.arange(len(labels)), labels] -= 1
    return float(np.vdot(error, error) / (2 * len(labels)))


def cross_entropy(activations: Array, labels: Labels) -> float:
    """Equation (3), cross-entropy, over all examples in float64; an activation that underflowed counts as 1e-300."""
    right = activations[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.maximum(right, 1e-300)).mean())


def binary_cross_entropy(activations: Array, labels: Labels) -> float:
    """Equation (3), binary cross-entropy, in the same way; 1 - a_L also counts as at least 1e-300."""
    others = 1 - activations.astype(np.float64)
    others[np.arange(len(labels)), labels] = 1
    return cross_entropy(activations, labels) - float(np.log(np.maximum(others, 1e-300)).sum() / len(labels))


LOSSES: Final[dict[str, Callable[[Array, Labels], float]]] = {
    "quadratic": quadratic,
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
}
