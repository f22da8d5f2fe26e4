"""Whether a sample was taken with the threads that were asked for."""

import math
from collections.abc import Mapping
from typing import Any, Final

from shared.measure.system import CPU_TICK_SECONDS

CPU_TOLERANCE: Final = 1.25
"""More CPU time a second of wall time than this, times the threads asked for, and there were more threads."""


def rejection(sample: Mapping[str, Any], threads: int) -> str | None:
    """Return why a sample was not taken with the threads that were asked for; None if it was."""
    others = [f"{pool} with {n}" for pool, n in sample.get("threads", {}).items() if n != threads]
    if others:
        return f"asked for {_threads(threads)}, it ran {', '.join(others)}"
    epochs = sample.get("epochs", [])
    wall, cpu = (sum(epoch[clock] for epoch in epochs) for clock in ("wall_ns", "cpu_ns"))
    # What a library says of its threads may be only what it was asked for; the time it used is what it did.
    if cpu > CPU_TOLERANCE * threads * wall + _slack(wall):
        return f"asked for {_threads(threads)}, it used {cpu / wall:.1f} seconds of CPU time a second"
    return None


def _slack(wall: float) -> float:
    """Return how much CPU time may be chance in so much wall time, in ns, where it is counted in ticks.

    A tick counts whole for whoever has the CPU when it ends: for n short epochs a sum of n draws, whose standard
    deviation is the square root of wall time x tick, taken three times.
    """
    tick = 1e9 * CPU_TICK_SECONDS
    return tick + 3 * math.sqrt(wall * tick) if tick else 0.0


def _threads(n: int) -> str:
    return f"{n} thread{'s' * (n != 1)}"
