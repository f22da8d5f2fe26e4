"""What else the machine was doing while a sample was taken.

Every sample carries raw readings; whether it counts as disturbed is worked out from them when the run is shown, and a
disturbed sample is flagged, never left out: who may drop samples can have any result.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Final

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
    switches: int
    """involuntary context switches of this process"""
    steal_ticks: int
    all_ticks: int
    """over all CPUs, of the whole machine; 0 where the system does not tell"""

    @classmethod
    def now(cls) -> "Counters":
        """Read all counters."""
        import resource

        ticks = [0]
        stat = Path("/proc/stat")
        if stat.exists():
            ticks = [int(word) for word in stat.read_text().split("\n", 1)[0].split()[1:]]
        # user nice system idle iowait irq softirq steal guest guest_nice; the guests' are in user and nice already
        return cls(
            seconds=time.monotonic(),
            switches=resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw,
            steal_ticks=ticks[7] if len(ticks) > 7 else 0,
            all_ticks=sum(ticks[:8]),
        )

    def since(self, before: "Counters") -> dict[str, float]:
        """Return involuntary switches a second, and the fraction of CPU time that was stolen."""
        seconds, ticks = self.seconds - before.seconds, self.all_ticks - before.all_ticks
        return {
            "switches_per_second": (self.switches - before.switches) / seconds if seconds > 0 else 0.0,
            "steal": (self.steal_ticks - before.steal_ticks) / ticks if ticks > 0 else 0.0,
        }


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
    if noise["steal"] > STEAL:
        found.append(f"{100 * noise['steal']:.0f} % of the CPU time was stolen")
    if noise["switches_per_second"] > SWITCHES:
        found.append(f"{noise['switches_per_second']:.0f} involuntary context switches a second")
    for when, seconds in zip(("before", "after"), noise["canary_seconds"], strict=True):
        if typical and seconds > CANARY * typical:
            found.append(f"the canary {when} it took {seconds / typical:.1f} times as long as usual")
    return found
