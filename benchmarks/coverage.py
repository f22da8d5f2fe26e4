"""How often the intervals of a table hold together, in simulated runs of known truth."""

from collections.abc import Callable
from itertools import product
from typing import Any, Final

import numpy as np
from tabulate import tabulate

from shared.measure import statistics

SCATTER: Final[dict[str, Callable[[int], Any]]] = {
    "equal": np.ones,
    "from 1 to 3": lambda rows: np.geomspace(1, 3, rows),
    "one of 5": lambda rows: np.array([5.0] + [1.0] * (rows - 1)),
    "heavy tails": np.ones,
}
"""Scatter of the rows, relative to each other; with heavy tails one value in ten is four times as far off."""
ROWS, ROUNDS = (3, 10), (3, 5, 7, 15)
LEAST_HELD, MOST_HELD, MOST_HELD_OF_TAILS = 0.93, 0.97, 0.99
"""Heavy tails widen Student's intervals, so that they hold more often than they say."""


def held(scatter: str, rows: int, rounds: int, runs: int) -> float:
    """Return the share of simulated runs in which the intervals of all rows hold the truth."""
    generator = np.random.default_rng([rows, rounds, len(scatter)])
    errors = generator.standard_normal((runs, rows, rounds)) * SCATTER[scatter](rows)[:, None]
    if scatter == "heavy tails":
        errors *= np.where(generator.random(errors.shape) < 0.1, 4, 1)
    count = 0
    for run in (0.02 * errors).tolist():
        found = statistics.pooled({str(row): values for row, values in enumerate(run)}, rows)
        count += all((e.low or 0) <= 0 <= (e.high or 0) for e in found.values())
    return count / runs


def coverage(runs: int) -> str:
    """Return the table of all cases."""
    cells = [
        [scatter, rows, *(f"{100 * held(scatter, rows, rounds, runs):.1f}" for rounds in ROUNDS)]
        for scatter, rows in product(SCATTER, ROWS)
    ]
    headers = ["scatter", "rows", *(f"{rounds} rounds" for rounds in ROUNDS)]
    return tabulate(cells, headers, disable_numparse=True) + f"\n% of {runs:,} simulated runs, goal 93 to 97"
