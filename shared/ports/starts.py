"""Which distribution a model's own initial parameters have, by their numbers."""

import re
from typing import Final

import numpy as np

from shared.interface import Array, Parameters

LEAST: Final = 20
"""Entries by which a distribution can be told."""
NEAR: Final = 0.06


def own_start(own: Parameters) -> list[str]:
    """Return a line for each distribution, with the tensors that have it."""
    lines: dict[str, list[str]] = {}
    for name, tensor in own.items():
        fan = _fans(own, name)
        lines.setdefault(_distribution(np.asarray(tensor, float), *fan), []).append(name)
    return [f"{', '.join(names)}: {words}" for words, names in lines.items()]


def _fans(own: Parameters, name: str) -> tuple[int, int]:
    """Return the numbers of inputs and outputs of the layer of a tensor."""
    weight = own.get(f"W{re.sub('[a-z]', '', name, flags=re.I)}", own[name])
    field = int(np.prod(weight.shape[2:])) if weight.ndim > 2 else 1
    return (int(weight.shape[1]) * field, int(weight.shape[0]) * field) if weight.ndim > 1 else (1, weight.size)


def _distribution(t: Array, fan_in: int, fan_out: int) -> str:
    if not t.any():
        return "zeros"
    if np.ptp(t) == 0:
        return f"all {t.flat[0]:g}"
    most, std = float(np.abs(t).max()), float(t.std())
    if t.size < LEAST:
        return f"from {t.min():.3g} to {t.max():.3g}"
    near = max(NEAR, 2 / np.sqrt(t.size))
    if abs(most / (std * np.sqrt(3)) - 1) < near:
        known = {
            "uniform +-1/sqrt(n_in), PyTorch's default": 1 / np.sqrt(fan_in),
            "glorot uniform, Keras's default": np.sqrt(6 / (fan_in + fan_out)),
            "he uniform (kaiming)": np.sqrt(6 / fan_in),
            "lecun uniform": np.sqrt(3 / fan_in),
        }
        fits = {name: limit for name, limit in known.items() if 1 - 6 / t.size <= most / limit <= 1 + 1e-6}
        name = min(fits, key=lambda each: fits[each], default="uniform")
        return f"{name} (+-{most:.3g})"
    known = {
        "glorot normal": np.sqrt(2 / (fan_in + fan_out)),
        "he normal (kaiming)": np.sqrt(2 / fan_in),
        "lecun normal, 1/sqrt(n_in), Flax's default": np.sqrt(1 / fan_in),
        "standard normal": 1.0,
    }
    name = next((each for each, scale in known.items() if abs(std / scale - 1) < near), "normal")
    return f"{name} (standard deviation {std:.3g}{', cut off' if most < 2.5 * std else ''})"
