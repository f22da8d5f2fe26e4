"""In which quantity two models part: outputs, loss, gradients or update; each with what rounding makes of it."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from shared.adapters.port import Figures
from shared.interface import Array, Parameters
from shared.ports.known_losses import head_of, sigmoid, softmax

SPREAD: Final = 30.0
"""So many times the growth of a unit in the last place, in the model itself, are rounding."""
NOISE: Final = 0.01
"""A tensor that a unit in the last place changes by more than this, relatively, holds nothing but rounding."""
LOGITS: Final = ("raw", "log-probabilities")
OWN: Final = "of its own gradients"
OWN_RULE: Final = "its own optimizer"
"""Notes on updates that are not compared: those of gradients that part already, and of a rule that it brings."""


class Row(NamedTuple):
    """A quantity in all steps: same, or parts."""

    what: str
    same: bool
    difference: float
    """relative: of the first step that parts, or the largest"""
    step: int
    """the first step that parts; 0 for what is not of a step"""
    tensors: list[str]
    note: str = ""


def alike(a: Array, b: Array) -> tuple[Array, Array, int | None]:
    """Return outputs of the same kind, and which of the two gave logits (0 or 1) where the other did not."""
    a, b = (each.reshape(len(each), -1).astype(float) for each in (a, b))
    one, two = head_of(a), head_of(b)
    if one in LOGITS and two not in LOGITS:
        return _as_head(a, one, two), b, 0
    if two in LOGITS and one not in LOGITS:
        return a, _as_head(b, two, one), 1
    if one != two and one in LOGITS:
        return softmax(a), softmax(b), int(two == "raw")
    return a, b, None


def _as_head(z: Array, head: str, other: str) -> Array:
    """Return logits as what the other side has."""
    if other == "units":
        return sigmoid(z)
    return np.exp(z) if head == "log-probabilities" else softmax(z)


def compared(
    names: Sequence[str], walks: list[list[Figures]], twins: list[list[Figures]], start: Parameters, same: float
) -> list[Row]:
    """Return the rows: outputs, loss, gradients, update; they end with the first step in which anything parts.

    Parameters
    ----------
    twins : the same steps of both from a start that is a unit in the last place away: what rounding grows to.
    """
    rows: dict[str, Row] = {}
    befores = start, start
    for t, pair in enumerate(zip(*walks, strict=True), 1):
        nudged = [twin[t - 1] for twin in twins]
        o, p, logits = alike(pair[0].outputs, pair[1].outputs)
        note = f"{names[logits]} gives logits" if logits is not None else ""
        shaken = max(_off(*alike(s.outputs, n.outputs)[:2]) for s, n in zip(pair, nudged, strict=True))
        off = _off(o, p)
        found = [Row("outputs", off <= same + SPREAD * shaken, off, t, [], note)]
        losses_ = [figures.loss for figures in pair]
        if np.isfinite(losses_).all():
            off = abs(losses_[0] - losses_[1]) / (max(map(abs, losses_)) or 1)
            moved = max(abs(s.loss - n.loss) / (abs(s.loss) or 1) for s, n in zip(pair, nudged, strict=True))
            found.append(Row("loss", off <= same + SPREAD * (shaken + moved), off, t, []))
        found.append(_row("gradients", t, [f.gradients for f in pair], [f.gradients for f in nudged], same))
        if all(figures.after for figures in pair):
            moves = [_moved(f, before) for f, before in zip(pair, befores, strict=True)]
            theirs = [_moved(f, before) for f, before in zip(nudged, befores, strict=True)]
            row = _row("update", t, moves, theirs, same)
            before_it = all(each.same for each in found)
            found.append(row if before_it else row._replace(same=True, note=OWN))
            befores = pair[0].after, pair[1].after
        for row in found:
            if not row.same or row.what not in rows or row.difference > rows[row.what].difference or row.note == OWN:
                rows[row.what] = row
        if not all(row.same for row in found):
            break
    return list(rows.values())


def _moved(figures: Figures, before: Parameters) -> Parameters:
    return {name: after.astype(float) - before[name] for name, after in figures.after.items()}


def _row(what: str, t: int, pair: list[Parameters], nudged: list[Parameters], same: float) -> Row:
    """Compare tensor by tensor, each with what rounding makes of it."""
    off, wrong, noise = {}, [], list[str]()
    for k, name in enumerate(pair[0]):
        a, b, c, d = (np.asarray(list(each.values())[k], float) for each in (*pair, *nudged))
        scale = max(float(np.linalg.norm(a)), float(np.linalg.norm(b))) or 1.0
        off[name] = _off(a, b, scale)
        grown = max(_off(a, c, scale), _off(b, d, scale))
        if not off[name] <= same + SPREAD * grown:
            wrong.append(name)
        elif grown > NOISE:
            noise.append(name)
    largest = max((each for name, each in off.items() if name not in noise), default=0.0)
    return Row(what, not wrong, largest, t, wrong, f"{', '.join(noise)}: rounding alone" if noise else "")


def _off(a: Array, b: Array, scale: float = 0.0) -> float:
    """Return the relative difference; infinite for another shape, and for what is not finite on one side alone."""
    if a.shape != b.shape:
        return float("inf")
    if np.array_equal(a, b, equal_nan=True):
        return 0.0
    found = float(np.linalg.norm(a - b) / (scale or np.linalg.norm(b) or 1.0))
    return found if np.isfinite(found) else float("inf")


def worst(a: Parameters, b: Parameters) -> float:
    """Return the largest relative difference of tensors."""
    return max(_off(x.astype(float), y.astype(float)) for x, y in zip(a.values(), b.values(), strict=True))


def of_layers(a: Parameters, b: Parameters, same: float, outputs_agree: bool) -> list[Row]:
    """Return the row of z and a of each layer, in order: all that are the same, or the first that parts.

    Where the outputs agree, an a that differs is only kept in another form, such as another order of what is flattened.
    """
    known = [name for name in a if name in b and a[name].shape == b[name].shape]
    off = {name: _off(a[name].astype(float), b[name].astype(float)) for name in known}
    alike = [name for name in known if off[name] <= same]
    if not known or (outputs_agree and not alike):
        return []
    if outputs_agree or len(alike) == len(known):
        return [Row("layers", True, max(off[name] for name in alike), 1, [], f"{' '.join(alike)}")]
    first = next(name for name in known if name not in alike)
    before = known[: known.index(first)]
    return [Row("layers", False, off[first], 1, [first], f"{' '.join(before)} same" if before else "")]
