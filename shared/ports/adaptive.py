"""Adam and its amsgrad, beside the steps of a model; the rarer rules are in `rarer`."""

from collections.abc import Iterator
from itertools import product
from typing import Final

import numpy as np

from shared.diagnosis.updates import BETAS_1, BETAS_2, EPSILONS
from shared.ports.paths import PLACES, Path, Rule, along
from shared.ports.rarer import rarer

NEAR: Final = 3e-3
"""Residual of a rule with other betas that is looked at more closely."""
DECAYS: Final = (0.01, 1e-4, 5e-4, 1e-3, 0.1, 1e-5, 0.05, 0.004, 0.005)
"""Coupled decays that are tried within Adam and its kin, beside the declared one."""


def adaptive(path: Path, hints: dict[str, float]) -> Iterator[Rule]:
    """Yield Adam and its kin: the declared and usual numbers first, each with the kinds of decay."""
    betas = dict.fromkeys([(hints.get("beta_1", 0.9), hints.get("beta_2", 0.999)), (0.9, 0.999)])
    epsilons = list(dict.fromkeys([*([hints["eps"]] if "eps" in hints else []), *EPSILONS]))
    declared = hints.get("weight_decay", 0.0)
    decays = list(dict.fromkeys([*([declared] if declared else []), *DECAYS]))
    fits: list[Rule] = []
    for (one, two), epsilon, place, worst in product(betas, epsilons, PLACES, (False, True)):
        for l2, decoupled in ((0.0, False), (0.0, True)):
            fits.append(_adam(path, one, two, epsilon, place, worst, l2, decoupled))
        yield from _distinct(fits[-2:])
    nearest = min(fits, key=lambda rule: rule.residual)
    for l2, (one, two), place, worst in product(decays, betas, PLACES, (False, True)):
        for epsilon in epsilons[:3]:
            yield _adam(path, one, two, epsilon, place, worst, l2, False)
    yield from rarer(path, hints, epsilons)
    if nearest.residual > NEAR:
        short = Path(*(vectors[:6] for vectors in path))
        for one, two, epsilon in product(BETAS_1, BETAS_2, epsilons[:4]):
            if one and _adam(short, one, two, epsilon, "after", False, 0.0, False).residual < NEAR:
                for place in PLACES:
                    yield _adam(path, one, two, epsilon, place, False, 0.0, False)


def _distinct(pair: list[Rule]) -> Iterator[Rule]:
    """Yield the rule without decay, and that with one only if it is needed and not negative."""
    plain, decaying = pair
    yield plain
    if decaying.residual < 0.1 * plain.residual and decaying.decay > 1e-9:
        yield decaying


def _adam(path: Path, one: float, two: float, epsilon: float, place: str, worst: bool, l2: float,
          decoupled: bool) -> Rule:  # fmt: skip
    m, v, most, u = np.zeros_like(path.g[0]), np.zeros_like(path.g[0]), np.zeros_like(path.g[0]), []
    for t, (gradient, theta) in enumerate(zip(path.g, path.theta, strict=True), 1):
        g = gradient + l2 * theta if l2 else gradient
        m, v = one * m + (1 - one) * g, two * v + (1 - two) * g * g
        most = np.maximum(most, v)
        root, c1, c2 = (most if worst else v), 1 - one**t, 1 - two**t
        u.append(m / c1 / {
            "after": np.sqrt(root / c2) + epsilon,
            "before": (np.sqrt(root) + epsilon) / np.sqrt(c2),
            "within": np.sqrt(root / c2 + epsilon),
        }[place])  # fmt: skip
    rates, decay, error = along(path, u, decoupled)
    name = "amsgrad (Adam)" if worst else "Adam"
    usual = "" if (one, two) == (0.9, 0.999) else f"beta_1 {one:g}, beta_2 {two:g}, "
    details = f"{usual}epsilon {epsilon:g} {PLACES[place]}"
    how = "coupled: added to the gradient" if l2 else "decoupled: off the weights beside the step" if decoupled else ""
    return Rule(name, details, rates, error, decay=l2 or decay, how=how, epsilon=epsilon, place=place)
