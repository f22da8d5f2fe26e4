"""Gradient descent and the kinds of momentum, beside the steps of a model."""

from collections.abc import Iterator

import numpy as np

from shared.interface import Array
from shared.ports.paths import Path, Rule, along, fit, off


def of_gradients(path: Path, hints: dict[str, float]) -> Iterator[Rule]:
    """Yield gradient descent and the kinds of momentum, without decay and with a coupled one."""
    rates, _, error = along(path, path.g)
    yield Rule("gradient descent", "", rates, error)
    decay = fit([path.g[0], path.theta[0]], path.moved[0])
    found = float(decay[1] / decay[0]) if decay[0] else 0.0
    known = [0.0, *dict.fromkeys(x for x in (hints.get("weight_decay", 0.0), found) if 1e-9 < x < 10)]
    for l2 in known:
        g = [gradient + l2 * theta for gradient, theta in zip(path.g, path.theta, strict=True)]
        if l2:
            rates, _, error = along(path, g)
            yield Rule("gradient descent", "", rates, error, decay=l2)
        for rule in _momenta(path, g):
            yield rule._replace(decay=l2, how="coupled" if l2 else "")


def _momenta(path: Path, g: list[Array]) -> Iterator[Rule]:
    first = fit([g[0]], path.moved[0])[0]
    a, b = fit([g[0], g[1]], path.moved[1])  # of the velocity's memory, and of the gradient
    if not first or not b or a / b <= 0:
        return
    c = a / b
    for mu in dict.fromkeys((c, round(c, 4))):
        yield from _kinds(path, g, float(mu), float(first), float(b))
    nesterov = (c + np.sqrt(c * (c + 4))) / 2  # mu^2 / (1 + mu) = c
    for mu in (nesterov, round(nesterov, 4)):
        if 0 < mu < 1:
            v = _velocity(g, mu)
            rates, _, error = along(path, [gradient + mu * each for gradient, each in zip(g, v, strict=True)])
            yield Rule("Nesterov momentum", f"mu {mu:.4g}", rates, error, momentum=mu)
    mu = float(fit([path.moved[0]], path.moved[1] - b * g[1])[0])
    for each in dict.fromkeys((mu, round(mu, 4))):
        if 0 < each < 1:
            yield from _inside(path, g, each)


def _kinds(path: Path, g: list[Array], mu: float, first: float, b: float) -> Iterator[Rule]:
    if 0 < mu < 1:
        rates, _, error = along(path, _velocity(g, mu))
        yield Rule("momentum", f"mu {mu:.4g}", rates, error, momentum=mu)
    share = b / first  # 1 - dampening, where the first step is not dampened
    if 0 < share < 1 - 1e-6 and 0 < (damped := mu * share) < 1:
        v = [g[0]]
        for gradient in g[1:]:
            v.append(damped * v[-1] + share * gradient)
        rates, _, error = along(path, v)
        yield Rule(
            "momentum with dampening", f"mu {damped:.4g}, dampening {1 - share:.4g}", rates, error, momentum=damped
        )


def _inside(path: Path, g: list[Array], mu: float) -> Iterator[Rule]:
    """Yield momentum with the rate inside the velocity: it shows only where the rate changes."""
    for name, nesterov in (("momentum", False), ("Nesterov momentum", True)):
        v, rates, expected = np.zeros_like(g[0]), [], []
        for gradient, m in zip(g, path.moved, strict=True):
            if nesterov:  # theta moves by mu v + rate g, with v = mu v + rate g
                rate = float(fit([gradient], m - mu * mu * v)[0]) / (1 + mu)
            else:
                rate = float(fit([gradient], m - mu * v)[0])
            v = mu * v + rate * gradient
            rates.append(rate)
            expected.append(mu * v + rate * gradient if nesterov else v)
        yield Rule(name, f"mu {mu:.4g}, the rate inside the velocity", rates, off(path, expected), momentum=mu)


def _velocity(g: list[Array], mu: float) -> list[Array]:
    v = [g[0]]
    for gradient in g[1:]:
        v.append(mu * v[-1] + gradient)
    return v
