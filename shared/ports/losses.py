"""Which loss is it? The values that a model reports beside those of known losses of its own outputs, up to a factor.

Batches of several sizes tell a mean from a sum, and a factor from the mean over the outputs.
"""

from typing import Final, NamedTuple

import numpy as np

from shared.interface import Array
from shared.ports.known_losses import Seen, head_of, known_losses, softmax, targets

FITS: Final = {"float64": 1e-9, "float32": 2e-5}
"""dtype -> relative residual of a loss that is recognised."""
SMALLEST: Final = 1e-6
"""Relative size of a second part of a loss, and of a difference between a factor and a known one."""


class Loss(NamedTuple):
    """A loss as numbers show it."""

    name: str
    """of the loss of one example, summed over outputs"""
    factor: float
    per: str
    """"mean" over examples or "sum" of them"""
    residual: float
    words: str
    fault: str = ""
    """what is usually wrong with it; "" for nothing"""
    second: float = 0.0


def loss_of(seen: list[Seen], dtype: str, batch: int) -> Loss | None:
    """Return the loss that explains the reported values; None if none of the known ones does.

    Parameters
    ----------
    seen : of at least 6 batches, of 3 sizes or more.
    batch : the usual size.
    """
    C = np.array([each.loss for each in seen])
    if not np.isfinite(C).all() or len({len(each.y) for each in seen}) < 3:
        return None
    tolerance = FITS[dtype]
    sizes = np.array([len(each.y) for each in seen], float)
    for name, fault, values in known_losses(seen):
        for per in ("mean", "sum"):
            F = values if per == "sum" else values / sizes
            c, residual = _fit([F], C)
            if residual <= tolerance and c[0] > 0:
                return _worded(name, fault, float(c[0]), per, residual, seen, batch)
    return _with_second(seen, C, sizes, tolerance) or _shifted(seen, dtype, batch)


def _shifted(seen: list[Seen], dtype: str, batch: int) -> Loss | None:
    """Return a loss of labels that are one too high or too low."""
    n_out = seen[0].outputs.reshape(len(seen[0].y), -1).shape[1]
    for shift, words in ((1, "one too high"), (-1, "one too low")) if n_out > 1 else ():
        moved = [each._replace(y=(each.y + shift) % n_out) for each in seen]
        C, sizes = np.array([each.loss for each in seen]), np.array([len(each.y) for each in seen], float)
        for name, fault, values in known_losses(moved):
            c, residual = _fit([values / sizes], C)
            if residual <= FITS[dtype] and c[0] > 0:
                found = _worded(name, fault, float(c[0]), "mean", residual, moved, batch)
                remedy = "the labels are to be 0 to n - 1, each that of its image"
                return found._replace(words=f"{found.words}, with labels that are {words}", fault=remedy)
    return None


def _fit(features: list[Array], C: Array) -> tuple[Array, float]:
    A = np.stack(features, 1)
    if not np.isfinite(A).all():
        return np.zeros(len(features)), np.inf
    c, *_ = np.linalg.lstsq(A, C, rcond=None)
    return c, float(np.abs(A @ c - C).max() / np.abs(C).max()) if C.any() else np.inf


def _with_second(seen: list[Seen], C: Array, sizes: Array, tolerance: float) -> Loss | None:
    """Return a loss with label smoothing, or with a part that does not depend on the batch: a penalty."""
    head = head_of(np.concatenate([each.outputs for each in seen]))
    m = seen[0].outputs.reshape(len(seen[0].y), -1).shape[1]
    if m > 1:
        o = [each.outputs.astype(float) for each in seen]
        p = o if head == "probabilities" else [np.exp(z) if head == "log-probabilities" else softmax(z) for z in o]
        logs = [np.log(np.maximum(each, 1e-300)) for each in p]
        uniform = np.array([-each.mean(1).sum() for each in logs])
        sharp = np.array([-(targets(s) * each).sum() for s, each in zip(seen, logs, strict=True)])
        for per in ("mean", "sum"):
            by = sizes if per == "mean" else np.ones(len(sizes))
            (a, b), residual = _fit([sharp / by, uniform / by], C)
            if residual <= tolerance and a > 0 and b > 0:
                smoothing = float(b / (a + b))
                of = " of a softmax of activations between 0 and 1" if head == "units" else ""
                words = f"cross-entropy{of} with label smoothing {smoothing:.4g}"
                return Loss(words, float(a + b), per, residual, words, second=smoothing)
        classes = _class_weights(seen, logs, C, sizes, tolerance)
        if classes is not None:
            return classes
    for name, fault, values in known_losses(seen):
        for per in ("mean", "sum"):
            F = values if per == "sum" else values / sizes
            c, residual = _fit([F, np.ones(len(C))], C)
            if residual <= tolerance and c[0] > 0 and c[1] > SMALLEST:
                known = _worded(name, fault, float(c[0]), per, residual, seen, 0)
                words = f"{known.words}, and {c[1]:.4g} that does not depend on the batch: a penalty on the weights"
                return known._replace(words=words, second=float(c[1]))
    return None


