"""One side of a pair that takes turns: a network in its own process, which trains a block of steps when it is asked.

The process is a `shared.processes.calls`: between two calls it waits on a pipe, and computes nothing.
"""

import gc
import math
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import Annotated, Final, Literal, NamedTuple

import numpy as np
from msgspec import Meta

from shared import initial
from shared.implementations import load_module, network_class
from shared.interface import Labels, Network
from shared.measure import machine
from shared.measure.job import Job
from shared.measure.start import Start
from shared.measure.system import CPU_TICK_SECONDS
from shared.record.schema import CPU, WALL, Count, Nanoseconds, Seconds, Share, Whole

BLOCK_SECONDS: Final = 0.01
"""The least length of a block: what disturbs a machine lasts longer, and a call of `train` takes much less."""
CALL: Final = 0.01
"""The largest share of a block that a call of `train` may take by itself, as by the start of a `fit`."""
SAMPLE_STEPS: Final = (16, 64)
"""The steps of two calls from which the time of a step follows, and what a call takes besides; an epoch at most."""
TRIES: Final = 5
SHIFTS: Final = 200
"""Blocks of memory that move what is allocated after them."""
REBUILD_SECONDS: Final = 0.1
"""A network that is built, and has trained its first step, within this time is built anew in the middle of turns."""
TRY_SECONDS: Final = 0.3
"""After which there are no more tries."""


class Length(NamedTuple):
    """How long a block is."""

    steps: Whole
    seconds: Seconds
    """of a block, while nobody disturbs it"""
    call: Seconds
    """what a call takes in addition to its steps"""
    share: Share
    """the largest share of the time of a call in which it used a CPU: 1, or less if it waits by itself"""
    can_rebuild: bool
    """whether `rebuild` is quick"""


class Block(NamedTuple):
    """The time of a block."""

    wall_ns: Nanoseconds
    cpu_ns: Count


@dataclass
class Side:
    """A loaded network, and the mini-batches that it has not had."""

    module: ModuleType
    network: Network
    job: Job
    start: Start
    threads: dict[str, int]
    shift: list[bytearray] = field(default_factory=list)
    """see `shifted`"""
    cpu_ns: int = 0
    """the CPU time of all blocks, with what goes before them, and of `rebuild`"""
    steps: int = 1
    first: Labels = field(default_factory=lambda: np.empty(0, np.int64))
    """a mini-batch"""
    orders: Iterator[Labels] = field(default_factory=lambda: iter(()))

    def restart(self, steps: int) -> None:
        """Begin with the first mini-batch, and with the given parameters."""
        self.network.reset(initial.draw_parameters(self.job.spec, self.job.training))
        size = self.job.training.batch_size
        self.steps, self.first, self.orders = steps, self.start.order[:size], self._blocks(steps * size)

    def _blocks(self, size: int) -> Iterator[Labels]:
        """Yield blocks of equal length without end: what is compiled for a length is compiled once."""
        for order in initial.draw_orders(self.job.training, len(self.start.y)):
            whole = [order] if size >= len(order) else [order[i : i + size] for i in range(0, len(order), size)]
            yield from (block for block in whole if len(block) >= min(size, len(order)))


def load(_: str, job: Job) -> Side:
    """Import an implementation, set its threads, build the network and load the training set."""
    module = load_module(job.implementation)
    threads = dict(module.set_threads(job.threads) or {}) if hasattr(module, "set_threads") else {}
    start = Start.of(job)
    shift = shifted()
    return Side(module, _built(module, job, start), job, start, threads, shift)


def _built(module: ModuleType, job: Job, start: Start) -> Network:
    network: Network = network_class(module)(job.spec, job.training, start.parameters)
    network.load(start.x, start.y)
    return network


def rebuild(side: Side) -> Seconds:
    """Build the network anew, so that its arrays lie elsewhere, and train a block; return the seconds of all that."""
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    side.shift = shifted()
    side.network = _built(side.module, side.job, side.start)
    gc.collect()
    side.restart(side.steps)
    side.cpu_ns += time.process_time_ns() - cpu
    take(side)
    return (time.perf_counter_ns() - wall) / 1e9


