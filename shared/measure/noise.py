"""What else the machine was doing while a sample was taken.

Every sample has raw readings. Whether it was disturbed is computed from them when the run is shown. A disturbed sample
is flagged and never left out: by dropping samples, any result can be obtained.
"""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Final

from shared.measure import system

STEAL: Final = 0.02
"""Fraction of the CPU time taken by the hypervisor; a sample with more is disturbed."""
SWITCHES: Final = 100
"""Involuntary context switches per second: other processes needed the CPU (idle machine: 0 to 6, measured)."""
CANARY: Final = 1.2
"""A canary this many times slower than the median canary of the run (idle machine: within 1.07, measured)."""
CANARY_SIZE: Final = 256
CANARY_PRODUCTS: Final = 101


@dataclass(frozen=True)
class Counters:
    """Counts since the start of the process or of the machine; a sample has the difference of two."""

    seconds: float
    switches: int | None
    """involuntary context switches of this process; None if the system does not count them"""
    stolen: float | None
    """seconds taken by the hypervisor, over all CPUs; None if the system does not report them"""
    cpu: float
    """seconds of all CPUs of the machine"""

    @classmethod
    def now(cls) -> "Counters":
        """Read all counters."""
        import psutil

        times = psutil.cpu_times()._asdict()
        stolen = times.get("steal")
        # on Linux, user and nice include the time of guests
        cpu = sum(spent for kind, spent in times.items() if not kind.startswith("guest"))
        return cls(time.monotonic(), system.involuntary_switches(), stolen, cpu)

    def since(self, before: "Counters") -> dict[str, float | None]:
        """Return involuntary switches per second, and the fraction of stolen CPU time; None for unknown."""
        return {
            "switches_per_second": _rate(self.switches, before.switches, self.seconds - before.seconds),
            "steal": _rate(self.stolen, before.stolen, self.cpu - before.cpu),
        }


def _rate(after: float | None, before: float | None, span: float) -> float | None:
    """Return the increase per unit of a span; 0 for an empty span."""
    if after is None or before is None:
        return None
    return (after - before) / span if span > 0 else 0.0


def canary_seconds() -> float:
    """Return the median time of a small matrix product, which is always the same work."""
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
    """Return the median canary of a run, which is that of an undisturbed machine; None without samples."""
    found = [seconds for sample in samples if "noise" in sample for seconds in sample["noise"]["canary_seconds"]]
    return median(found) if found else None


def disturbances(sample: Mapping[str, Any], typical: float | None) -> list[str]:
    """Return what disturbed a sample, as text, given the `typical_canary` of the run."""
    noise = sample.get("noise")
    if noise is None:
        return []
    found = []
    if (noise["steal"] or 0) > STEAL:
        found.append(f"{100 * noise['steal']:.0f} % of the CPU time was taken by the hypervisor (steal)")
    if (noise["switches_per_second"] or 0) > SWITCHES:
        found.append(f"{noise['switches_per_second']:.0f} involuntary context switches per second")
    for when, seconds in zip(("before", "after"), noise["canary_seconds"], strict=True):
        if typical and seconds > CANARY * typical:
            found.append(f"another process was using the CPU (probe {seconds / typical:.1f}x slower {when} the epochs)")
    return found
