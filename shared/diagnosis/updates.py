"""Which rule the file's own update follows: gradient descent, momentum, Adam, ...; from consecutive steps' numbers.

A rule gives the direction of each step from the gradients so far; the file follows it if all its steps are one multiple
of these directions. The factors of momentum are computed from the second step, and the third must then agree; those of
Adam are the usual ones, tried in turn.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, Final, NamedTuple

import numpy as np

from shared.diagnosis.diagnose import Diagnosis
from shared.diagnosis.facts import Facts
from shared.diagnosis.words import Lines
from shared.reading.derivatives import as_shaped

ALIKE: Final = 1e-6
"""Relative error of a step that follows a rule: computed in float64, it is 1e-12."""
SINGLE_ALIKE: Final = 1e-3
"""The same for a network that computes in float32."""
NEAR: Final = 1e-3
"""Relative error of the multiple of a direction, which epsilon may change."""
LEAST: Final = 3
"""So many steps are compared: the factors of a rule are taken from the first two."""
MOST_ENTRIES: Final = 400
"""So many entries are compared while the factors of Adam are tried."""
BETAS_1: Final = (0.9, 0.0, 0.5, 0.8, 0.95, 0.99)
BETAS_2: Final = (0.999, 0.9, 0.99, 0.95, 0.9999)
EPSILONS: Final = (1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-9, 1e-10, 1e-12, 1e-15, 0.0)
PLACES: Final = ("after", "before", "within")
"""Where epsilon is added: to the corrected root, to the root before it is corrected, or within the root."""
CORRECTED: Final = ""
UNCORRECTED: Final = "Adam without bias correction"
SIGN: Final = "the sign of the gradient"
NO_COUNT: Final = "Adam's step counter never grows"
NO_SQUARE: Final = "Adam's second moment lacks the square"
NO_ROOT: Final = "Adam's step lacks the square root"
COUNTERS: Final[dict[str, Callable[[int], int]]] = {
    CORRECTED: lambda k: k + 1,
    UNCORRECTED: lambda _: 0,
    NO_COUNT: lambda _: 1,
}
"""mistake -> Adam's t in step k; 0 for no correction"""


@dataclass(frozen=True)
class Rule:
    """An update as numbers show it."""

    name: str
    """"momentum with mu 0.9"; "" for gradient descent"""
    scale: float
    """the multiple of the direction"""
    mistake: str = ""
    first: tuple[float, ...] = ()
    """what the first step may be of the gradient and the learning rate, besides 1"""
    decay: float = 0.0
    """the multiple of W in a step, by a rate of 1"""
    betas: tuple[float, float] = (0.0, 0.0)


class Steps(NamedTuple):
    """Consecutive steps, all parameters in a row."""

    g: list[np.ndarray]
    """gradients before each step"""
    moved: list[np.ndarray]
    """what each step subtracted"""
    W: list[np.ndarray]
    """the weights before each step; 0 for biases"""
    alike: float

    def some(self) -> "Steps":
        """Return some of the entries, from those of the smallest to those of the largest gradients."""
        order = np.argsort(np.abs(self.g[0]))
        chosen = order[np.unique(np.linspace(0, len(order) - 1, MOST_ENTRIES).astype(int))]
        g, moved, W = ([vector[chosen] for vector in vectors] for vectors in (self.g, self.moved, self.W))
        return Steps(g, moved, W, self.alike)


def rule_of(facts: Facts) -> Rule | None:
    """Return the rule that a file's steps follow; None if it is none of the known ones."""
    steps = _steps(facts)
    if steps is None or not all(np.isfinite(vector).all() for vector in (*steps.g, *steps.moved)):
        return None
    with np.errstate(all="ignore"):
        rule = next(_momenta(steps), None)
        if rule is None and len(steps.g) >= LEAST:
            rule = next((found for each in _adams(steps.some()) if (found := _whole(each, steps))), None)
            rule = rule or next(_wrong_adams(steps), None)
        return rule and _named(rule, facts)


def _steps(facts: Facts) -> Steps | None:
    arrays = facts.derivatives.arrays
    found = Steps([], [], [], SINGLE_ALIKE if facts.derivatives.alike > NEAR else ALIKE)
    for gradients, before, after in zip(facts.slopes, facts.path, facts.path[1:], strict=False):
        shaped = [as_shaped(gradients[name], arrays[name].shape) for name in arrays if name in gradients]
        vectors = [np.ravel(g) for g in shaped if g is not None]
        if len(vectors) < len(arrays) or any(after[name].shape != before[name].shape for name in arrays):
            return None
        found.g.append(np.concatenate(vectors))
        found.moved.append(np.concatenate([np.ravel(before[name] - after[name]) for name in arrays]))
        biases = facts.layout.biases
        found.W.append(np.concatenate([np.ravel(before[name]) * (name not in biases) for name in arrays]))
    return found if found.g and found.g[0].any() else None


