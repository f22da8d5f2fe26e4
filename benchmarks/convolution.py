"""What a convolution costs: python -m benchmarks.convolution, or make benchmark.

The article's convolutional network on MNIST (float32, batch 64, one thread), every implementation in its own process,
and the limit: only the matrix products of the patches. They alternate within a round; a ratio is the median over the
rounds of the ratio within a round. An implementation of which a step takes seconds is timed once, and left out of them.
"""

import argparse
import sys
from statistics import median
from typing import Final

from rich.console import Console
from rich.progress import track
from tabulate import tabulate

from benchmarks.contestants import LIMIT, Contestant, matrix_product_rate, operations, patch_bytes
from benchmarks.speed import Goal, contestants, load, options, prepared
from shared import implementations
from shared.measure.machine import facts
from shared.options import PRESETS
from shared.processes.calls import CallProcess
from shared.spec import NetworkSpec, TrainingSpec

SPEC: Final = NetworkSpec.parse(PRESETS["cnn"]["network"])
TRAINING: Final = TrainingSpec(optimizer="adam", learning_rate=0.001, batch_size=64, epochs=1, initial="scaled")
STEPS: Final = 20
"""Steps of a timed call."""
LONGEST: Final = 2.0
"""Seconds; an implementation whose step takes longer is left out of the rounds."""
REFERENCE: Final = "numpy_scratch"
LIMITS: Final = {LIMIT: 3.0, "the fastest": 4.0}
"""What the time of the reference is compared with -> the largest ratio that is the goal."""
MEMORY: Final = 2.0
"""The goal for its peak memory, in multiples of the data set, besides the patches of one batch."""


def main(argv: list[str]) -> None:
    """Measure and print; a goal that is not met does not change the exit code."""
    parser = argparse.ArgumentParser(prog="benchmarks.convolution", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    options(parser)
    arguments = parser.parse_args(argv)
    dataset, console = load(arguments), Console(stderr=True)
    rounds: list[dict[str, float]] = []
    with prepared(dataset, SPEC, TRAINING) as task, contestants([LIMIT, *implementations.names()], task) as ready:
        rate = ready[LIMIT].call(matrix_product_rate)
        timed = {name: process for name, process in ready.items() if not _is_slow(name, process)}
        for process in timed.values():
            process.call(Contestant.steps, STEPS * TRAINING.batch_size)  # compiles, or warms up
        for _ in track(range(arguments.rounds), "rounds", console=console, disable=not console.is_terminal):
            taken = {name: p.call(Contestant.steps, STEPS * TRAINING.batch_size) for name, p in timed.items()}
            rounds.append({name: seconds / STEPS for name, seconds in taken.items()})
        peak, size = ready[REFERENCE].call(Contestant.memory)
    print(report(rounds, rate, dataset.title))
    least = patch_bytes(SPEC, TRAINING.batch_size)
    goal = Goal(REFERENCE, "x", "<=", MEMORY)
    text = f"peak memory of {REFERENCE}: {peak / 1e6:.0f} MB, {(peak - least) / size:.2f} times the data set"
    bound = f"({size / 1e6:.0f} MB) and {least / 1e6:.0f} MB of patches; goal <= {MEMORY:g}"
    print(f"\n{text} {bound}: {goal.verdict((peak - least) / size)}")


def _is_slow(name: str, process: CallProcess) -> bool:
    """Return whether a step takes so long that it is left out, and say so."""
    process.call(Contestant.steps, TRAINING.batch_size)  # compiles
    seconds = float(process.call(Contestant.steps, TRAINING.batch_size))
    if seconds > LONGEST:
        print(f"{name}: {seconds:.1f} s a step, timed once", file=sys.stderr)
    return seconds > LONGEST


def report(rounds: list[dict[str, float]], rate: float, title: str) -> str:
    """Return the tables: microseconds per step with GFLOP/s, and the ratios with their goals."""
    each = operations(SPEC, TRAINING.batch_size)
    seconds = {name: median(r[name] for r in rounds) for name in rounds[0]}
    times = [
        [name, *(f"{f(r[name] for r in rounds) * 1e6:,.0f}" for f in (median, min, max)), f"{each / of / 1e9:.1f}"]
        for name, of in sorted(seconds.items(), key=lambda item: item[1])
    ]
    fastest = min((name for name in seconds if name != LIMIT), key=lambda name: seconds[name])
    ratios = []
    for other, bound in LIMITS.items():
        name = fastest if other == "the fastest" else other
        found, goal = [r[REFERENCE] / r[name] for r in rounds], Goal(REFERENCE, name, "<=", bound)
        cells = [f"{f(found):.2f}" for f in (median, min, max)]
        ratios.append([f"{REFERENCE} / {name}", *cells, f"<= {bound:g}", goal.verdict(median(found))])
    return "\n\n".join(
        [
            f"{SPEC}\n{title}\n{len(rounds)} rounds, 1 thread, {TRAINING.dtype}, batch {TRAINING.batch_size}, "
            f"{facts()['cpu']}; product of two 1024 x 1024 matrices: {rate / 1e9:.0f} GFLOP/s",
            tabulate(times, ["us per step", "median", "min", "max", "GFLOP/s"], disable_numparse=True),
            tabulate(ratios, ["ratio", "median", "min", "max", "goal", ""], disable_numparse=True),
        ]
    )


if __name__ == "__main__":
    main(sys.argv[1:])