def shifted() -> list[bytearray]:
    """Return blocks of memory of random sizes, of which every other one is free again.

    Where arrays lie changes the speed of small networks by some per cent, and is the same in every process of a file.
    So it would be the same error in every round; with this it is another one in each layout (Curtsinger and Berger,
    "Stabilizer: statistically sound performance evaluation", ASPLOS 2013).
    """
    sizes = random.SystemRandom()
    return [bytearray(sizes.randrange(1 << sizes.randrange(5, 18))) for _ in range(SHIFTS)][::2]


def prepare(side: Side) -> Length:
    """Find the length of a block, train one of it, and start again: all is compiled, and calls cost little."""
    side.restart(1)
    is_quick = take(side).wall_ns <= REBUILD_SECONDS * 1e9  # nothing is compiled
    most = -(-len(side.start.y) // side.job.training.batch_size)
    few, many = (min(steps, most) for steps in SAMPLE_STEPS)
    tried = [_tries(side, steps) for steps in (few, many)]
    share = _share([block for tries in tried for block in tries])
    short, longer = (_seconds(tries, clock(side.job), share) for tries in tried)
    step = max(longer - short, 1e-6) / (many - few) if many > few else short / few
    call, steps = max(0.0, short - few * step), nearest(BLOCK_SECONDS / step)
    while call > CALL * steps * step and steps < most:
        steps = nearest(2.2 * steps)  # the next of them
    steps = min(steps, most)
    blocks = _tries(side, steps)
    side.restart(steps)
    gc.collect()
    gc.freeze()
    share = max(share, _share(blocks))
    seconds = _seconds(blocks, clock(side.job), share)
    can_rebuild = is_quick and rebuild(side) <= REBUILD_SECONDS + seconds
    side.cpu_ns = 0
    return Length(steps, seconds, call, share, can_rebuild)


def clock(job: Job) -> Literal["cpu", "wall"]:
    """Return which time of a block counts: that of the CPU, for one thread where the system does not count ticks."""
    return CPU if job.is_on_one_cpu and not CPU_TICK_SECONDS else WALL


def _share(blocks: list[Block]) -> float:
    """Return the largest share of the time of a block in which it used a CPU; 1 if the clock saw nothing."""
    return max(min(1.0, block.cpu_ns / block.wall_ns) for block in blocks) or 1.0


def _seconds(blocks: list[Block], which: str, share: float) -> float:
    """Return the least time of blocks that use such a share of a CPU, while nobody disturbs them."""
    return min(block.cpu_ns / share if which == CPU else block.wall_ns for block in blocks) / 1e9


def nearest(steps: float) -> int:
    """Return the nearest of 1, 2, 5, 10, 20, 50, ...: the same code then has the same blocks, whatever the noise."""
    power: int = 10 ** max(0, math.floor(math.log10(max(1.0, steps))))
    return min((n * power for n in (1, 2, 5, 10)), key=lambda n: abs(math.log(n / max(1.0, steps))))


def _tries(side: Side, steps: int) -> list[Block]:
    """Return some blocks of this length, after one that may compile it."""
    side.restart(steps)
    take(side)
    tries, begun = [take(side)], time.monotonic()
    while len(tries) < TRIES and time.monotonic() - begun < TRY_SECONDS:
        tries.append(take(side))
    return tries


def take(side: Side) -> Block:
    """Train the next block; the read of the parameters waits for the device.

    A step goes before it that does not count: the other process has had the caches of the CPU.
    """
    begun, order = time.process_time_ns(), next(side.orders)
    side.network.train(side.first)
    side.network.parameters()
    wall, cpu = time.perf_counter_ns(), time.process_time_ns()
    side.network.train(order)
    side.network.parameters()
    end, wall = time.process_time_ns(), time.perf_counter_ns() - wall
    side.cpu_ns += end - begun
    return Block(max(1, wall), end - cpu)


def cpu_ns(side: Side) -> Count:
    """Return the CPU time of all that was asked for since the process was prepared."""
    return side.cpu_ns


def threads(side: Side) -> Annotated[dict[str, Count], Meta(max_length=100)]:
    """Return the number of threads of each pool that has been loaded."""
    return side.threads | machine.thread_pools()