def _scale(directions: Iterable[np.ndarray], steps: Steps, decay: float | None = 0.0) -> tuple[float, float] | None:
    """Return the multiples of directions, and of W, that the steps are; None if they are none. W's is asked by None."""
    scale = 0.0
    for k, (u, moved, W) in enumerate(zip(directions, steps.moved, steps.W, strict=False)):
        if k == 0 and decay is None:
            scale, decay = _two(u, W, moved)
        elif k == 0:
            scale = _one(u, moved - float(decay or 0) * W)
        if not np.abs(moved - scale * u - float(decay or 0) * W).max() <= steps.alike * np.abs(moved).max():
            return None
    return (scale, float(decay or 0)) if scale else None


def _one(u: np.ndarray, of: np.ndarray) -> float:
    norm = float(u @ u)
    return float(u @ of) / norm if norm > 0 and np.isfinite(norm) else 0.0


def _two(u: np.ndarray, W: np.ndarray, of: np.ndarray) -> tuple[float, float]:
    if not W.any() or not np.isfinite(u).all():
        return _one(u, of), 0.0
    (scale, decay), *_ = np.linalg.lstsq(np.stack([u, W], 1), of, rcond=None)
    return float(scale), float(decay)


def _momenta(steps: Steps) -> Iterator[Rule]:
    """Yield gradient descent and momentum, without and with a decay of the weights."""
    c, of_W = _two(steps.g[0], steps.W[0], steps.moved[0])
    for decay in (0.0, of_W / c) if c and of_W / c > 0 else (0.0,):
        g = [gradient + decay * W for gradient, W in zip(steps.g, steps.W, strict=True)]
        ways = [(Rule("", 0), g)]
        if len(g) >= LEAST:
            ways += _with_memory(g, steps.moved)
        for rule, directions in ways:
            if (found := _scale(directions, steps)) is not None:
                yield replace(rule, scale=found[0], decay=decay)
    if all(_scale([u], steps._replace(moved=[moved])) for u, moved in zip(steps.g, steps.moved, strict=True)):
        rates = [_one(u, moved) for u, moved in zip(steps.g, steps.moved, strict=True)]
        if min(rates) > 0:
            yield Rule("gradient descent with a learning rate that changes from step to step", rates[0])


def _with_memory(g: list[np.ndarray], moved: list[np.ndarray]) -> list[tuple[Rule, list[np.ndarray]]]:
    """Return the ways of momentum, each with the factor that the second step shows."""
    c = _one(g[0], moved[0])
    rest = moved[1] - c * g[1]
    ways = []
    mu, ratio, share = _one(moved[0], rest), _one(c * g[0], rest), _one(c * (g[0] - g[1]), rest)
    if 0 < mu < 1:
        ways.append((Rule(f"momentum with mu {mu:.4g}", 0, first=(1 - mu,), betas=(mu, 0)), _averages(g, mu, 1.0)))
    nesterov = (ratio + np.sqrt(ratio * (ratio + 4))) / 2 if ratio > 0 else 0.0  # mu^2 / (1 + mu) = ratio
    if 0 < nesterov < 1:
        v = _averages(g, nesterov, 1.0)
        rule = Rule(f"Nesterov momentum with mu {nesterov:.4g}", 0, first=(1 + nesterov,), betas=(nesterov, 0))
        ways.append((rule, [nesterov * average + gradient for average, gradient in zip(v, g, strict=True)]))
    if 0 < share < 0.5:
        beta = share / (1 - share)  # m / (1 - beta^t): the second step is beta g_0 + g_1, divided by 1 + beta
        m = _averages(g, beta, 1 - beta)
        corrected = [average / (1 - beta ** (k + 1)) for k, average in enumerate(m)]
        ways.append((Rule(f"momentum as a moving average with bias correction, beta {beta:.4g}", 0), corrected))
    return ways


def _averages(vectors: list[np.ndarray], beta: float, weight: float) -> list[np.ndarray]:
    """Return v <- beta v + weight g, from v = 0."""
    found, v = [], np.zeros_like(vectors[0])
    for vector in vectors:
        v = beta * v + weight * vector
        found.append(v)
    return found


def _adams(steps: Steps) -> Iterator[tuple[Rule, tuple[Any, ...]]]:
    """Yield the rules with a second moment that fit, the right ones first."""
    everything = product(COUNTERS, (0.0, None), BETAS_1, (*BETAS_2, 1.0), EPSILONS, PLACES)
    for mistake, decay, beta_1, beta_2, epsilon, place in everything:
        way = (mistake, decay, beta_1, beta_2, epsilon, place)
        is_odd = (mistake == CORRECTED and (beta_2 == 1 or not beta_1)) or (beta_2 == 1 and beta_1)
        found = None if is_odd else _scale(_directions(steps.g, *way), steps, decay)
        if found is not None and found[1] / found[0] >= 0:
            yield Rule("", found[0], decay=found[1]), way
    for epsilon in EPSILONS:
        if (found := _scale([g / (np.abs(g) + epsilon) for g in steps.g], steps)) is not None:
            yield Rule(SIGN, found[0]), ()


