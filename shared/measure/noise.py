"""What else the machine was doing while a sample was taken.

Every sample carries raw readings; whether it counts as disturbed is worked out from them when the run is shown, and a
disturbed sample is flagged, never left out: who may drop samples can have any result.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from shared.measure import system

STEAL: Final = 0.02
"""Fraction of the time that the hypervisor gave to others; above it a sample is disturbed."""
SWITCHES: Final = 100
"""Involuntary context switches a second: others wanted the CPU that often (idle machine: 0 to 6, measured)."""
CANARY: Final = 1.2
"""A canary this many times slower than the run's median canary (idle machine: within 1.07, measured)."""
CANARY_SIZE: Final = 256
CANARY_PRODUCTS: Final = 101


@dataclass(frozen=True)
class Counters:
    """Counts since the process, or the machine, started; differences of two are a sample's."""

    seconds: float
    switches: int | None
    """involuntary context switches of this process; None where the system does not count them"""
    stolen: float | None
    """seconds that the hypervisor gave to others, over all CPUs; None where the system does not tell"""
    cpu: float
    """seconds of all CPUs, of the whole machine"""

    @classmethod
    def now(cls) -> "Counters":
        """Read all counters."""
        import psutil

        times = psutil.cpu_times()._asdict()
        stolen = times.get("steal")
        # Linux counts the guests' time in user and nice already
        cpu = sum(spent for kind, spent in times.items() if not kind.startswith("guest"))
        return cls(time.monotonic(), system.involuntary_switches(), stolen, cpu)

    def since(self, before: "Counters") -> dict[str, float | None]:
        """Return involuntary switches a second, and the fraction of CPU time that was stolen; None for unknown."""
        return {
            "switches_per_second": _rate(self.switches, before.switches, self.seconds - before.seconds),
            "steal": _rate(self.stolen, before.stolen, self.cpu - before.cpu),
        }


def _rate(after: float | None, before: float | None, span: float) -> float | None:
    """Return what has been added within a span of time; 0 within none."""
    if after is None or before is None:
        return None
    return (after - before) / span if span > 0 else 0.0


def canary_seconds() -> float:
    """Return the median time of a small matrix product, which is the same work at any time on any day."""
    import numpy as np

    a = np.random.default_rng(0).random((CANARY_SIZE, CANARY_SIZE), np.float32)
    b, out = a.copy(), np.empty_like(a)
    seconds = []
    for _ in range(CANARY_PRODUCTS):
        start = time.perf_counter()
        np.dot(a, b, out=out)
        seconds.append(time.perf_counter() - start)
    return median(seconds)


def typical_canary(samples: Iterable[Mapping[str, Any]]) -> float | None:
    """Return the median canary of a run: what the machine takes when nothing disturbs it; None without samples."""
    found = [seconds for sample in samples if "noise" in sample for seconds in sample["noise"]["canary_seconds"]]
    return median(found) if found else None


def disturbances(sample: Mapping[str, Any], typical: float | None) -> list[str]:
    """Return in words what disturbed a sample, given the run's `typical_canary`; nothing if nothing did."""
    noise = sample.get("noise")
    if noise is None:
        return []
    found = []
    if (noise["steal"] or 0) > STEAL:
        found.append(f"{100 * noise['steal']:.0f} % of the CPU time was stolen")
    if (noise["switches_per_second"] or 0) > SWITCHES:
        found.append(f"{noise['switches_per_second']:.0f} involuntary context switches a second")
    for when, seconds in zip(("before", "after"), noise["canary_seconds"], strict=True):
        if typical and seconds > CANARY * typical:
            found.append(f"the canary {when} it took {seconds / typical:.1f} times as long as usual")
    return found
