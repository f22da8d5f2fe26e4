"""What the engine of a sweep costs a task, and whether its processes grow: `python -m benchmarks.sweep --tasks 1000`.

The same tasks run twice: one after the other in this process, and by Dask on one worker.
"""

import argparse
import itertools
import statistics
import time
from pathlib import Path
from typing import Any, Final

import psutil

from shared.implementations import REFERENCE
from shared.processes import temporary
from shared.record.schema import Record
from shared.sweep import cluster, plan, run, task
from shared.sweep.grid import AXES, Cell

ALIKE: Final = 20
"""Tasks that run both ways."""


def planned(folder: Path, tasks: int, train_size: int) -> plan.Plan:
    """Return a sweep over so many seeds."""
    given: dict[str, Any] = {**dict.fromkeys(AXES), "implementation": [REFERENCE]}
    given |= {"dataset": "digits", "train_size": train_size, "epochs": 1}
    how: dict[str, Any] = {"data_dir": None, "offline": True, "resume": None, "timed": False, "timeout": 300}
    return plan.plan(given, {"seed": list(range(1, tasks + 1))}, [], output=folder, **how)


def direct(tasks: list[task.Task], content: bytes) -> list[float]:
    """Return the seconds of each task without an engine."""
    task.unpack(content, tasks[0].digest)
    seconds = []
    for each in tasks:
        start = time.perf_counter()
        task.work(each)
        seconds.append(time.perf_counter() - start)
    return seconds


def main() -> None:
    """Print the overhead and the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=ALIKE, help="tasks of Dask (default: %(default)s)")
    parser.add_argument("--train-size", type=int, default=1000, help="images (default: %(default)s)")
    arguments = parser.parse_args()
    with temporary.folder() as folder:
        found = planned(folder / "sweep", max(ALIKE, arguments.tasks), arguments.train_size)
        content = task.packed(found.dataset)
        alone = direct(found.tasks[:ALIKE], content)
        with cluster.connected(None, timed=True, workers=None) as client:
            client.register_plugin(cluster.data_plugin(content, found.record["digest"]))
            worker = psutil.Process(next(iter(client.run(_pid).values())))
            ends, memory = [time.perf_counter()], list[tuple[int, int]]()

            def keep(cell: Cell, record: Record) -> None:
                found.keep(cell, record)
                ends.append(time.perf_counter())
                memory.append((psutil.Process().memory_info().rss >> 20, worker.memory_info().rss >> 20))

            run.run(client, found.tasks, keep, lambda _: None)
    seconds = [b - a for a, b in itertools.pairwise(ends)]
    ours, engine = statistics.median(alone), statistics.median(seconds)
    print(f"a task alone: {ours:.3f} s; by Dask: {engine:.3f} s; overhead {1000 * (engine - ours):.0f} ms, "
          f"{100 * (engine / ours - 1):+.1f} % (medians of {len(alone)} and {len(seconds)})")  # fmt: skip
    for k in sorted({min(len(memory), n) for n in (10, 100, 500, 1000, len(memory))}):
        print(f"after {k:5} tasks: sweep {memory[k - 1][0]} MB, worker {memory[k - 1][1]} MB")


def _pid() -> int:
    import os

    return os.getpid()


if __name__ == "__main__":
    main()
