"""RMSProp, Adagrad, Adadelta, Adamax and NAdam, beside the steps of a model.

PyTorch adds epsilon to the root, Keras within it; Adamax adds it to the largest gradient, or takes the larger of both.
"""

from collections.abc import Iterator
from itertools import product
from typing import Final

import numpy as np

from shared.interface import Array
from shared.ports.paths import Path, Rule, along

PLACED: Final = {"after": "beside the root", "within": "within the root"}
NADAM_DECAY: Final = {"psi 0.004": 0.004, "psi 1": 1.0, "no decay of the momentum": 0.0}
STARTS: Final = (0.0, 0.1)
"""Of the squares of Adagrad: in PyTorch and in Keras."""


def rarer(path: Path, hints: dict[str, float], epsilons: list[float]) -> Iterator[Rule]:
    """Yield the rules, with the declared and the usual numbers."""
    rhos = dict.fromkeys([hints.get("alpha", 0.99), hints.get("rho", 0.9), 0.9, 0.99])
    for rho, epsilon, place in product(rhos, epsilons, PLACED):
        yield from _rmsprop(path, rho, epsilon, place, hints)
    for start, epsilon, place in product(STARTS, epsilons, PLACED):
        yield _adagrad(path, start, epsilon, place)
    rhos = dict.fromkeys([hints.get("rho", 0.9), 0.9, 0.95])
    for rho, epsilon in product(rhos, dict.fromkeys([*epsilons, 1e-6])):
        yield _adadelta(path, rho, epsilon)
    betas = dict.fromkeys([(hints.get("beta_1", 0.9), hints.get("beta_2", 0.999)), (0.9, 0.999)])
    for (one, two), epsilon in product(betas, epsilons):
        yield from _adamax(path, one, two, epsilon)
        for words, decay in NADAM_DECAY.items():
            yield _nadam(path, one, two, epsilon, words, decay)


def _rmsprop(path: Path, rho: float, epsilon: float, place: str, hints: dict[str, float]) -> Iterator[Rule]:
    """Yield RMSProp, centred or not, without and with a momentum behind it."""
    for centred in (False, True):
        v, mean, u = np.zeros_like(path.g[0]), np.zeros_like(path.g[0]), list[Array]()
        for g in path.g:
            v, mean = rho * v + (1 - rho) * g * g, rho * mean + (1 - rho) * g
            u.append(g / _root(v - mean * mean if centred else v, epsilon, place))
        for momentum in dict.fromkeys((0.0, hints.get("momentum", 0.0), 0.9)):
            w, moved = np.zeros_like(path.g[0]), list[Array]()
            for each in u:
                w = momentum * w + each
                moved.append(w)
            name = f"RMSProp, rho {rho:g}" + (", centred" if centred else "")
            name += f", momentum {momentum:g}" if momentum else ""
            yield _rule(path, name, moved, epsilon, place)


def _adagrad(path: Path, start: float, epsilon: float, place: str) -> Rule:
    v, u = np.full_like(path.g[0], start), list[Array]()
    for g in path.g:
        v = v + g * g
        u.append(g / _root(v, epsilon, place))
    return _rule(path, "Adagrad" + (f", squares start at {start:g}" if start else ""), u, epsilon, place)


def _adadelta(path: Path, rho: float, epsilon: float) -> Rule:
    v, moved, u = np.zeros_like(path.g[0]), np.zeros_like(path.g[0]), list[Array]()
    for g in path.g:
        v = rho * v + (1 - rho) * g * g
        step = g * np.sqrt(moved + epsilon) / np.sqrt(v + epsilon)
        moved = rho * moved + (1 - rho) * step * step
        u.append(step)
    return _rule(path, f"Adadelta, rho {rho:g}", u, epsilon, "within")


def _adamax(path: Path, one: float, two: float, epsilon: float) -> Iterator[Rule]:
    """Yield Adamax as in PyTorch, where the largest is at least |g| + epsilon, and as in Keras, beside the largest."""
    for place, words in {"within": "in the largest gradient", "after": "beside the largest gradient"}.items():
        m, most, u = np.zeros_like(path.g[0]), np.zeros_like(path.g[0]), list[Array]()
        for t, g in enumerate(path.g, 1):
            m = one * m + (1 - one) * g
            most = np.maximum(two * most, np.abs(g) + (epsilon if place == "within" else 0.0))
            u.append(m / (1 - one**t) / (most + (epsilon if place == "after" else 0.0)))
        rates, _, error = along(path, u)
        yield Rule(
            "Adamax", f"{_betas(one, two)}epsilon {epsilon:g} {words}", rates, error, epsilon=epsilon, place=place
        )


def _nadam(path: Path, one: float, two: float, epsilon: float, words: str, decay: float) -> Rule:
    """Return NAdam (Dozat, 2016), with the schedule of its momentum: beta_1 (1 - 0.96^(t psi) / 2)."""
    m, v, product_, u = np.zeros_like(path.g[0]), np.zeros_like(path.g[0]), 1.0, list[Array]()
    for t, g in enumerate(path.g, 1):
        now, then = (one * (1 - 0.5 * 0.96 ** (k * decay)) if decay else one for k in (t, t + 1))
        product_ *= now
        m, v = one * m + (1 - one) * g, two * v + (1 - two) * g * g
        ahead = then * m / (1 - product_ * then) + (1 - now) * g / (1 - product_)
        u.append(ahead / (np.sqrt(v / (1 - two**t)) + epsilon))
    rates, _, error = along(path, u)
    return Rule(
        "NAdam", f"{_betas(one, two)}{words}, epsilon {epsilon:g}", rates, error, epsilon=epsilon, place="after"
    )


def _betas(one: float, two: float) -> str:
    return "" if (one, two) == (0.9, 0.999) else f"beta_1 {one:g}, beta_2 {two:g}, "


def _root(v: Array, epsilon: float, place: str) -> Array:
    return np.asarray(np.sqrt(v + epsilon) if place == "within" else np.sqrt(v) + epsilon)


def _rule(path: Path, name: str, u: list[Array], epsilon: float, place: str) -> Rule:
    rates, _, error = along(path, u)
    return Rule(name, f"epsilon {epsilon:g} {PLACED[place]}", rates, error, epsilon=epsilon, place=place)
