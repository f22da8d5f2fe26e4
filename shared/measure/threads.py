"""Whether a sample ran with the requested number of threads."""

import math
from collections.abc import Mapping
from typing import Any, Final

from shared.measure.system import CPU_TICK_SECONDS

CPU_TOLERANCE: Final = 1.25
"""More CPU seconds than this per second and requested thread mean that more threads ran."""


def rejection(sample: Mapping[str, Any], threads: int, workers: int = 1) -> str | None:
    """Return why a sample did not run with the requested number of threads, in each worker; None if it did."""
    others = [f"{pool} with {n}" for pool, n in sample.get("threads", {}).items() if n != threads]
    if others:
        return f"{_threads(threads)} requested, but it ran {', '.join(others)}"
    epochs = sample.get("epochs", [])
    wall, cpu = (sum(epoch[clock] for epoch in epochs) for clock in ("wall_ns", "cpu_ns"))
    # A library may report only the number it was set to; its CPU time shows how many threads really ran.
    if cpu > CPU_TOLERANCE * threads * workers * wall + _slack(wall):
        return f"{_threads(threads)} requested{_of_each(workers)}, but it used {cpu / wall:.1f} CPU seconds per second"
    return None


def _slack(wall: float) -> float:
    """Return how much CPU time in this wall time can be chance, in ns, if the clock counts ticks.

    A whole tick counts for the process that has the CPU when the tick ends. Over n short epochs this is a sum of n
    random draws with standard deviation sqrt(wall time x tick); three of these are allowed.
    """
    tick = 1e9 * CPU_TICK_SECONDS
    return tick + 3 * math.sqrt(wall * tick) if tick else 0.0


def _of_each(workers: int) -> str:
    return f" of each of {workers} workers" if workers > 1 else ""


def _threads(n: int) -> str:
    return f"{n} thread{'s' * (n != 1)}"
