"""How the cost of a step grows with the network and the batch: python -m benchmarks.scaling, or make benchmark.

784-H-10 with H = 30, 128, 512, 2048 and batches of 10, 64, 512 (float32, one thread), every implementation in its own
process: microseconds per step, and the floating-point operations of the five products per second, beside the rate of
the machine for the product of two large matrices.
"""

import argparse
import math
import sys
from itertools import product
from typing import Final

from rich.console import Console
from rich.progress import track
from tabulate import tabulate

from benchmarks.contestants import LIMIT, Contestant, matrix_product_rate, operations
from benchmarks.speed import contestants, load, options, prepared
from shared import implementations
from shared.measure.machine import facts
from shared.processes.calls import CallError, CallProcess
from shared.spec import NetworkSpec, TrainingSpec

HIDDEN: Final = (30, 128, 512, 2048)
BATCHES: Final = (10, 64, 512)
STEPS: Final = 10
"""Steps of the first call; some implementations compile this many, so the steps of a call are a multiple of it."""
LEAST_SECONDS: Final = 0.5
"""Minimum duration of a timed call, unless the whole training set takes less; the steps increase until then."""
GROWTH: Final = 20
"""Largest factor by which the steps increase at once."""
REPEATS: Final = 3
"""Calls of which the best counts, since other processes can only slow one."""
ENOUGH_SECONDS: Final = 4.0
"""Total time after which no call is repeated."""


def step_seconds(process: CallProcess, spec: NetworkSpec, training: TrainingSpec, n_examples: int) -> float:
    """Return the best time of a step in seconds."""
    process.call(Contestant.build, spec, training)
    n = training.batch_size
    most = n_examples // n
    most -= most % STEPS if most > STEPS else 0
    steps = min(STEPS, most)
    while True:
        process.call(Contestant.steps, steps * n)  # some implementations compile for a number of steps
        taken = [float(process.call(Contestant.steps, steps * n))]
        if taken[0] >= LEAST_SECONDS or steps == most:
            break
        more = min(1.2 * LEAST_SECONDS / taken[0], GROWTH)
        steps = min(most, math.ceil(steps * more / STEPS) * STEPS)
    while len(taken) < REPEATS and sum(taken) < ENOUGH_SECONDS:
        taken.append(float(process.call(Contestant.steps, steps * n)))
    return min(taken) / steps


def main(argv: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.scaling", description=__doc__.partition("\n")[0])
    options(parser)
    dataset = load(parser.parse_args(argv))
    console = Console(stderr=True)
    found: dict[tuple[str, int, int], float] = {}
    spec, training = NetworkSpec(), TrainingSpec()
    posed = list(product(BATCHES, HIDDEN))
    with prepared(dataset, spec, training) as task, contestants([LIMIT, *implementations.names()], task) as ready:
        rate = next(iter(ready.values())).call(matrix_product_rate)
        for batch, hidden in track(posed, "sizes", console=console, disable=not console.is_terminal):
            this = (
                NetworkSpec.dense((784, hidden, 10)),
                TrainingSpec(batch_size=batch, initial="scaled", learning_rate=0.1),
            )
            for name, process in ready.items():
                try:
                    found[name, batch, hidden] = step_seconds(process, *this, len(dataset.train))
                except CallError as error:
                    print(f"{name}, {this[0]}, batch {batch}: {error}", file=sys.stderr)
    parts = [f"{facts()['cpu']}, 1 thread, float32; product of two 1024 x 1024 matrices: {rate / 1e9:.0f} GFLOP/s"]
    for batch in BATCHES:
        lines = []
        for name in ready:
            cells = [
                f"{s * 1e6:,.0f} ({operations(NetworkSpec.dense((784, h, 10)), batch) / s / 1e9:.1f})"
                if (s := found.get((name, batch, h)))
                else ""
                for h in HIDDEN
            ]
            lines.append([name, *cells])
        headers = [f"batch {batch}", *(f"784-{h}-10" for h in HIDDEN)]
        parts.append(tabulate(lines, headers, disable_numparse=True, colalign=("left", *["right"] * len(HIDDEN))))
    parts.append("cells: us per step (GFLOP/s of its products)")
    print("\n\n".join(parts))


if __name__ == "__main__":
    main(sys.argv[1:])