def _whole(each: tuple[Rule, tuple[Any, ...]], steps: Steps) -> Rule | None:
    """Return the rule with its name, if all entries follow it."""
    rule, way = each
    if not way:
        return rule
    if (found := _scale(_directions(steps.g, *way), steps, way[1])) is None:
        return None
    mistake, _, beta_1, beta_2, *_ = way
    name = f"Adam with beta_1 {beta_1:g} and beta_2 {beta_2:g}"
    if not beta_1:
        name, mistake = ("Adagrad" if beta_2 == 1 else f"RMSProp with rho {beta_2:g}"), ""
    scale, decay = found
    return Rule(name, scale, mistake, decay=decay / scale, betas=(beta_1, beta_2))


def _directions(
    g: list[np.ndarray], mistake: str, _: Any, beta_1: float, beta_2: float, epsilon: float, place: str
) -> Iterator[np.ndarray]:
    """Yield m / (sqrt(v) + epsilon), as one writes it; beta_2 = 1 adds up all squares."""
    m, v = np.zeros_like(g[0]), np.zeros_like(g[0])
    for k, gradient in enumerate(g):
        m = beta_1 * m + (1 - beta_1) * gradient
        v = beta_2 * v + ((1 - beta_2) or 1) * gradient**2
        t = COUNTERS[mistake](k)
        one, other = (1 - beta_1**t, 1 - beta_2**t) if t else (1.0, 1.0)
        if place == "within":
            yield m / one / np.sqrt(v / other + epsilon)
        elif place == "before":
            yield m / one * np.sqrt(other) / (np.sqrt(v) + epsilon)
        else:
            yield m / one / (np.sqrt(v / other) + epsilon)


def _wrong_adams(steps: Steps) -> Iterator[Rule]:
    """Yield Adam with a second moment that is none, with the usual factors."""
    beta_1, beta_2 = 0.9, 0.999
    m = [average / (1 - beta_1 ** (k + 1)) for k, average in enumerate(_averages(steps.g, beta_1, 1 - beta_1))]
    for mistake, of, root in ((NO_SQUARE, steps.g, np.sqrt), (NO_ROOT, [g * g for g in steps.g], np.asarray)):
        v = _averages(of, beta_2, 1 - beta_2)
        for epsilon, is_corrected in product(EPSILONS, (True, False)):
            every = [np.abs(each) / ((1 - beta_2 ** (k + 1)) if is_corrected else 1) for k, each in enumerate(v)]
            directions = [first / (root(second) + epsilon) for first, second in zip(m, every, strict=True)]
            if (found := _scale(directions, steps)) is not None:
                yield Rule("Adam", found[0], mistake, betas=(beta_1, beta_2))


def _named(rule: Rule, facts: Facts) -> Rule:
    """Return a rule, with what the learning rate tells: a moving average, and a t that does not grow."""
    mu, beta_2 = rule.betas
    times = rule.scale / facts.rate
    if rule.name.startswith("momentum with") and abs(times / (1 - mu) - 1) < NEAR:
        return replace(rule, name=f"momentum as a moving average with beta {mu:.4g}")
    if rule.mistake == UNCORRECTED and abs(times * (1 - mu) / np.sqrt(1 - beta_2) - 1) < NEAR:
        return replace(rule, mistake=NO_COUNT)
    return rule


def family(rule: Rule) -> str:
    """Return which of `UPDATES` a rule is; "" for the sign of the gradient."""
    kinds = {"Nesterov": "nesterov", "momentum": "momentum", "Adam": "adam", "RMSProp": "rmsprop", "Adagrad": "adagrad"}
    known = next((kind for word, kind in kinds.items() if rule.name.startswith(word)), "")
    return known or ("" if rule.name == SIGN else "sgd")


def another_than(optimizer: str, rule: Rule | None, lines: Lines) -> Diagnosis | None:
    """Return that the updates are not those of the rule that a person names; None if they are."""
    if rule is not None and family(rule) == optimizer and not rule.mistake:
        return None
    found = "none of the usual rules" if rule is None else rule.name or "gradient descent"
    found += f", {rule.mistake}" if rule is not None and rule.mistake else ""
    return Diagnosis(
        f"the update is not {optimizer}", f"the gradients are right, and three steps of the update follow {found}",
        f"compare the update with equation (8) for {optimizer}", "(8)", lines=lines,
    )  # fmt: skip
