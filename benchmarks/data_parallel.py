"""What sharing each batch among K workers costs on one machine, and what the naive mean is off by.

python -m benchmarks.data_parallel: microseconds per step of 784-30-10 (float32, one thread a worker) for K = 1, 2 and 4
in every data-parallel implementation, beside the implementation that it subclasses, which is one process; what sharing
costs: the all-reduce, the wrapper and the waiting; and the relative error of the mean of the shares' own means.
"""

import argparse
import sys
from typing import Final

import numpy as np
from rich.console import Console
from rich.progress import track
from tabulate import tabulate

from benchmarks.scaling import step_seconds
from benchmarks.speed import contestants, load, options, prepared
from impls.numpy_scratch import Network
from shared import implementations, initial
from shared.agreement.finite_differences import flatten
from shared.data import Dataset
from shared.interface import Array
from shared.measure.machine import facts
from shared.processes.calls import CallError
from shared.spec import NetworkSpec, TrainingSpec, shares

WORKERS: Final = (1, 2, 4)
BATCHES: Final = (10, 512)
NAIVE: Final = ((10, 2), (10, 3), (10, 4), (10, 7), (64, 3), (64, 7), (512, 3), (512, 7))
"""(examples, workers) for which the naive mean is computed."""
SPEC: Final = NetworkSpec()


def naive_error(dataset: Dataset, n: int, workers: int) -> float:
    """Return the relative error of the mean of the means of shares, in float64, at the initial parameters."""
    training = TrainingSpec(dtype="float64", batch_size=n)
    network = Network(SPEC, training, initial.draw_parameters(SPEC, training))
    x, y = dataset.train.first(n).arrays("float64")

    def gradient(part: slice) -> Array:
        return flatten(network.loss_and_gradients(x[part], y[part])[1])

    exact = gradient(slice(None))
    naive = np.mean([gradient(part) for part in shares(n, workers)], axis=0)
    return float(np.linalg.norm(naive - exact) / np.linalg.norm(exact))


def main(argv: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.data_parallel", description=__doc__.partition("\n")[0])
    options(parser)
    dataset = load(parser.parse_args(argv))
    console = Console(stderr=True)
    siblings = {
        name: implementations.base(name) for name in filter(implementations.is_data_parallel, implementations.names())
    }
    found: dict[tuple[str, int, int], float] = {}
    runs = [(name, k) for name in siblings for k in WORKERS] + [(str(name), 1) for name in siblings.values()]
    for name, workers in track(runs, console=console, disable=not console.is_terminal):
        # one after the other, for those that wait may use the CPUs; a process has as many devices as it starts with
        with prepared(dataset, SPEC, TrainingSpec(workers=workers)) as task, contestants([name], task) as ready:
            for batch in (*BATCHES, workers):
                training = TrainingSpec(batch_size=batch, workers=workers)
                for process in ready.values():
                    try:
                        found[name, batch, workers] = step_seconds(process, SPEC, training, len(dataset.train))
                    except CallError as error:
                        print(f"{name}, batch {batch}, {workers} workers: {error}", file=sys.stderr)
    print(report(found, siblings), "", naive(dataset), sep="\n")


def report(found: dict[tuple[str, int, int], float], siblings: dict[str, str | None]) -> str:
    """Return the tables of the times."""
    machine = facts()
    parts = [f"{machine['cpu']}, {machine['logical_cpus']} CPUs; {SPEC}, float32, one thread a worker"]
    for batch in BATCHES:
        lines = [
            [name, _us(found, str(sibling), batch, 1), *(_us(found, name, batch, k) for k in WORKERS)]
            for name, sibling in siblings.items()
        ]
        headers = [f"us a step, batch {batch}", "one process", *(f"K = {k}" for k in WORKERS)]
        parts.append(
            tabulate(lines, headers, disable_numparse=True, colalign=("left", *["right"] * (len(WORKERS) + 1)))
        )
    lines = [
        [name, *(_us(found, name, k, k, found.get((str(s), 1, 1))) for k in WORKERS)] for name, s in siblings.items()
    ]
    parts.append(tabulate(lines, ["us, cost of sharing", *(f"K = {k}" for k in WORKERS)], disable_numparse=True))
    parts.append("cost of sharing: a step of K examples by K workers, less a step of one example in one process")
    return "\n\n".join(parts)


def _us(found: dict[tuple[str, int, int], float], name: str, batch: int, workers: int, less: float | None = 0.0) -> str:
    seconds = found.get((name, batch, workers))
    return "" if seconds is None or less is None else f"{1e6 * (seconds - less):,.0f}"


def naive(dataset: Dataset) -> str:
    """Return the table of the naive mean's errors."""
    lines = []
    for n, workers in NAIVE:
        sizes = sorted({part.stop - part.start for part in shares(n, workers)})
        lines.append([n, workers, " or ".join(map(str, sizes)), f"{naive_error(dataset, n, workers):.1e}"])
    return tabulate(lines, ["examples", "workers", "in a share", "error of the mean of means"])


if __name__ == "__main__":
    main(sys.argv[1:])
