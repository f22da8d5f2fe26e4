"""The ratio of two implementations that took turns in a round, and how much of the machine they had.

With one thread, the time of a block is its CPU time divided by the share of the wall time in which this implementation
uses a CPU while nobody disturbs it. Other processes that want the CPU then make a block no longer. What they do to
caches and clock rates remains; it hits the blocks of the baseline before and after it as well.
"""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import fmean, median
from typing import Final

from shared.record.schema import CPU, Turns

DISTURBED: Final = 0.9
"""A block that used a CPU for less than this share of what it uses undisturbed was disturbed."""
Blocks = Sequence[Sequence[int]]
"""(wall, CPU) of each block, in ns."""


def log_ratios(rounds: Sequence[Turns]) -> list[float]:
    """Return the log ratio of each round; what an implementation uses undisturbed is known from all of them."""
    own = max(undisturbed(turns) for turns in rounds)
    baseline = max(_undisturbed(gap, turns["baseline_share"]) for turns in rounds for gap in turns["gaps"])
    return [log_ratio(turns, own, baseline) for turns in rounds]


def log_ratio(turns: Turns, share: float, of_baseline: float) -> float:
    """Return log(time of a step / the baseline's): the median over blocks and neighbours, over the layouts their mean.

    A quarter of the layouts at each end is left out of the mean: one that a neighbour disturbed all along is far off.

    Each block is compared with the gap before it and, again, with the one after it. A mean of both would not be fair:
    noise is skewed, and the median of single blocks lies below that of means of two.

    Parameters
    ----------
    share, of_baseline : of a CPU that they use undisturbed.
    """
    own = [math.log(seconds) for seconds in _seconds(turns["blocks"], turns["clock"], share)]
    gaps = [math.log(median(_seconds(gap, turns["clock"], of_baseline))) for gap in turns["gaps"]]
    n = len(own) // turns.get("layouts", 1)
    layouts = [(own[k : k + n], gaps[k + i : k + i + n + 1]) for i, k in enumerate(range(0, len(own), n))]
    return math.log(turns["baseline_steps"] / turns["steps"]) + _midmean([_difference(*layout) for layout in layouts])


def _midmean(values: Sequence[float]) -> float:
    """Return the mean without a quarter of the values at each end."""
    out = len(values) // 4
    return fmean(sorted(values)[out : len(values) - out])


def _difference(own: Sequence[float], gaps: Sequence[float]) -> float:
    """Return the median difference of the blocks to those of the baseline before and after them."""
    return median(block - gap for block, beside in zip(own, pairwise(gaps), strict=True) for gap in beside)


def _seconds(blocks: Blocks, clock: str, share: float) -> list[float]:
    """Return the time of each block without disturbances, by this clock."""
    if clock != CPU:
        return [wall / 1e9 for wall, _ in blocks]
    return [max(1, cpu) / share / 1e9 for _, cpu in blocks]


def _undisturbed(blocks: Blocks, share: float) -> float:
    """Return the largest share of the wall time in which a block used a CPU, or a call before the turns."""
    return max(share, *(min(1.0, cpu / wall) for wall, cpu in blocks))


def undisturbed(turns: Turns) -> float:
    """Return the share of a CPU that an implementation uses undisturbed, as far as these turns know."""
    return _undisturbed(turns["blocks"], turns["share"]) or 1.0


def had(rounds: Sequence[Turns]) -> float:
    """Return the mean share of a CPU that its blocks had, of what they use undisturbed."""
    most = max(map(undisturbed, rounds))
    return fmean(min(1.0, cpu / wall / most) for turns in rounds for wall, cpu in turns["blocks"])


def disturbed(rounds: Sequence[Turns]) -> float:
    """Return the share of its blocks that were disturbed."""
    most = max(map(undisturbed, rounds))
    return fmean(cpu / wall < DISTURBED * most for turns in rounds for wall, cpu in turns["blocks"])
