"""How long the steps and the outputs of a user's own file take, and where the time goes; measured in its process.

Each is the shortest of a few repetitions, which other work on the machine lengthens least; a step, which is a
difference, is their median.
"""

import sys
from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final, NamedTuple, Protocol

import numpy as np

from shared.interface import Array, Labels
from shared.measure import machine, stacks
from shared.measure.stacks import Spent
from shared.measure.threads import CPU_TOLERANCE
from shared.ports.counts import FEW_STEPS, each_step, framework, lines_each, operations

SECONDS: Final = 0.5
"""That a part of the measurement takes, about."""
MOST_STEPS: Final = 200
LARGER: Final = 10
"""times the batch: what a step of it takes shows whether calls or arithmetic take the time"""
MOST_IMAGES: Final = 1000


class Trainer(Protocol):
    """A model that trains as its file does it, in its own precision, with nothing recorded."""

    files: list[str]
    """paths of its code"""
    own_batch: int
    """of the loader over which its loop goes; 0 if it trains on the examples that it is given"""

    def again(self) -> None:
        """Start again, where that changes nothing but parameters."""

    def train(self, order: Labels, batch: int) -> None:
        """Take a step for each `batch` of these examples."""

    def predict(self, x: Array) -> Any:
        """Return the outputs."""


class Timing(NamedTuple):
    """What was measured; seconds."""

    framework: str
    batch: int
    first: float
    """of the first step: what is traced or compiled is in it"""
    step: float
    """of a later one, among others"""
    larger: float
    """of a step with `LARGER` times the examples"""
    operations: float | None
    """that Python hands to the framework in a step, one by one; None if that cannot be counted"""
    compiled: bool
    traces: float
    """how often something is traced in each later step"""
    shares: list[Spent]
    one_by_one: bool
    """whether Python runs through the examples of a step one by one"""
    threads: dict[str, int]
    """pool -> threads that it runs, where those are others than were asked for"""
    asked: int
    by_threads: dict[int, float]
    """threads -> seconds of a step; {} if as many ran as were asked for"""
    busy: float
    """CPU seconds per second"""
    image: float
    """outputs for one image"""
    images: float
    """outputs for many, per image"""
    many: int
    singly: bool
    """whether the outputs for many are computed image by image"""
    where: list[Spent]
    """of the outputs for one image, or for many if they are computed image by image"""
    how: str = ""
    """whose step it is, where that is not clear"""


def measured(trainer: Trainer, x: Array, batch: int, asked: int) -> tuple[Timing, Callable[[], float]]:
    """Measure a model that is ready; x are examples (n, *inputs), of which it has been given all.

    Returns
    -------
    what was measured, and a function that measures the seconds of a step again, to compare it with another's.
    """
    batch = trainer.own_batch or batch
    # what a loader gives is not among x: of its steps there are as many as are asked for
    order = np.arange(MOST_STEPS * batch if trainer.own_batch else len(x))
    first = _seconds(lambda: trainer.train(order[:batch], batch))
    single, short = (_after_another(partial(trainer.train, order[: n * batch], batch)) for n in (1, FEW_STEPS))
    each = max((short - single) / (FEW_STEPS - 1), 1e-6)
    steps = int(np.clip(SECONDS / each, FEW_STEPS, min(MOST_STEPS, len(order) // batch)))
    part = order[: steps * batch]
    trainer.train(part, batch)  # what compiles a call as a whole does it for each length

    def again() -> None:
        trainer.train(part, batch)

    cpu, wall = process_time(), perf_counter()

    def of_step() -> float:
        trainer.again()
        # an epoch has so many steps that the start of a call is nothing
        start = min(_seconds(lambda: trainer.train(order[:batch], batch)) for _ in range(2))
        return max((_seconds(again) - start) / (steps - 1), 1e-9)

    step = median(of_step() for _ in range(5))
    busy = (process_time() - cpu) / (perf_counter() - wall)
    with stacks.sampled(trainer.files) as samples:
        _repeat(again)
    shares = samples.shares()
    of_larger, one_by_one = np.nan, False
    if not trainer.own_batch:
        larger = order[: LARGER * batch]
        trainer.train(larger, LARGER * batch)
        of_larger = median(_seconds(lambda: trainer.train(larger, LARGER * batch)) for _ in range(5))
        one_by_one = batch > 1 and lines_each(lambda n: trainer.train(order[:n], n), batch, trainer.files) >= 1
    pools = {pool: n for pool, n in machine.thread_pools().items() if n != asked}
    image, images, many, singly, where = _outputs(trainer, x)
    timing = Timing(
        framework=framework(),
        batch=batch,
        first=first,
        step=step,
        larger=of_larger,
        operations=operations(lambda n: trainer.train(order[: n * batch], batch)),
        compiled=samples.compiled,
        traces=each_step(lambda n: stacks.traces(lambda: trainer.train(order[: n * batch], batch))),
        shares=shares[:6],
        one_by_one=one_by_one,
        threads=pools,
        asked=asked,
        by_threads=_by_threads(again, steps, asked, max(pools.values())) if pools else {},
        busy=busy if busy > CPU_TOLERANCE * asked else float(min(busy, asked)),
        image=image,
        images=images,
        many=many,
        singly=singly,
        where=where,
        how=getattr(trainer, "how", ""),
    )
    return timing, of_step


def _seconds(function: Callable[[], object]) -> float:
    start = perf_counter()
    function()
    return perf_counter() - start


def _after_another(function: Callable[[], object]) -> float:
    """Return the seconds of a call after a first one, in which something may be compiled."""
    function()
    return min(_seconds(function) for _ in range(2))


def _repeat(function: Callable[[], object], least: float = SECONDS) -> None:
    start = perf_counter()
    while perf_counter() - start < least:
        function()


def _outputs(trainer: Trainer, x: Array) -> tuple[float, float, int, bool, list[Spent]]:
    """Return the seconds of the outputs for one image, per image for many, how many, and how they are computed."""
    trainer.predict(x[:1])
    one = min(_seconds(lambda: trainer.predict(x[:1])) for _ in range(5))
    many = int(np.clip(SECONDS / max(one, 1e-6), 10, min(MOST_IMAGES, len(x))))
    trainer.predict(x[:many])
    per = min(_seconds(lambda: trainer.predict(x[:many])) for _ in range(2)) / many
    singly = per > one / 4 and lines_each(lambda n: trainer.predict(x[:n]), 4, trainer.files) >= 1
    shown = x[: many if singly else 1]
    with stacks.sampled(trainer.files) as samples:
        _repeat(lambda: trainer.predict(shown), SECONDS / 5)
    return one, per, many, singly, samples.shares()[:2]


def _by_threads(again: Callable[[], object], steps: int, asked: int, ran: int) -> dict[int, float]:
    """Return the seconds of a step with as many threads as were asked for, and with as many as ran."""
    from threadpoolctl import threadpool_limits

    found = {}
    torch = sys.modules.get("torch")
    for n in (asked, ran):
        with threadpool_limits(n):
            if torch is not None:
                torch.set_num_threads(n)
            found[n] = _after_another(again) / steps
    return found
