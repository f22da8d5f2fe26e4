"""What becomes of a model's gradients before its optimizer gets them: clipped, or added up over several steps."""

import numpy as np

from shared.interface import Array
from shared.ports.sides import Side


def changed_gradients(side: Side) -> str:
    """Return that the optimizer gets other gradients than the loss has; "" if it gets the same."""
    if side.rule is not None and side.rule.every > 1:
        return _added_up(side, side.rule.every)
    how = clipped(side)
    return f"its gradients are clipped before the update: {how}" if how else ""


def clipped(side: Side) -> str:
    """Return how gradients are clipped; "" if they are not."""
    for figures in side.walk:
        pairs = [(g.ravel(), figures.used[name].ravel()) for name, g in figures.gradients.items()]
        if all(np.allclose(before, after, rtol=1e-6, atol=0) for before, after in pairs):
            continue
        whole = tuple(np.concatenate(each) for each in zip(*pairs, strict=True))
        if _is_multiple(*whole):
            return f"their norm becomes {np.linalg.norm(whole[1]):.4g}"
        if all(_is_multiple(*pair) for pair in pairs):
            most = max(np.linalg.norm(after) for _, after in pairs)
            return f"the norm of each tensor becomes {most:.4g} at most"
        return f"no entry is larger than {np.abs(whole[1]).max():.4g} (clipped by value)"
    return ""


def _is_multiple(before: Array, after: Array) -> bool:
    ratio = after[before != 0] / before[before != 0]
    return ratio.size == 0 or bool(np.ptp(ratio) < 1e-5 * np.abs(ratio).max())


def _added_up(side: Side, k: int) -> str:
    """Return what becomes of the gradients of k steps, of which the last updates; "" if each has those before in it."""
    seen = [np.concatenate([np.ravel(t) for t in figures.gradients.values()]) for figures in side.walk[:k]]
    used = np.concatenate([np.ravel(t) for t in side.walk[k - 1].used.values()])
    for words, expected in (("averaged", np.mean(seen, 0)), ("added up", np.sum(seen, 0))):
        if np.linalg.norm(used - expected) <= 1e-5 * np.linalg.norm(expected):
            return f"its gradients are {words} over {k} steps before each update"
    return ""
