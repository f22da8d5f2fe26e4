"""Consecutive steps of a model as vectors, and rules that are laid beside them."""

from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np

from shared.interface import Array, Parameters

MOST_ENTRIES: Final = 600
NOTHING: Final = "nothing: the parameters do not move"
"""The name of the rule of a model that does not learn."""
PLACES: Final = {
    "after": "beside the corrected root",
    "before": "beside the uncorrected root",
    "within": "within the root",
}


class Rule(NamedTuple):
    """A rule as numbers show it."""

    name: str
    details: str
    rates: list[float]
    residual: float
    momentum: float = 0.0
    decay: float = 0.0
    how: str = ""
    """coupled or decoupled"""
    epsilon: float = 0.0
    place: str = ""
    every: int = 1
    """of so many steps one updates; the rates of the others are 0"""

    def words(self, constant: float) -> str:
        """Return the rule, its numbers and its rates."""
        rates = rates_in_words(self.rates[self.every - 1 :: self.every], constant)
        found = self.name + (f", {self.details}" if self.details else "")
        if self.decay:
            found += f", weight decay {self.decay:.3g}" + (f" {self.how}" if self.how else "")
        return f"{found}, {rates}" + (f", in one of {self.every} steps" if self.every > 1 else "")


class Path(NamedTuple):
    """Consecutive steps, all parameters in a row."""

    g: list[Array]
    theta: list[Array]
    """before each step"""
    moved: list[Array]
    """what each step subtracted"""

    def some(self) -> "Path":
        """Return some entries, from those with the smallest to those with the largest gradients, zeros left out."""
        order = np.argsort(np.abs(self.g[0]))
        order = order[np.abs(self.g[0][order]) > 0] if self.g[0].any() else order
        chosen = order[np.unique(np.linspace(0, len(order) - 1, MOST_ENTRIES).astype(int))]
        return Path(*([vector[chosen] for vector in vectors] for vectors in self))


def period(moved: list[bool]) -> int:
    """Return k if every k-th step moves something and the others nothing; 1 for anything else."""
    k = moved.index(True) + 1 if any(moved) else 1
    is_regular = len(moved) >= 2 * k and moved == [t % k == 0 for t in range(1, len(moved) + 1)]
    return k if is_regular else 1


def path_of(gradients: list[Parameters], start: Parameters, after: list[Parameters]) -> Path:
    """Return the steps as vectors of float64."""

    def flat(tensors: Parameters) -> Array:
        return np.concatenate([np.ravel(tensors[name]).astype(np.float64) for name in start])

    theta = [flat(start), *(flat(each) for each in after)]
    return Path([flat(g) for g in gradients], theta[:-1], [a - b for a, b in pairwise(theta)])


def rates_in_words(rates: list[float], constant: float) -> str:
    """Return the rate, or how it changes from step to step."""
    r = np.array(rates)
    if np.ptp(r) <= constant * np.abs(r).max():
        return f"rate {_neat(float(np.median(r)), constant)}"
    ratios, steps = r[1:] / r[:-1], np.diff(r)
    if np.ptp(ratios) <= 10 * constant:
        return f"rate {r[0]:.5g} times {np.median(ratios):.6g} after each step"
    if np.ptp(steps) <= 10 * constant * np.abs(r).max():
        return f"rate {r[0]:.5g} and {np.median(steps):+.4g} after each step"
    changes = [k for k in range(1, len(r)) if abs(r[k] / r[k - 1] - 1) > 10 * constant]
    if len(changes) <= len(r) // 4:
        return f"rate {r[0]:.5g}" + "".join(f", from step {k + 1} on {r[k]:.5g}" for k in changes[:4])
    return "rates " + ", ".join(f"{each:.5g}" for each in r[:6]) + ", ..."


def _neat(value: float, constant: float) -> str:
    """Return a number to the digits that are known, without the rounding of float32."""
    short = float(f"{value:.3g}")
    return f"{short:.6g}" if abs(value - short) <= 10 * constant * abs(short) else f"{value:.6g}"


def off(path: Path, expected: list[Array]) -> float:
    """Return the largest relative difference of a step from what is expected."""
    pairs = zip(path.moved, expected, strict=True)
    found = [float(np.linalg.norm(m - e) / (np.linalg.norm(m) or 1)) for m, e in pairs]
    return max(found) if np.isfinite(found).all() else np.inf


def fit(u: list[Array], m: Array) -> Array:
    """Return the multiples of vectors that are nearest to another."""
    scales = np.array([np.linalg.norm(each) or 1.0 for each in u])
    c, *_ = np.linalg.lstsq(np.stack(u, 1) / scales, m, rcond=None)
    return np.asarray(c / scales)


def along(path: Path, u: list[Array], decoupled: bool = False) -> tuple[list[float], float, float]:
    """Return the rate of each step along these directions, the decay beside them, and the residual."""
    if not all(np.isfinite(each).all() for each in u):
        return [], 0.0, np.inf
    rates, decays, expected = [], [], []
    for direction, theta, m in zip(u, path.theta, path.moved, strict=True):
        vectors = [direction, theta] if decoupled else [direction]
        c = fit(vectors, m)
        rates.append(float(c[0]))
        decays.append(float(c[1] / c[0]) if decoupled and c[0] else 0.0)
        expected.append(np.asarray(sum(each * v for each, v in zip(c, vectors, strict=True))))
    return rates, float(np.median(decays)), off(path, expected)
