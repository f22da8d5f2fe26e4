"""What a system tells that another does not: memory, context switches, the model of the CPU; and its timer.

Each is used where its name is there, and None where it is not. psutil tells the rest alike on every system.
"""

import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

CPU_TICK_SECONDS: Final = 1 / 64 if "GetProcessTimes" in time.get_clock_info("process_time").implementation else 0.0
"""The steps in which `time.process_time` moves: those of the scheduler on Windows, else of nanoseconds."""


def peak_memory_bytes() -> int | None:
    """Return the peak resident memory of this process.

    On Linux VmHWM, which starts anew at exec; getrusage's ru_maxrss there also counts the parent before exec.
    """
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    try:
        import resource
    except ImportError:
        import psutil

        return getattr(psutil.Process().memory_info(), "peak_wset", None)  # Windows
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def involuntary_switches() -> int | None:
    """Return how often this process has had to give way; psutil has 0 where the system does not count it."""
    try:
        import resource
    except ImportError:
        return None
    return resource.getrusage(resource.RUSAGE_SELF).ru_nivcsw


def cpu_model() -> str:
    """Return what the CPU is called."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


@contextmanager
def interrupted(seconds: float, tick: Callable[[int, FrameType | None], None]) -> Iterator[None]:
    """Interrupt the block every so often by a function; never, where there is no such timer.

    To be used in the main thread, by a process that needs SIGALRM for nothing else.
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
