"""An implementation and the baseline take turns, each in a fresh process: a ratio of times that are neighbours.

What disturbs a machine lasts longer than a block of steps and less long than a sample. So it slows a block and those
of the baseline before and after it alike, and their ratio much less. No more than these two processes run.
"""

import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any, Final, NamedTuple, cast

import psutil

from shared.measure import blocks
from shared.measure.blocks import Block, Length
from shared.measure.job import Job
from shared.measure.sample import PAUSE_SECONDS, failed
from shared.measure.system import bind, cpus
from shared.measure.threads import rejection
from shared.measure.verify import implausible
from shared.processes.calls import CallError, CallProcess
from shared.record.schema import (
    ALONE,
    CPU,
    CRASHED,
    IMPLAUSIBLE,
    NOT_COMPARED,
    OK,
    REJECTED,
    TIMED_OUT,
    WALL,
    Sample,
)

TURNS_SECONDS: Final = 1.5
"""How long a pair takes turns in a round; less if `MOST` blocks take less, more if `LEAST` take more."""
LEAST, MOST = 3, 100
"""Blocks of an implementation in a round."""
FEW: Final = 12
"""Where a call is dear and blocks are long, so many if they take at most `FEW_SECONDS`: one may be an outlier."""
FEW_SECONDS: Final = 4.0
LAYOUTS: Final = 16
"""In so many parts of a round, a network that is built quickly is built anew, and both run on another CPU.

No two CPUs are equally fast, as each has neighbours of its own. On the same one, they slow both alike.
"""
GAP: Final = 0.2
"""A block of an implementation has blocks of the baseline on each side that take so much of its time, at least one."""
MOST_IN_A_GAP: Final = 20
WATCH_SECONDS: Final = 0.1
SPINS, BURNS = 0.5, 0.1
"""CPU seconds per second that a process uses while it waits, before its turns and during them; one with more disturbs.

The first is coarse, as some systems count in ticks of 10 to 16 ms.
"""


class _FailedError(Exception):
    """A process that failed in its turn."""

    def __init__(self, side: "_Live", error: CallError) -> None:
        super().__init__(str(error))
        self.side, self.error = side, error


class _Live:
    """A process that trains a block at a time."""

    def __init__(self, job: Job, timeout: float) -> None:
        loader = partial(blocks.load, job=job)
        self.job, self.blocks, self.seen, self.busy = job, list[Block](), 0.0, 0.0
        self.process = CallProcess(job.implementation, loader, timeout=timeout, threads=job.threads)

    def call(self, function: Callable[..., Any] | None = None) -> Any:
        """Return what the process answers: to its loading, or to this function."""
        try:
            return self.process.answer() if function is None else self.process.call(function)
        except CallError as error:
            raise _FailedError(self, error) from None

    def take(self) -> Block:
        """Train a block."""
        begun = time.monotonic()
        self.blocks.append(Block(*self.call(blocks.take)))
        taken = time.monotonic() - begun
        self.seen += min(taken, PAUSE_SECONDS)
        self.busy += taken
        return self.blocks[-1]

    def rebuild(self) -> None:
        """Build the network anew, elsewhere in memory."""
        begun = time.monotonic()
        self.call(blocks.rebuild)
        self.busy += time.monotonic() - begun

    def bind(self, cpu: int) -> None:
        """Let the process run on this CPU alone."""
        bind(self.process.process_id, cpu)

    def cpu_seconds(self) -> float:
        """Return the CPU time of the process so far, as the system counts it."""
        try:
            times = psutil.Process(self.process.process_id).cpu_times()
        except psutil.Error:  # it has ended; its next call says how
            return 0.0
        return float(times.user + times.system)


class Plan(NamedTuple):
    """How many blocks there are."""

    blocks: int
    """of the implementation"""
    gap: int
    """of the baseline before the first of them, between two, and after the last"""


def planned(own: Length, baseline: Length) -> Plan:
    """Return how many blocks of these lengths are taken."""
    gap = min(MOST_IN_A_GAP, max(1, round(GAP * own.seconds / baseline.seconds)))
    each = own.seconds + gap * baseline.seconds
    least = max(LEAST, min(FEW, int(FEW_SECONDS / each)))
    return Plan(min(MOST, max(least, round(TURNS_SECONDS / each))), gap)


def lack_of_memory(*samples: Sample) -> str | None:
    """Return why processes that needed as much as these samples cannot live together; None if they can."""
    needed = sum(sample.get("peak_memory_bytes") or 0 for sample in samples)
    free = psutil.virtual_memory().available
    if needed <= free:
        return None
    names = " and ".join(sample["implementation"] for sample in samples)
    return f"{names} together need {needed / 1e9:,.1f} GB of memory, and {free / 1e9:,.1f} GB are free"


