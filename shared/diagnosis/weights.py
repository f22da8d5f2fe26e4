"""The weight of each example in a gradient, and what weights that differ from 1/n say about the shares of a batch.

A gradient of a batch that is cut into shares is a combination sum_i c_i g_i of the gradients g_i of its examples, also
where the shares are put together in a wrong way. Right is c_i = 1/n for each. There are more parameters than examples,
so that the c_i follow from least squares; n c_i is called a weight here.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations_with_replacement
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.diagnosis.limit import require_time
from shared.diagnosis.mistakes import parallel
from shared.spec import shares

Vector = NDArray[np.float64]
Cut = list[NDArray[np.intp]]
"""the numbers of the examples of each share"""

IN_SPAN: Final = 1e-3
"""The largest residual, relative to the gradient, of a combination; those of other parameters have 1e-1."""
PREDICTED: Final = 1e-5
"""The largest error of a gradient that is predicted, relative to it."""
SAME: Final = 1e-2
"""Error of a weight, relative to the largest; those of two mistakes differ by more for the batches that are used."""
LISTED: Final = 8
"""Weights that a text lists."""


class Weights(NamedTuple):
    """The weights of examples in a gradient."""

    values: Vector
    """n c_i, (n,)"""
    residual: float
    """of the combination, relative to the gradient"""
    is_unique: bool
    """whether no other weights give the same gradient"""

    @property
    def fits(self) -> bool:
        """Whether the gradient is such a combination, and of one kind only."""
        return self.residual <= IN_SPAN and self.is_unique


class Reading(NamedTuple):
    """What weights mean."""

    names: tuple[str, ...]
    """of mistakes in `mistakes.parallel`: one, or two at once"""
    values: Vector
    """the weights that it predicts, (n,)"""
    where: str = ""
    """of which worker or micro-batch"""


def weights(gradients: Vector, found: Vector, n: int) -> Weights:
    """Return the weights of examples.

    Parameters
    ----------
    gradients : of each example, (examples, parameters).
    found : the gradient to explain, (parameters,).
    n : the examples of the batch; a weight is n c_i.
    """
    scale = float(np.linalg.norm(gradients)) or 1.0
    c, _, rank, _ = np.linalg.lstsq(gradients.T / scale, found / scale, rcond=1e-10)
    left = float(np.linalg.norm(found - gradients.T @ c))
    size = float(np.linalg.norm(found))
    return Weights(np.asarray(n * c, np.float64), left / size if size else 0.0, int(rank) == len(gradients))


@lru_cache(maxsize=1000)
def cuts(n: int, parts: int) -> list[Cut]:
    """Return the usual ways to cut n examples into shares, ours first; the second one leaves out what is left over."""
    order, least, most = np.arange(n), n // parts, -(-n // parts)
    numbers = range(parts)
    found = [
        [order[share] for share in shares(n, parts)],
        [order[k * least : (k + 1) * least] for k in numbers],
        np.array_split(order, parts),
        [order[k * most : (k + 1) * most] for k in numbers],
        [order[k::parts] for k in numbers],
        [order[k * least : (k + 1) * least if k < parts - 1 else n] for k in numbers],
    ]
    return list({tuple(map(tuple, cut)): cut for cut in found}.values())


Key = tuple[str, int, int]
"""a mistake, "" for none; the share that it is made in, -1 for all; which variant of it"""
RIGHT: Final[Key] = ("", -1, 0)


def factors(sizes: Vector, n: int, noun: str) -> dict[Key, Vector]:
    """Return by what each mistake multiplies the weights of each share.

    Parameters
    ----------
    sizes : of the shares of n examples; some may be 0, and some examples in none.
    noun : "worker" or "micro-batch".
    """
    parts, one, total = len(sizes), np.ones(len(sizes)), max(1.0, float(sizes.sum()))
    if parts == 1:
        return {RIGHT: one}
    own: Vector = n / np.maximum(sizes, 1.0)  # a share's own mean, in place of 1/n
    is_micro = noun == "micro-batch"
    found = {
        RIGHT: one,
        (parallel.MEAN_OF_MEANS, -1, 0): own / parts,
        (parallel.MEAN_OF_MEANS, -1, 1): own / max(1, int((sizes > 0).sum())),
        (parallel.NOT_DIVIDED if is_micro else parallel.SUM_FOR_MEAN, -1, 0): own,
        (parallel.NOT_DIVIDED if is_micro else parallel.SUM_FOR_MEAN, -1, 1): parts * one,
        (parallel.DIVIDED_TWICE, -1, 0): one / parts,
        (parallel.REMAINDER, -1, 0): one,
        (parallel.REMAINDER, -1, 1): n / total * one,
        (parallel.REMAINDER, -1, 2): own,
    }
    for k in range(parts) if parts <= LISTED else (parts - 1,):
        others, alone = one.copy(), np.zeros(parts)
        others[k], alone[k] = 0, 1
        left = max(1.0, total - float(sizes[k]))
        for number, each in enumerate((one, n / left * one, own / (parts - 1), own / parts)):
            found[parallel.DROPPED, k, number] = others * each
        only = parallel.LAST_ONLY if is_micro and k == parts - 1 else parallel.ONLY_ONE
        if parts > 2 or only == parallel.LAST_ONLY:
            for number, each in enumerate((one, own, own / parts, parts * one)):
                found[only, k, number] = alone * each
    if is_micro and parts == 2:  # the first of two micro-batches is lost if it is overwritten
        found = {key: each for key, each in found.items() if key[:2] != (parallel.DROPPED, 0)}
    if sizes.sum() < n:  # that some examples are in no share says more than what is done with the others
        found = dict(sorted(found.items(), key=lambda item: item[0][0] != parallel.REMAINDER))
    return found


def readings(n: int, workers: int, micro_batches: int) -> Iterator[Reading]:
    """Yield what mistakes would give for a batch of n examples, single ones before two at once."""
    levels = {"worker": workers, "micro-batch": micro_batches}
    nestings = [("worker", "micro-batch")] + [("micro-batch", "worker")] * (min(workers, micro_batches) > 1)
    for mistakes in (1, 2):
        for outer, inner in nestings:
            for cut in cuts(n, levels[outer])[: None if mistakes == 1 else 3]:
                require_time()
                for style in range(len(cuts(len(cut[0]), levels[inner]))):
                    yield from _nested(n, cut, (outer, inner), levels[inner], style, mistakes)
    yield Reading((parallel.SUM_FOR_MEAN,), np.full(n, float(n)))


def _nested(n: int, cut: Cut, nouns: tuple[str, str], parts: int, style: int, mistakes: int) -> Iterator[Reading]:
    """Yield the mistakes for shares, and shares of these, that are cut in one way."""
    outer = factors(np.array([len(share) for share in cut], float), n, nouns[0])
    within = []
    for share in cut:
        ways = cuts(len(share), parts)
        inner_cut = ways[min(style, len(ways) - 1)]
        within.append((inner_cut, factors(np.array([len(i) for i in inner_cut], float), len(share), nouns[1])))
    for key, by_share in outer.items():
        for inner_key in within[0][1]:
            names = tuple(dict.fromkeys(name for name, *_ in (key, inner_key) if name))
            if (key != RIGHT) + (inner_key != RIGHT) != mistakes:
                continue
            if mistakes == 2 and any(k >= 0 and name != parallel.LAST_ONLY for name, k, _ in (key, inner_key)):
                continue
            values = np.zeros(n)
            for share, factor, (inner_cut, inner) in zip(cut, by_share, within, strict=True):
                for examples, inner_factor in zip(inner_cut, inner[inner_key], strict=True):
                    values[share[examples]] = factor * inner_factor
            where = [f"{noun} {k}" for noun, (_, k, _) in zip(nouns, (key, inner_key), strict=True) if k >= 0]
            over = [f"over the {noun}{'e' * (noun[-1] == 'h')}s" for noun, (name, k, _) in
                    zip(nouns, (key, inner_key), strict=True) if name == parallel.MEAN_OF_MEANS]  # fmt: skip
            yield Reading(names, values, ", ".join(where + over))


def read(found: Vector, workers: int, micro_batches: int) -> Reading | None:
    """Return what the weights of a batch mean; None if it is no known mistake, or none."""
    if np.abs(found - 1).max(initial=0) <= SAME:
        return None
    close = SAME * max(1.0, float(np.abs(found).max(initial=0)))
    for reading in readings(len(found), workers, micro_batches):
        if np.abs(found - reading.values).max(initial=0) <= close:
            return reading
    return _repeated(found, workers) if workers > 1 else None


def read_gradient(gradients: Vector, found: Vector, workers: int, micro_batches: int) -> Reading | None:
    """Return what a gradient means whose weights are not unique: the first mistake that predicts it."""
    size = float(np.linalg.norm(found))
    for reading in readings(len(gradients), workers, micro_batches):
        if np.linalg.norm(reading.values @ gradients / len(gradients) - found) <= PREDICTED * size:
            return reading
    return None


def _repeated(found: Vector, workers: int) -> Reading | None:
    """Return that examples count several times: in a padded batch, or since each worker has an order of its own."""
    n = len(found)
    padded = -(-n // workers) * workers
    times = found * padded / n
    counts = np.round(times)
    extra = np.flatnonzero(counts == 2)
    if np.abs(times - counts).max() <= SAME * workers and counts.min() >= 1 and counts.sum() == padded > n:
        return Reading((parallel.PADDED,), found, f"{len(extra)} of {n} examples count twice")
    if not is_shuffled(found, [n], workers):
        return None
    missing, more = (found < 0.5).sum(), (found > 1.5).sum()
    return Reading((parallel.SHUFFLED,), found, f"{more} count several times, {missing} not at all")


def is_shuffled(found: Vector, sizes: list[int], workers: int) -> bool:
    """Return whether each worker draws its shares from an order of its own.

    A worker that uses an example adds to its weight: n/s where the shares of a batch of s examples are divided by s,
    and n/a/K where a share of a examples is, and the K means are averaged.

    Parameters
    ----------
    found : n c_i of examples, also of those that are in no batch.
    sizes : of the batches; n is the first.
    """
    if workers == 1:
        return False
    n = sizes[0]
    own = {len(range(size)[share]) for size in sizes for share in shares(size, workers)}
    by_batch, by_share = {n / size for size in sizes}, {n / size / workers for size in own if size}
    return abs(found.sum() - n * len(sizes)) <= SAME * n and any(
        found.min() < 0.5 * min(steps) < found.max() and _are_sums(found, steps, workers)
        for steps in (by_batch, by_share)
    )


def _are_sums(found: Vector, steps: set[float], most: int) -> bool:
    """Return whether each weight is a sum of steps, at most so many."""
    sums = np.array([sum(each) for each in combinations_with_replacement((0.0, *steps), most)])
    return bool(np.abs(found[:, None] - sums[None]).min(axis=1).max() <= SAME)


def in_words(found: Vector, workers: int, micro_batches: int) -> str:
    """Return weights as text, share by share where the examples of a share have one weight."""
    n = len(found)
    for parts, noun in ((workers, "worker"), (micro_batches, "micro-batch")):
        for cut in cuts(n, parts) if 1 < parts <= LISTED else ():
            held = [(k, share) for k, share in enumerate(cut) if len(share)]
            if sum(map(len, cut)) == n and all(np.ptp(found[share]) <= SAME for _, share in held):
                each = [f"{_text(found[share].mean())} in {noun} {k} ({len(share)})" for k, share in held]
                return _weighted(", ".join(each), n)
    values, numbers = np.unique(np.round(found, 3), return_counts=True)
    order = np.argsort(-numbers, kind="stable")
    each = [f"{_text(values[i])} for {numbers[i]} example{'s' * int(numbers[i] != 1)}" for i in order[:LISTED]]
    return _weighted(", ".join(each) + ", ..." * (len(values) > LISTED), n)


def _text(value: float) -> str:
    return f"{0.0 if abs(value) < 5e-4 else value:.4g}"


def _weighted(text: str, n: int) -> str:
    return f"the gradient is sum_i c_i g_i over the {n} examples, and n c_i, which should be 1, is {text}"
