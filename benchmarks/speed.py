"""Ratios of an epoch's time, measured in one run: python -m benchmarks.speed, or make benchmark.

One epoch of the 784-30-10 network on MNIST (float32, batch 10, one thread) by every implementation, and by

- the limit: only the five matrix products of a step, `np.dot` with `out=`, on batches that come from memory;
- scikit-learn's MLPClassifier with the same sizes.

Each runs in its own process; they alternate within a round, so that a slower machine affects all of them. A ratio is
the median over the rounds of the ratio within a round.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Final, NamedTuple

from rich.console import Console
from rich.progress import track
from tabulate import tabulate

from benchmarks.contestants import CLASSIFIER, LIMIT, LIMIT_IN_CACHE, PEERS, Contestant, Task
from shared import data, implementations
from shared.data import snapshot
from shared.measure.machine import facts
from shared.processes.calls import CallError, CallProcess
from shared.spec import NetworkSpec, TrainingSpec

SPEC: Final = NetworkSpec()
TRAINING: Final = TrainingSpec(epochs=1)
SECONDS: Final = 600.0


class Goal(NamedTuple):
    """A bound on the ratio of two epochs: at most ("<="), at least (">="), or none ("")."""

    one: str
    other: str
    kind: str
    bound: float

    def verdict(self, ratio: float) -> str:
        """Return "met", "NOT MET", or "" if there is no goal."""
        if not self.kind:
            return ""
        return "met" if (ratio <= self.bound if self.kind == "<=" else ratio >= self.bound) else "NOT MET"


GOALS: Final = [
    Goal("numpy_scratch", LIMIT, "<=", 2.0),
    Goal("numpy_per_example", "numpy_scratch", ">=", 8),
    Goal(CLASSIFIER, "numpy_scratch", ">=", 4),
    Goal("pytorch", "pytorch_compiled", ">=", 8),
    Goal("keras_fit", "tensorflow_compiled", ">=", 20),
    Goal("jax_jit", "tensorflow_compiled", "<=", 1.3),
    Goal("pytorch_tutorial", "pytorch", "", 0),
    Goal("keras_fit", "tensorflow_keras", "", 0),
    # An epoch of products whose batches are in the cache.
    Goal(LIMIT_IN_CACHE, LIMIT, "", 0),
]
COMPILED: Final = {"pytorch_compiled": "pytorch", "tensorflow_compiled": "tensorflow_keras", "jax_jit": "pytorch"}
"""Compiled implementation -> the one it is compared with: the same without compiling, or PyTorch for JAX."""
MEMORY: Final = ("numpy_scratch", 1.5)
"""The implementation whose peak resident memory has a goal, and the goal in multiples of the data set."""


@contextmanager
def contestants(names: Sequence[str], task: Task) -> Iterator[dict[str, CallProcess]]:
    """Start each in its process; one that is not available or fails is reported on stderr and left out."""
    with ExitStack() as stack:
        ready: dict[str, CallProcess] = {}
        for name in names:
            process = stack.enter_context(CallProcess(name, Contestant, timeout=SECONDS))
            try:
                process.loaded().call(Contestant.begin, task)
                ready[name] = process
            except CallError as error:
                print(f"{name}: left out: {error}", file=sys.stderr)
        yield ready


@contextmanager
def prepared(dataset: data.Dataset, spec: NetworkSpec, training: TrainingSpec) -> Iterator[Task]:
    """Write the data for all contestants to a file, and disable caches of compiled code."""
    os.environ["TORCHINDUCTOR_FORCE_DISABLE_CACHES"] = "1"
    with tempfile.TemporaryDirectory(prefix="samegrad-") as folder:
        path = Path(folder) / "data.npz"
        snapshot.save(dataset, path)
        yield Task(spec, training, path, dataset.digest)


def options(parser: argparse.ArgumentParser) -> None:
    """Add the options that all benchmarks have."""
    parser.add_argument(
        "--data-dir", type=Path, help="where MNIST is, or is downloaded to (default: $SAMEGRAD_DATA or data/)"
    )
    parser.add_argument("--dataset", default="mnist", choices=("mnist", "digits"))


def load(arguments: argparse.Namespace) -> data.Dataset:
    """Return the data set; exit with 3 if there is none."""
    try:
        return data.load(arguments.dataset, arguments.data_dir, offline=False)[0]
    except data.DataError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(3)


def main(argv: list[str]) -> None:
    """Measure and print; a goal that is not met does not change the exit code, as a timed test proves nothing."""
    parser = argparse.ArgumentParser(prog="benchmarks.speed", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    options(parser)
    arguments = parser.parse_args(argv)
    if arguments.rounds < 1:
        parser.error(f"--rounds: got {arguments.rounds}, expected a whole number of at least 1")
    dataset = load(arguments)
    rounds: list[dict[str, float]] = []
    console = Console(stderr=True)
    with prepared(dataset, SPEC, TRAINING) as task, contestants([*PEERS, *implementations.names()], task) as ready:
        first = {name: process.call(Contestant.epoch) for name, process in ready.items()}  # compiles, or warms up
        for _ in track(range(arguments.rounds), "rounds", console=console, disable=not console.is_terminal):
            rounds.append({name: process.call(Contestant.epoch) for name, process in ready.items()})
        memory = {name: process.call(Contestant.memory) for name, process in ready.items() if name == MEMORY[0]}
    print(report(first, rounds, memory, len(dataset.train), dataset.title))


def report(
    first: dict[str, float],
    rounds: list[dict[str, float]],
    memory: dict[str, tuple[int, int]],
    n_examples: int,
    title: str,
) -> str:
    """Return the tables: seconds, ratios with their goals, what compiling costs, memory."""
    steps = -(-n_examples // TRAINING.batch_size)
    seconds = {name: median(r[name] for r in rounds) for name in rounds[0]}
    times = [
        [name, *(f"{f([r[name] for r in rounds]):.3f}" for f in (median, min, max)), f"{of / steps * 1e6:.1f}"]
        for name, of in sorted(seconds.items(), key=lambda item: item[1])
    ]
    ratios = []
    for goal in GOALS:
        found = [r[goal.one] / r[goal.other] for r in rounds if {goal.one, goal.other} <= set(r)]
        if found:
            asked = f"{goal.kind} {goal.bound:g}" if goal.kind else ""
            cells = [f"{f(found):.2f}" for f in (median, min, max)]
            ratios.append([f"{goal.one} / {goal.other}", *cells, asked, goal.verdict(median(found))])
    compiling = []
    for name, plain in COMPILED.items():
        if {name, plain} <= set(seconds):
            extra, gain = first[name] - seconds[name], seconds[plain] - seconds[name]
            extra -= first[plain] - seconds[plain]
            paid = f"{max(extra, 0) / gain:.1f}" if gain > 0 else "never"
            compiling.append([name, f"{first[name]:.2f}", f"{first[name] - seconds[name]:.2f}", plain, paid])
    parts = [
        f"{title}\n{len(rounds)} rounds, 1 thread, {TRAINING.dtype}, batch {TRAINING.batch_size}, {facts()['cpu']}",
        tabulate(times, ["seconds per epoch", "median", "min", "max", "us per step"], disable_numparse=True),
        tabulate(ratios, ["ratio", "median", "min", "max", "goal", ""], disable_numparse=True),
    ]
    if compiling:
        headers = ["compiled", "first epoch, s", "of it compiling, s", "compared with", "pays off after epochs"]
        parts.append(tabulate(compiling, headers, disable_numparse=True))
    for name, (peak, size) in memory.items():
        goal = Goal(name, "x", "<=", MEMORY[1])
        text = f"peak memory of {name}: {peak / 1e6:.0f} MB, {peak / size:.2f} times the data set"
        parts.append(f"{text} ({size / 1e6:.0f} MB); goal <= {MEMORY[1]:g}: {goal.verdict(peak / size)}")
    return "\n\n".join(parts)


if __name__ == "__main__":
    main(sys.argv[1:])