def alone(job: Job, why: str) -> dict[str, Any]:
    """Return the result of an implementation that does not take turns."""
    return job.head | {"status": ALONE, "reason": why}


def take_turns(job: Job, baseline: Job, sample: Sample, least_seconds: float, timeout: float) -> dict[str, Any]:
    """Let an implementation and the baseline take turns; return the result, or how one of them failed.

    Parameters
    ----------
    job, baseline : of the same round.
    sample : of the implementation in this round.
    least_seconds : CPU time of the matrix products of an epoch alone.
    timeout : seconds that each step of a process may take.
    """
    try:
        with ExitStack() as stack:
            sides = [_Live(each, timeout) for each in (job, baseline)]
            for side in sides:
                stack.callback(side.process.close)
            return _judged(_taken(*sides), sides[0], sample, least_seconds)
    except _FailedError as failure:
        error, who = failure.error, failure.side.job
        if who is baseline:
            return failed(job, NOT_COMPARED, f"the baseline failed in its turns: {error}", error.detail)
        status = TIMED_OUT if error.kind == "timed out" else CRASHED
        return failed(job, status, f"in its turns with {baseline.label}: {error}", error.detail)


def _taken(own: _Live, other: _Live) -> dict[str, Any]:
    """Return the blocks of both, or why they do not take turns."""
    both = own, other
    for side in both:
        side.call()  # has loaded
    lengths = [Length(*side.call(blocks.prepare)) for side in both]
    before = [side.cpu_seconds() for side in both]
    time.sleep(WATCH_SECONDS)
    for side, cpu in zip(both, before, strict=True):
        if side.cpu_seconds() - cpu > SPINS * WATCH_SECONDS:
            return alone(own.job, _restless(side, (side.cpu_seconds() - cpu) / WATCH_SECONDS))
    # the baseline first, so that its next block comes after one of the other, as all of them do
    movable = [side for side, length in zip(reversed(both), reversed(lengths), strict=True) if length.can_rebuild]
    plan, begun = planned(*lengths), time.monotonic()
    is_bound = all(side.job.is_on_one_cpu for side in both)
    layouts, places = min(LAYOUTS, plan.blocks), cpus() if is_bound else []
    before, gaps = [side.cpu_seconds() for side in both], list[list[Block]]()
    for layout in range(layouts):
        for side in both if places else ():
            side.bind(places[layout % len(places)])
        for side in movable if layout else ():
            side.rebuild()
        gaps.append([other.take() for _ in range(plan.gap)])
        for _ in range(plan.blocks // layouts):
            own.take()
            gaps.append([other.take() for _ in range(plan.gap)])
    wall = time.monotonic() - begun
    for side, cpu in zip(both, before, strict=True):
        waited, used = wall - side.busy, side.cpu_seconds() - cpu - side.call(blocks.cpu_ns) / 1e9
        if used > max(BURNS * waited, WATCH_SECONDS * SPINS):
            return alone(own.job, _restless(side, used / waited))
    return own.job.head | {
        "status": OK,
        "layouts": layouts,
        "steps": lengths[0].steps,
        "baseline_steps": lengths[1].steps,
        "call_share": min(1.0, lengths[0].call / lengths[0].seconds),
        "workers": own.job.workers,
        "clock": blocks.clock(own.job) if is_bound else WALL,
        "share": lengths[0].share,
        "baseline_share": lengths[1].share,
        "blocks": [list(block) for block in own.blocks],
        "gaps": [[list(block) for block in gap] for gap in gaps],
        "threads": own.call(blocks.threads),
    }


def _restless(side: _Live, share: float) -> str:
    return f"{side.job.label} uses {100 * share:.0f} % of a CPU while it waits, and disturbs others"


def _judged(result: dict[str, Any], own: _Live, sample: Sample, least_seconds: float) -> dict[str, Any]:
    """Return the result, with another status if its threads or its times cannot be."""
    if result["status"] != OK:
        return result
    epochs = [{"wall_ns": wall, "cpu_ns": cpu} for wall, cpu in result["blocks"]]
    if reason := rejection({"threads": result["threads"], "epochs": epochs}, own.job.threads, own.job.workers):
        return result | {"status": REJECTED, "reason": f"in its turns: {reason}"}
    per_epoch = sample["steps_per_epoch"] / result["steps"]
    said = sum(epoch["wall_ns"] for epoch in epochs) / 1e9
    fastest = min(min(e["wall_ns"], e["cpu_ns"] if result["clock"] == CPU else e["wall_ns"]) for e in epochs)
    as_epochs = {"epochs": [{"wall_ns": fastest * per_epoch}], "seconds": {"epochs": said}}
    if doubt := implausible(cast(Sample, as_epochs), least_seconds / own.job.workers, own.seen):
        return result | {"status": IMPLAUSIBLE, "reason": f"in its turns: {doubt}"}
    return result