def _class_weights(seen: list[Seen], logs: list[Array], C: Array, sizes: Array, tolerance: float) -> Loss | None:
    m = logs[0].shape[1]
    S = np.array([-(targets(s) * each).sum(0) for s, each in zip(seen, logs, strict=True)])
    counts = np.array([targets(s).sum(0) for s in seen])
    if len(seen) < m + 3 or not counts.sum(0).all():
        return None
    w, residual = _fit(list((S / sizes[:, None]).T), C)
    if residual <= tolerance and w.min() >= 0:
        words = f"cross-entropy with class weights {', '.join(f'{each:.3g}' for each in w[:4])}, ..., divided by n"
        return Loss(words, 1.0, "mean", residual, words)
    _, values, rows = np.linalg.svd(S - C[:, None] * counts)
    if values[-1] <= 10 * tolerance * values[0] and (rows[-1].min() > 0 or rows[-1].max() < 0):
        w = np.abs(rows[-1]) / np.abs(rows[-1]).mean()
        words = f"cross-entropy with class weights as {', '.join(f'{each:.3g}' for each in w[:4])}, ..., divided by"
        return Loss(f"{words} their sum", 1.0, "mean", float(values[-1] / values[0]), f"{words} their sum")
    return None


def _worded(name: str, fault: str, c: float, per: str, residual: float, seen: list[Seen], batch: int) -> Loss:
    """Return the loss with its factor in words."""
    m = seen[0].outputs.reshape(len(seen[0].y), -1).shape[1]
    kinds = _factors(name, m)
    ending = ", mean over the examples" if per == "mean" else ", summed over the batch (reduction sum)"
    near = max(SMALLEST, 10 * residual)
    for factor, words in kinds.items():
        if per == "sum" and batch > 1 and abs(factor / c / batch - 1) < near:
            return Loss(name, c, per, residual, f"{words}, divided by {batch}: the mean of a full batch alone", fault)
    for factor, words in kinds.items():
        if abs(c / factor - 1) < near:
            return Loss(name, c, per, residual, words + ending, fault)
    for factor, words in kinds.items():
        divisor = factor / c
        if per == "sum" and divisor > 1 and abs(divisor - round(divisor)) < 1e-4 * divisor:
            remedy = fault or f"divide by the number of examples of the batch, not by {round(divisor):,}"
            why = "which is not the batch (N of the training set?)"
            return Loss(name, c, per, residual, f"{words}, divided by the constant {round(divisor):,}, {why}", remedy)
    return Loss(name, c, per, residual, f"{c:.6g} times the {name}{ending}", fault)


def _factors(name: str, m: int) -> dict[float, str]:
    """Return the usual factors of a loss with m outputs, in words; those of squares may have 1/2."""
    if name.startswith("square"):
        if m == 1:
            return {0.5: f"half the {name}", 1.0: f"{name}, without 1/2"}
        return {
            0.5: f"half the {name}, summed over the outputs",
            1.0: f"{name}, summed over the outputs, without 1/2",
            1 / m: f"mean {name}: mean over the outputs, without 1/2",
            0.5 / m: f"half the mean {name}",
        }
    return {1.0: name, **({1 / m: f"{name}, mean over the outputs"} if m > 1 else {})}
