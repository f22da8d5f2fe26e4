"""Two models timed: one after the other, then their steps in turns."""

from collections.abc import Sequence
from contextlib import suppress
from itertools import pairwise
from statistics import median
from typing import Final

import numpy as np

from shared.adapters.port import About
from shared.ports.examples import batches, draw
from shared.ports.sides import Side
from shared.ports.stepper import PortStepper
from shared.processes.calls import CallError, CallProcess
from shared.spec import NetworkSpec

TIMED_EXAMPLES, TIMED_NUMBERS = 2000, 4_000_000
"""The most examples on which a side is timed, and the most numbers that they have."""
TURNS: Final = 7


def time_sides(sides: list[Side], processes: Sequence[CallProcess], batch: int, seed: int, threads: int = 1) -> None:
    """Time one side after the other; it is the last that is asked of them."""
    rng = np.random.default_rng(seed)
    about = sides[0].about
    most = min(TIMED_EXAMPLES, TIMED_NUMBERS // int(np.prod(about.inputs)))
    ((x, y),) = batches(about, [max(10 * batch, most)], rng)
    x = rng.random(x.shape)  # without small ones: what becomes denormal takes many times as long
    for side, process in zip(sides, processes, strict=True):
        try:
            side.timing = process.call(
                PortStepper.timing,
                draw(side.about, np.random.default_rng(seed)),
                x.astype(np.float32),
                y,
                batch,
                threads,
            )
        except CallError as error:
            side.not_timed = str(error)
    time_in_turns(sides, processes)


def time_in_turns(sides: Sequence[Side], processes: Sequence[CallProcess]) -> None:
    """Measure the steps of sides again, in turns, so that a busy moment of the machine falls on all of them alike."""
    timed = [(side, process) for side, process in zip(sides, processes, strict=True) if side.timing]
    if len(timed) < len(("one", "another")):
        return
    seconds: dict[int, list[float]] = {}
    with suppress(CallError):
        for _ in range(TURNS):
            for side, process in timed:
                seconds.setdefault(id(side), []).append(process.call(PortStepper.step_seconds))
        for side, _ in timed:
            if side.timing:
                side.timing = side.timing._replace(step=median(seconds[id(side)]))


def dense_like(about: About) -> NetworkSpec | None:
    """Return a network of ours with layers of the same sizes; None if not all of them are dense."""
    weights = [shape for name, shape in about.shapes.items() if name[0] == "W"]
    if any(len(shape) != 2 for shape in weights) or any(name[0] not in "Wb" or "beta" in name for name in about.shapes):
        return None
    sizes = (weights[0][1], *(shape[0] for shape in weights))
    chained = all(b[1] == a[0] for a, b in pairwise(weights))
    return NetworkSpec.dense(sizes, "sigmoid", "quadratic") if chained and sizes[-1] > 1 else None
