"""What the verdicts are worth on this machine: python -m benchmarks.sensitivity --part PART.

Copies of `numpy_scratch`, some of which take a known time longer, are compared with it as if they were files of
strangers, on an otherwise idle machine and beside processes that this program starts. Each finished run is a line of a
file, so that a part that was stopped goes on where it was. Without --part, the table of all that has been measured.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import stdev
from typing import Any, Final

from tabulate import tabulate

from benchmarks.coverage import coverage
from shared.api.runs import Run, compare
from shared.implementations import REFERENCE
from shared.measure import paired
from shared.measure.statistics import FASTER, NO_DIFFERENCE, SLOWER
from shared.options import DEFAULTS
from shared.processes import environment
from shared.report import difference, numbers
from shared.report.summary import turns_of

SOURCE: Final = environment.ROOT / "impls" / f"{REFERENCE}.py"
SLOWER_COPY: Final = """
import time

class Network(Network):
    def train(self, order):
        begun = time.process_time_ns()
        super().train(order)
        end = begun + {slower} * (time.process_time_ns() - begun)
        while time.process_time_ns() < end:
            pass
"""
"""It computes the same, and then waits, with its CPU, for a share of the CPU time that this took."""
LOADS: Final = {
    "idle": (),
    "busy": ("while True: pass",) * 2,
    "memory": ("import numpy as np\na = np.ones(50_000_000)\nwhile True: a += 1",),
}
"""What runs beside: nothing, two busy loops, or a process that keeps the memory busy."""
QUICK: Final[dict[str, Any]] = {"train_size": 5000, "test_size": 1000, "epochs": 1, "offline": True}
APART: Final = 3600.0
"""Seconds between the two runs of `diff`."""


@dataclass(frozen=True)
class Part:
    """Runs of one kind: copies that are so much slower, in so many rounds, beside these loads."""

    copies: tuple[float, ...]
    rounds: int
    loads: tuple[str, ...]
    runs: int
    goal: str
    minutes: str
    """how long it takes, for each load"""


PARTS: Final = {
    "false-verdicts": Part((0.0, 0.0), DEFAULTS["rounds"], ("idle", "busy"), 50, "<= 5 %", "25"),
    "plus15": Part((0.15,), 7, ("busy",), 20, ">= 18 of 20", "15"),
    "plus5": Part((0.05,), 7, ("idle",), 20, ">= 18 of 20", "12"),
    "sd": Part((0.0,), 20, ("idle", "busy", "memory"), 1, "<= 3 %, <= 5 %, -", "2"),
}
"""Also coverage (simulated, 2 minutes) and diff (an hour, of which it waits most)."""


def copies(folder: Path, shares: Sequence[float]) -> list[str]:
    """Write copies of the reference that take so much longer; return their paths."""
    paths = []
    for number, share in enumerate(shares):
        path = folder / f"copy_{number}.py"
        path.write_text(SOURCE.read_text(encoding="utf-8") + (SLOWER_COPY.format(slower=1 + share) if share else ""))
        paths.append(str(path))
    return paths


@contextmanager
def beside(load: str) -> Iterator[None]:
    """Let other processes run meanwhile."""
    with ExitStack() as stack:
        for code in LOADS[load]:
            process = stack.enter_context(subprocess.Popen([sys.executable, "-c", code]))
            stack.callback(process.kill)
        yield


def measured(shares: Sequence[float], rounds: int, folder: Path, seed: int = 1) -> Run:
    """Return a run of the reference and such copies."""
    output = folder / f"run-{time.monotonic_ns()}"
    return compare(REFERENCE, *copies(folder, shares), rounds=rounds, output=output, seed=seed, **QUICK)


def line(part: str, load: str, number: int, run: Run, seconds: float) -> dict[str, Any]:
    """Return what is kept of a run."""
    taken, rows = turns_of(run.record), []
    for row in run.rows:
        if row.name != REFERENCE:
            logs = paired.log_ratios(taken[row.name]) if row.turns else []
            had = row.turns.had if row.turns else None
            rows.append({"ratio": row.ratio, "verdict": row.verdict, "logs": logs, "had": had})
    return {"part": part, "load": load, "run": number, "rows": rows, "seconds": seconds}


def take(part: str, runs: int | None, kept: Path) -> None:
    """Take the runs of a part that are missing."""
    which = PARTS[part]
    for load in which.loads:
        done = sum(of["part"] == part and of["load"] == load for of in lines(kept))
        for number in range(done, which.runs if runs is None else runs):
            begun = time.monotonic()
            with tempfile.TemporaryDirectory(prefix="samegrad-") as folder, beside(load):
                run = measured(which.copies, which.rounds, Path(folder), seed=1 + number)
            append(kept, line(part, load, number, run, time.monotonic() - begun))


def take_diff(kept: Path, apart: float) -> None:
    """Take a run, wait, take two more, one of them 10 % slower, and compare them with the first."""
    with tempfile.TemporaryDirectory(prefix="samegrad-") as name:
        folder = Path(name)
        first, begun = measured((0.0,), 7, folder), time.monotonic()
        time.sleep(max(0.0, apart - (time.monotonic() - begun)))
        for share, load in ((0.0, "same"), (0.1, "plus10")):
            again = measured((share,), 7, folder)
            change = next(c for c in difference.changes(first.record, again.record) if c.name == "copy_0")
            rows: list[Any] = [{"ratio": change.ratio, "verdict": change.verdict, "logs": [], "had": None}]
            append(kept, {"part": "diff", "load": load, "run": 0, "rows": rows, "seconds": time.monotonic() - begun})


def append(kept: Path, found: dict[str, Any]) -> None:
    """Keep a run, and say what it gave."""
    with kept.open("a", encoding="utf-8") as file:
        file.write(json.dumps(found) + "\n")
    rows = [
        f"{row['ratio'][0]:.3f} [{row['ratio'][1]:.3f}-{row['ratio'][2]:.3f}] {row['verdict']}" for row in found["rows"]
    ]
    print(f"{found['part']}, {found['load']}, run {found['run'] + 1}: {'; '.join(rows)}", file=sys.stderr, flush=True)


def lines(kept: Path) -> list[dict[str, Any]]:
    """Return all runs that have been kept."""
    return [json.loads(text) for text in kept.read_text(encoding="utf-8").splitlines()] if kept.exists() else []


def table(found: list[dict[str, Any]]) -> str:
    """Return a line for each part and load."""
    cells = []
    for part, load in dict.fromkeys((of["part"], of["load"]) for of in found):
        of_part = [of for of in found if (of["part"], of["load"]) == (part, load)]
        rows = [row for of in of_part for row in of["rows"]]
        verdicts = [row["verdict"] for row in rows]
        wrong, slower = sum(v in (FASTER, SLOWER) for v in verdicts), sum(v == SLOWER for v in verdicts)
        logs = [log for row in rows for log in row["logs"]]
        widths = sorted((row["ratio"][2] / row["ratio"][1]) ** 0.5 - 1 for row in rows if row["ratio"][1])
        sd = f"{100 * stdev(logs):.1f} %" if len(logs) > 1 else numbers.NONE
        shares = [row["had"] for row in rows if row["had"] is not None]
        verdict = f"{wrong} of {len(rows)} false" if part in ("false-verdicts", "sd") else f"{slower} of {len(rows)}"
        if part == "diff":
            verdict = verdicts[-1] or NO_DIFFERENCE
        goal = {"same": NO_DIFFERENCE, "plus10": SLOWER}.get(load) or PARTS[part].goal
        cells.append(
            [
                part,
                load,
                str(len(of_part)),
                verdict,
                goal,
                sd,
                f"{100 * widths[len(widths) // 2]:.1f} %" if widths else numbers.NONE,
                f"{100 * sum(shares) / len(shares):.0f} %" if shares else numbers.NONE,
                f"{sum(of['seconds'] for of in of_part) / len(of_part):.0f}",
            ]
        )
    headers = ["part", "beside it", "runs", "verdicts", "goal", "sd of a\nround's log", "half width,\nmedian"]
    return tabulate(cells, [*headers, "of a CPU", "s a run"], disable_numparse=True)


def main(argv: list[str]) -> None:
    """Take a part, then print the table of everything that is kept."""
    parser = argparse.ArgumentParser(prog="benchmarks.sensitivity", description=__doc__.partition("\n")[0])
    times = [f"{name} ({part.minutes} minutes for each of {', '.join(part.loads)})" for name, part in PARTS.items()]
    parts = ", ".join([*times, "coverage (2 minutes)", "diff (65 minutes)"])
    parser.add_argument("--part", choices=(*PARTS, "coverage", "diff"), help=parts)
    parser.add_argument("--runs", type=int, help="so many runs instead of those of the goals")
    parser.add_argument("--apart", type=float, default=APART, help="seconds between the two runs of diff")
    kept = "the file of all runs (default: results/sensitivity.jsonl)"
    parser.add_argument("--kept", type=Path, default=environment.ROOT / "results" / "sensitivity.jsonl", help=kept)
    arguments = parser.parse_args(argv)
    if arguments.part == "coverage":
        print(coverage(arguments.runs or 2000))
        return
    if arguments.part == "diff":
        take_diff(arguments.kept, arguments.apart)
    elif arguments.part:
        take(arguments.part, arguments.runs, arguments.kept)
    print(table(lines(arguments.kept)))


if __name__ == "__main__":
    main(sys.argv[1:])
