"""Factors, errors and losses in words."""

import math
from typing import Final

import numpy as np

from shared.diagnosis.case import SOFTMAX_AGAIN, Case
from shared.diagnosis.matching import ALIKE
from shared.diagnosis.words import in_words
from shared.reading.derivatives import OWN

LOSS_WORDS: Final = {
    "quadratic": "1/2 |a - y|^2",
    "cross_entropy": "the cross-entropy",
    "binary_cross_entropy": "the binary cross-entropy",
    SOFTMAX_AGAIN: "the cross-entropy of the softmax of the outputs",
}


def precision(case: Case) -> str:
    """Return the largest relative error, rounded up."""
    d, fit = case.facts.derivatives, case.fit
    worst = 0.0
    for name, expected in d.by_loss[fit.loss].items():
        off = np.abs(d.gradients[name] - fit.factor * expected - fit.decay * d.weights[name]).max(initial=0)
        largest = max(float(np.abs(vector).max(initial=0)) for vector in d.gradients.values())
        worst = max(worst, float(off / max(largest, 1e-300)))
    least = 1e-14 if d.is_exact else 1e-9
    return f"{10.0 ** math.ceil(math.log10(max(3 * worst, least))):.0e}"  # rounded up: digits of noise say nothing


def loss_words(case: Case) -> str:
    """Return the loss whose derivatives the gradients are."""
    factor = case.fit.factor
    decay = f" + {case.fit.decay / 2:.4g} |W|^2" if case.fit.decay else ""
    return f"{as_text(case, factor)}{LOSS_WORDS[case.fit.loss]}{decay}"


def as_text(case: Case, factor: float) -> str:
    """Return a factor on the sum over the batch in words: a mean, a sum, 2/n_out times, ..."""
    usual = _usual(case, factor)
    return usual if usual is not None else f"{factor:.4g} times "


def _usual(case: Case, factor: float) -> str | None:
    """Return the words of a factor that people use; None for another one."""
    if case.n == 1:
        known = {2 / case.n_out: "2/n_out times ", 1 / case.n_out: "1/n_out times ", 1.0: "", 2.0: "twice "}
    else:
        n, o = case.n, case.n_out
        known = {
            1 / (n * o): "the mean over the outputs, too, of ",
            2 / (n * o): "twice the mean over the outputs, too, of ",
            1 / n: "the mean of ", 1.0: "the sum of ", 2 / n: "twice the mean of ", 2.0: "twice the sum of ",
        }  # fmt: skip
    return next((words for value, words in known.items() if abs(factor / value - 1) < ALIKE), None)


def times(case: Case, factor: float) -> str:
    """Return a factor in words."""
    return "twice" if abs(factor - 2) < ALIKE else in_words(factor, case.n)


def besides(case: Case) -> str:
    """Return by which factor the last layer's gradients are off, as a second mistake; "" for none."""
    top, _ = case.facts.layout.layers[-1]
    ratio = case.facts.derivatives.ratio(top, OWN) if case.has_loss else None
    if ratio is None or abs(ratio - 1) < ALIKE:
        return ""
    return f"; and besides, the last layer's gradients are {times(case, ratio)} what they should be"


def tensors(case: Case) -> str:
    """Return which gradients are right, and by what the others are off."""
    d, parts = case.facts.derivatives, []
    right = [name for name, is_right in case.fit.right.items() if is_right]
    if all(d.arrays[name].size == 1 for name in right) and _usual(case, case.fit.factor) is None:
        right = []  # some factor makes a single number right
    for name in case.facts.layout.names:
        if case.fit.right.get(name):
            continue
        ratio = d.ratio(name, case.fit.loss) if case.fit.loss in d.by_loss else None
        if ratio is not None and case.fit.factor:
            parts.append(f"d{name} {times(case, ratio / case.fit.factor)}")
        else:
            parts.append(f"d{name} off by {_off(case, name):.1e}")
    words = ", ".join(f"d{name}" for name in right)
    return f"{words} right; {', '.join(parts)}" if right else ", ".join(parts)


def _off(case: Case, name: str) -> float:
    d = case.facts.derivatives
    if case.fit.loss not in d.by_loss:
        return float("nan")
    expected = case.fit.factor * d.by_loss[case.fit.loss][name]
    return float(np.linalg.norm(d.gradients[name] - expected) / max(float(np.linalg.norm(expected)), 1e-300))
