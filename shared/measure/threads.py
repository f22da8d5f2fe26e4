"""Whether a sample was taken with the threads that were asked for."""

from collections.abc import Mapping
from typing import Any, Final

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
    if cpu > CPU_TOLERANCE * threads * wall:
        return f"asked for {_threads(threads)}, it used {cpu / wall:.1f} seconds of CPU time a second"
    return None


def _threads(n: int) -> str:
    return f"{n} thread{'s' * (n != 1)}"
