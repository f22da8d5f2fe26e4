"""What only some systems report or have: peak memory, context switches, the CPU model, a timer.

Each is used if its name exists, and is None otherwise. For the rest, psutil is the same on every system.
"""

import os
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final

CPU_TICK_SECONDS: Final = 1 / 64 if "GetProcessTimes" in time.get_clock_info("process_time").implementation else 0.0
"""The resolution of `time.process_time`: a tick of the scheduler on Windows, elsewhere taken as 0."""


def peak_memory_bytes() -> int | None:
    """Return the peak resident memory of this process.

    On Linux this is VmHWM, which restarts at exec; getrusage's ru_maxrss also counts the parent before exec.
    """
    if (peak := _high_water_mark("self")) is not None:
        return peak
    try:
        import resource
    except ImportError:
        import psutil

        return getattr(psutil.Process().memory_info(), "peak_wset", None)  # Windows
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _high_water_mark(process: int | str) -> int | None:
    """Return VmHWM of a process in bytes; None where there is no `/proc`."""
    status = Path(f"/proc/{process}/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)


def memory_of_children_bytes() -> int:
    """Return the peak resident memory of all children that still run; without `/proc`, what they have now."""
    import psutil

    total = 0
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error, OSError):  # it has ended
            total += _high_water_mark(child.pid) or child.memory_info().rss
    return total


def cpu_of_children_ns() -> int:
    """Return the CPU time that all children that still run have used."""
    import psutil

    total = 0.0
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            times = child.cpu_times()
            total += times.user + times.system
    return round(1e9 * total)


def involuntary_switches() -> int | None:
    """Return the involuntary context switches of this process; None without `resource`, where psutil always says 0."""
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def cpu_model() -> str:
    """Return the name of the CPU."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def cpus() -> list[int]:
    """Return the numbers of the CPUs on which this process may run; none if a thread cannot be bound to one."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def bind(process_id: int, cpu: int) -> None:
    """Let all threads of a process run on one CPU alone."""
    for thread in Path(f"/proc/{process_id}/task").iterdir():
        with suppress(OSError):  # it has ended
            os.sched_setaffinity(int(thread.name), [cpu])


@contextmanager
def interrupted(seconds: float, tick: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Interrupt the block at an interval in seconds to call a function; never on a system without such a timer.

    Use it only in the main thread of a process that needs SIGALRM for nothing else.
    """
    if not hasattr(signal, "setitimer"):
        yield
        return
    before = signal.signal(signal.SIGALRM, tick)
    signal.setitimer(signal.ITIMER_REAL, seconds, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
