"""Activations that our specification lacks, and the slopes that people write by mistake."""

from collections.abc import Callable
from typing import Final

import numpy as np

from impls.numpy_scratch import ACTIVATIONS as OURS

AT_ACTIVATION: Final = "that at the activation, f'(a)"
TURNED: Final = "turned round"
"""Of a slope: 1 - f', such as the mask of a ReLU the wrong way round."""


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-z)))


def _gelu_tanh(z: np.ndarray) -> np.ndarray:
    return np.asarray(np.tanh(np.sqrt(2 / np.pi) * (z + 0.044715 * z**3)))


def _gelu_slope(z: np.ndarray, inner: np.ndarray) -> np.ndarray:
    t = _gelu_tanh(z)
    return np.asarray(0.5 * (1 + t) + 0.5 * z * (1 - t * t) * inner)


OTHERS: Final[dict[str, tuple[Callable[[np.ndarray], np.ndarray], Callable[[np.ndarray, np.ndarray], np.ndarray]]]] = {
    "softplus": (lambda z: np.log1p(np.exp(z)), lambda z, _: _sigmoid(z)),
    "swish": (lambda z: z * _sigmoid(z), lambda z, a: a + _sigmoid(z) * (1 - a)),
    "gelu": (
        lambda z: 0.5 * z * (1 + _gelu_tanh(z)),
        lambda z, _: _gelu_slope(z, np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * z * z)),
    ),
    "elu": (lambda z: np.where(z > 0, z, np.exp(z) - 1), lambda z, a: np.where(z > 0, 1.0, a + 1)),
    "leaky relu of 0.1": (lambda z: np.where(z > 0, z, 0.1 * z), lambda z, _: np.where(z > 0, 1.0, 0.1)),
    "leaky relu of 0.2": (lambda z: np.where(z > 0, z, 0.2 * z), lambda z, _: np.where(z > 0, 1.0, 0.2)),
}
"""activations that people write and our specification lacks: f(z), and its slope from z and a"""
FUNCTIONS: Final = {**OURS, **OTHERS}
SLOPES_OF_OTHERS: Final[dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "the sigmoid, without the rest of the product rule": lambda z, _: _sigmoid(z),
    "z sigmoid'(z), without the rest of the product rule": lambda z, _: z * _sigmoid(z) * (1 - _sigmoid(z)),
    "one without the derivative of the tanh's argument": lambda z, _: _gelu_slope(z, np.ones_like(z)),
    "e^z below 0, without alpha or with a in place of it": lambda z, a: np.where(z > 0, 1.0, a),
    "1 - e^-a": lambda _, a: 1 - np.exp(-a),
    "a (1 - a)": lambda _, a: a * (1 - a),
    "1 - a^2": lambda _, a: 1 - a * a,
}
"""wrong slopes of such activations"""
SLOPES: Final[dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]]] = {
    "1 - a": lambda _, a: 1 - a,
    "a": lambda _, a: a,
    "a (1 - z)": lambda z, a: a * (1 - z),
    "z (1 - z)": lambda z, _: z * (1 - z),
    "a^2": lambda _, a: a * a,
    "1 - z^2": lambda z, _: 1 - z * z,
    "z > 0, and 0 below": lambda z, _: (z > 0).astype(float),
}
WRONG_SLOPES: Final = {
    "1 - a": r"1 ?- ?(np\.)?(tanh\(\w+\)|\w+)\s*$|\(1 ?- ?\w+\)",
    "a": r"prime|deriv|slope",
    "a (1 - z)": r"\* ?\(1 ?- ?[zZx]\w*\)",
    "z (1 - z)": r"[zZx]\w* ?\* ?\(1 ?- ?[zZx]\w*\)",
    "a^2": r"\*\* ?2",
    "1 - z^2": r"1 ?- ?[zZx]\w* ?\*\* ?2",
    "z > 0, and 0 below": r"where\(.*> ?0, ?1, ?0\)|> ?0\)",
}
"""slope f'(z) as people write it by mistake, with z and a = f(z) -> what its line looks like"""
