"""The known losses: their values for the outputs of a model, with what is usually wrong with each."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import numpy as np

from shared.interface import Array

TINY: Final = 1e-7
"""Where Keras cuts probabilities off."""
CROSS_ENTROPY: Final = "cross-entropy"
TWICE: Final = "cross-entropy of a softmax of the softmax (softmax twice)"
OF_UNITS: Final = "cross-entropy of a softmax of activations between 0 and 1"
NOT_LOGITS: Final = "cross-entropy that takes the outputs for probabilities (from_logits is missing)"
PAIRS: Final = "squares of each prediction against every target of the batch, (n, 1) against (n,)"
SQUARES: Final = "squared error"


class Seen(NamedTuple):
    """The loss of a batch."""

    outputs: Array
    y: Array
    loss: float


def head_of(outputs: Array) -> str:
    """Return what outputs are by their values: probabilities, log-probabilities, units (0 to 1), or raw."""
    rows = outputs.reshape(len(outputs), -1)
    if rows.shape[1] > 1 and rows.min() >= 0 and np.allclose(rows.sum(1), 1, atol=1e-5):
        return "probabilities"
    if rows.shape[1] > 1 and rows.max() <= 1e-6 and np.allclose(np.exp(rows).sum(1), 1, atol=1e-5):
        return "log-probabilities"
    return "units" if rows.min() >= 0 and rows.max() <= 1 else "raw"


def softmax(z: Array) -> Array:
    """Return the softmax of each row."""
    e = np.exp(z - z.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


def sigmoid(z: Array) -> Array:
    """Return the logistic function."""
    return np.asarray(0.5 * (1 + np.tanh(z / 2)))


def targets(each: Seen) -> Array:
    """Return the targets of a batch as rows."""
    o = each.outputs.reshape(len(each.y), -1)
    return each.y.reshape(-1, 1).astype(float) if o.shape[1] == 1 else np.eye(o.shape[1])[each.y.astype(int)]


def known_losses(seen: list[Seen]) -> Iterator[tuple[str, str, Array]]:
    """Yield the known losses: name, usual fault, and the sum over the examples of each batch."""
    head = head_of(np.concatenate([each.outputs.reshape(len(each.y), -1) for each in seen]))
    o = [each.outputs.reshape(len(each.y), -1).astype(float) for each in seen]
    t = [targets(each) for each in seen]
    several = o[0].shape[1] > 1

    def total(values: list[Array]) -> Array:
        return np.array([each.sum() for each in values])

    def ce(p: list[Array], least: float = 0.0) -> Array:
        return total([-tt * np.log(np.maximum(pp, least or 1e-300)) for pp, tt in zip(p, t, strict=True)])

    def bce(p: list[Array], least: float = TINY) -> Array:
        cut = [np.clip(pp, least, 1 - least) if least else pp for pp in p]
        return total([-tt * np.log(pp) - (1 - tt) * np.log1p(-pp) for pp, tt in zip(cut, t, strict=True)])

    with np.errstate(all="ignore"):
        if several:
            p = {"probabilities": o, "log-probabilities": [np.exp(z) for z in o]}.get(head, [softmax(z) for z in o])
            if head in ("probabilities", "raw", "log-probabilities"):
                yield CROSS_ENTROPY, "", ce(p)
                yield CROSS_ENTROPY, "", ce([np.clip(pp, TINY, 1 - TINY) for pp in p])
            if head == "probabilities":
                yield (
                    TWICE,
                    "the loss takes logits and gets the softmax: leave out one of the two",
                    ce([softmax(z) for z in o]),
                )
                yield (
                    "the probability of the label, without the logarithm (NLLLoss of a softmax)",
                    ("NLLLoss takes log-probabilities: log_softmax"),
                    total([-tt * oo for oo, tt in zip(o, t, strict=True)]),
                )
            if head == "units":
                yield (
                    OF_UNITS,
                    "the loss takes logits and gets activations: leave out the sigmoid",
                    ce([softmax(z) for z in o]),
                )
                before = [np.log(np.maximum(oo, 1e-300)) - np.log1p(-np.minimum(oo, 1 - 1e-16)) for oo in o]
                yield (
                    "cross-entropy of what is before the sigmoid (Keras finds the logits)",
                    "",
                    ce([softmax(z) for z in before]),
                )
                kept = [np.clip(oo / oo.sum(1, keepdims=True), TINY, 1 - TINY) for oo in o]
                yield "cross-entropy of outputs divided by their sum", "", ce(kept)
            if head == "raw":
                remedy = "from_logits=True, or a softmax as the last layer"
                cut = [np.clip(z, TINY, 1 - TINY) for z in o]
                yield NOT_LOGITS, remedy, ce([z / z.sum(1, keepdims=True) for z in cut])
                yield NOT_LOGITS, remedy, ce([np.clip(z / z.sum(1, keepdims=True), TINY, 1 - TINY) for z in o])
                yield (
                    "the output of the label itself (NLLLoss without log_softmax)",
                    ("NLLLoss takes log-probabilities: log_softmax, or CrossEntropyLoss"),
                    total([-tt * oo for oo, tt in zip(o, t, strict=True)]),
                )
        if head in ("units", "probabilities"):
            for least in (0.0, TINY):
                yield "binary cross-entropy", "", bce(o, least)
            yield (
                "binary cross-entropy of a sigmoid of the activations (sigmoid twice)",
                ("the loss takes logits and gets activations: leave out one of the two"),
                bce([sigmoid(z) for z in o], 0.0),
            )
        else:
            yield "binary cross-entropy", "", bce([sigmoid(z) for z in o], 0.0)
            yield (
                "binary cross-entropy that takes the outputs for probabilities (from_logits is missing)",
                ("from_logits=True, or a sigmoid as the last layer"),
                bce(o),
            )
        off = [oo - tt for oo, tt in zip(o, t, strict=True)]
        yield SQUARES, "", total([each**2 for each in off])
        pairs = [((oo[:, None] - tt[None]) ** 2).mean(1) for oo, tt in zip(o, t, strict=True)]
        yield PAIRS, "give both the same shape: target.unsqueeze(1), or prediction.squeeze(1)", total(pairs)
        yield "absolute error", "", total([np.abs(each) for each in off])
        huber = [np.where(np.abs(each) < 1, each**2 / 2, np.abs(each) - 0.5) for each in off]
        yield "Huber loss", "", total(huber)
        squashed = [sigmoid(z) if head == "raw" else softmax(z) for z in o]
        again = [pp - tt for pp, tt in zip(squashed, t, strict=True)]
        what = "of a sigmoid of the outputs" if head == "raw" else "of a softmax of the outputs"
        yield f"squared error {what}", "", total([each**2 for each in again])
        if head == "raw" and several:
            soft = [softmax(z) - tt for z, tt in zip(o, t, strict=True)]
            yield "squared error of the softmax of the outputs", "", total([each**2 for each in soft])
