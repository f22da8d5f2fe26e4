"""The ratio of two implementations that took turns in a round, and how much of the machine they had.

With one thread, the time of a block is its CPU time divided by the share of the wall time in which this implementation
uses a CPU while nobody disturbs it. Other processes that want the CPU then make a block no longer. What they do to
caches and clock rates remains; it hits the blocks of the baseline before and after it as well.
"""

import itertools
import math
from collections.abc import Sequence
from statistics import fmean, median
from typing import Final

from shared.record.schema import CPU, Turns

DISTURBED: Final = 0.9
"""A block that used a CPU for less than this share of what it uses undisturbed was disturbed."""
Blocks = Sequence[Sequence[int]]
"""(wall, CPU) of each block, in ns."""


def log_ratio(turns: Turns) -> float:
    """Return the median, over the blocks, of log(time of a step / the baseline's before and after it)."""
    own = [math.log(seconds) for seconds in _seconds(turns["blocks"], turns["clock"], turns["share"])]
    share = max(_undisturbed(gap, turns["baseline_share"]) for gap in turns["gaps"])
    gaps = [math.log(median(_seconds(gap, turns["clock"], share))) for gap in turns["gaps"]]
    neighbours = [(before + after) / 2 for before, after in itertools.pairwise(gaps)]
    of_steps = math.log(turns["baseline_steps"] / turns["steps"])
    return of_steps + median(block - beside for block, beside in zip(own, neighbours, strict=True))


def _seconds(blocks: Blocks, clock: str, share: float) -> list[float]:
    """Return the time of each block without disturbances, by this clock."""
    if clock != CPU:
        return [wall / 1e9 for wall, _ in blocks]
    undisturbed = _undisturbed(blocks, share)
    return [max(1, cpu) / undisturbed / 1e9 for _, cpu in blocks]


def _undisturbed(blocks: Blocks, share: float) -> float:
    """Return the largest share of the wall time in which a block used a CPU, or a call before the turns."""
    return max(share, *(min(1.0, cpu / wall) for wall, cpu in blocks))


def had(turns: Turns) -> float:
    """Return the mean share of the wall time in which its blocks had a CPU, of what they use undisturbed."""
    undisturbed = _undisturbed(turns["blocks"], turns["share"]) or 1.0
    return fmean(min(1.0, cpu / wall / undisturbed) for wall, cpu in turns["blocks"])


def disturbed(turns: Turns) -> float:
    """Return the share of its blocks that were disturbed."""
    undisturbed = _undisturbed(turns["blocks"], turns["share"])
    return fmean(cpu / wall < DISTURBED * undisturbed for wall, cpu in turns["blocks"])
