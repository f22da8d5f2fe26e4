"""Ratios of an epoch's time, measured in one run: python -m benchmarks.speed, or make benchmark.

One epoch of the 784-30-10 network on MNIST (float32, batch 10, one thread) by numpy_scratch, against

(a) the limit: the five matrix products of a step alone, `np.dot` with `out=`, on the epoch's real batches;
(b) the article's loop over the examples;
(c) scikit-learn's MLPClassifier with the same sizes.

The competitors take turns within a round, so that what slows the machine slows all of them; a ratio is the
median over rounds of the ratio within a round.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Final, NamedTuple

from shared.measure.machine import facts, thread_environment

os.environ.update(thread_environment(1))  # before NumPy is imported

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track
from tabulate import tabulate

from impls import numpy_per_example, numpy_scratch
from shared import data, initial
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec

SPEC: Final = NetworkSpec()
TRAINING: Final = TrainingSpec(epochs=1)


class Goal(NamedTuple):
    """A ratio to numpy_scratch's epoch and the bound it should keep."""

    text: str
    ratio: Callable[[dict[str, float]], float]
    bound: float


GOALS: Final = [
    Goal("numpy_scratch / limit (a)", lambda s: s["numpy_scratch"] / s["limit"], 2.5),
    Goal("numpy_scratch / per-example loop (b)", lambda s: s["numpy_scratch"] / s["per-example loop"], 1 / 8),
    Goal("numpy_scratch / MLPClassifier (c)", lambda s: s["numpy_scratch"] / s["MLPClassifier"], 1 / 4),
    # No goal: what an epoch of products would take if its batches never had to come from memory.
    Goal("limit, one batch over and over / limit (a)", lambda s: s["limit in cache"] / s["limit"], float("inf")),
]


def products(x: Array, start_of: Callable[[int], int], parameters: Parameters) -> Callable[[], None]:
    """Return an epoch of the five products of a step: (1) twice, (5), (6) twice; nothing else."""
    (W_1, _), (W_2, _) = parameters
    n, dot = TRAINING.batch_size, np.dot
    rng = np.random.default_rng(0)
    a_1, d_1 = (rng.random((n, 30), np.float32) for _ in range(2))
    d_2 = rng.random((n, 10), np.float32)
    z_1, z_2, back = np.empty((n, 30), np.float32), np.empty((n, 10), np.float32), np.empty((n, 30), np.float32)
    dW_1, dW_2 = np.empty_like(W_1), np.empty_like(W_2)

    def epoch() -> None:
        for start in range(0, len(x), n):
            first = min(start_of(start), len(x) - n)  # the last batch, too, is a whole one
            batch = x[first : first + n]
            dot(batch, W_1.T, out=z_1)
            dot(a_1, W_2.T, out=z_2)
            dot(d_2.T, a_1, out=dW_2)
            dot(d_2, W_2, out=back)
            dot(d_1.T, batch, out=dW_1)

    return epoch


def classifier(x: Array, y: Labels) -> Callable[[], None]:
    """Return an epoch of scikit-learn's network: log loss instead of the quadratic cost, its own shuffle."""
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(
        (SPEC.sizes[1],),
        activation="logistic",
        solver="sgd",
        batch_size=TRAINING.batch_size,
        learning_rate_init=0.1,
        momentum=0.0,
        alpha=0.0,
        random_state=0,
    )
    digits = np.arange(10)

    def epoch() -> None:
        network.partial_fit(x, y, classes=digits)

    return epoch


def competitors(x: Array, y: Labels) -> dict[str, Callable[[], object]]:
    """Return what is timed: name -> one epoch."""
    parameters = initial.draw_parameters(SPEC, TRAINING)
    order: NDArray[np.int64] = next(initial.draw_orders(TRAINING, len(y)))
    network, loop = (way.Network(SPEC, TRAINING, parameters) for way in (numpy_scratch, numpy_per_example))
    return {
        "limit": products(x, lambda start: start, parameters),
        "limit in cache": products(x, lambda _: 0, parameters),
        "numpy_scratch": lambda: network.train(x, y, order),
        "per-example loop": lambda: loop.train(x, y, order),
        "MLPClassifier": classifier(x, y),
    }


def main(argv: list[str]) -> None:
    """Measure and print; there is no exit code for a goal that is not met, for a timed test proves nothing."""
    parser = argparse.ArgumentParser(prog="benchmarks.speed", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--data-dir", type=Path, help="where MNIST lies or goes (default: $SAMEGRAD_DATA or data/)")
    parser.add_argument("--dataset", default="mnist", choices=("mnist", "digits"))
    arguments = parser.parse_args(argv)
    if arguments.rounds < 1:
        parser.error(f"--rounds: got {arguments.rounds}, expected a whole number of at least 1")
    try:
        dataset, _ = data.load(arguments.dataset, arguments.data_dir, offline=False)
    except data.DataError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(3)
    x, y = dataset.train.arrays(TRAINING.dtype)
    epochs = competitors(x, y)
    for epoch in epochs.values():  # warm-up: caches, lazy imports, the classifier's initial weights
        epoch()
    rounds: list[dict[str, float]] = []
    console = Console(stderr=True)
    for _ in track(range(arguments.rounds), "rounds", console=console, disable=not console.is_terminal):
        seconds = {}
        for name, epoch in epochs.items():
            start = perf_counter()
            epoch()
            seconds[name] = perf_counter() - start
        rounds.append(seconds)
    print(report(rounds, len(y), dataset.title))


def report(rounds: list[dict[str, float]], n_examples: int, title: str) -> str:
    """Return the two tables: seconds, and ratios with their goals."""
    steps = -(-n_examples // TRAINING.batch_size)
    times = [
        [name, *(f"{f([r[name] for r in rounds]):.3f}" for f in (median, min, max)),
         f"{median(r[name] for r in rounds) / steps * 1e6:.1f}"]
        for name in rounds[0]
    ]  # fmt: skip
    ratios = []
    for goal in GOALS:
        found = [goal.ratio(r) for r in rounds]
        verdict = "" if goal.bound == float("inf") else "met" if median(found) <= goal.bound else "NOT MET"
        bound = "" if goal.bound == float("inf") else f"<= {goal.bound:.3f}"
        ratios.append([goal.text, f"{median(found):.3f}", f"{min(found):.3f}", f"{max(found):.3f}", bound, verdict])
    return "\n\n".join(
        [
            f"{title}\n{len(rounds)} rounds, 1 thread, {TRAINING.dtype}, batch {TRAINING.batch_size}, {facts()['cpu']}",
            tabulate(times, ["seconds an epoch", "median", "min", "max", "us a step"], disable_numparse=True),
            tabulate(ratios, ["ratio", "median", "min", "max", "goal", ""], disable_numparse=True),
        ]
    )


if __name__ == "__main__":
    main(sys.argv[1:])
