"""Which examples an epoch of a file's own loop takes, and in which order: it is run over a few, and watched."""

import ast
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from shared.adapters.loop_bodies import without_jumps
from shared.adapters.loop_data import TrainingData
from shared.adapters.loops import Loop
from shared.adapters.pipelines import Order
from shared.adapters.preparation import Preparation
from shared.adapters.statements import changed, loaded
from shared.interface import Array
from shared.reading.names import has_role

MOST: Final = 1003
"""Examples in which the size of a batch is found."""
MOST_STEPS: Final = 12
TRIALS: Final = 8
CLOSE: Final = 1e-3
"""Relative difference of rows that are the same."""
NOTED: Final = "_noted"
"""Name of what is called at the end of each step."""


class Port(Protocol):
    """A file of PyTorch or JAX, of which the loop can be run as a whole."""

    path: Path
    scope: dict[str, Any]
    loop: Loop | None
    trains: TrainingData | None
    preparation: Preparation | None
    inputs: tuple[int, ...]
    n_out: int

    def names(self) -> set[str]:
        """Return the names of the model."""

    def afresh(self) -> None:
        """Start again as it was loaded."""

    def as_taken(self, x: Array) -> Any:
        """Return examples as the loop takes them."""

    def as_targets(self, y: Array) -> Any:
        """Return labels, or numbers, as the loss takes them."""

    def heard(self) -> AbstractContextManager[Callable[[], Array | None]]:
        """Listen to the model; what is yielded returns what it got since the last call, and was trained with."""


class _EnoughError(Exception):
    """So many steps were seen."""


def order_of(port: Port) -> Order | None:
    """Return what an epoch of the file's loop takes; None where that cannot be seen, or where a step takes all."""
    if port.loop is None or port.trains is None:
        return None
    found = port.trains.order(port.scope)
    if found is not None or port.trains.loader is not None:
        return found
    if port.preparation is None or not port.trains.can_be_rerun:
        return None
    with suppress(Exception):  # it is a stranger's file, and what is not seen is not said
        first = _taken(port, MOST, 1)
        batch = len(first[0]) if first else MOST
        if batch >= MOST:
            return None
        n = 2 * batch + max(1, batch // 2) + (batch == 1)
        steps = _taken(port, n, MOST_STEPS)
        rows = np.concatenate(steps)
        if not port.loop.counts:  # a generator may give several epochs
            rows = rows[: next((k for k in range(len(rows)) if rows[k] in rows[:k]), len(rows))]
        elif len(steps) == MOST_STEPS or len(set(rows)) < len(rows):  # rows by chance: there are no epochs
            return Order(shuffled=True, drops_last=False)
        return Order(bool((np.diff(rows) < 0).any()), len(rows) < n, batch)
    return None


def _taken(port: Port, n: int, most: int) -> list[Array]:
    """Return the rows of n examples that each of the first steps of an epoch takes."""
    x = np.random.default_rng(3).random((n, *port.inputs))
    y = np.zeros(n) if port.n_out == 1 else np.arange(float(n)) % port.n_out
    port.afresh()
    scope = _scope(port, port.as_taken(x), port.as_targets(y))
    seen = list[Array]()
    with suppress(_EnoughError), port.heard() as heard:

        def noted() -> None:
            rows = heard()
            if rows is not None and len(rows):
                seen.append(rows.reshape(len(rows), -1).astype(float))
            if len(seen) == most or rows is None or not len(rows):
                raise _EnoughError

        exec(_epoch(port), scope | {NOTED: noted})
    port.afresh()
    rows = rows_of(np.concatenate(seen), x.reshape(n, -1)) if seen else np.zeros(0, int)
    return np.split(rows, np.cumsum([len(each) for each in seen])[:-1])


def rows_of(got: Array, x: Array) -> Array:
    """Return which rows of x these are, each feature of which may have been scaled.

    Raises
    ------
    ValueError
        If they are none of them.
    """
    # As they are; then by the mean and the deviation of each feature; then by a line through the pairs so found.
    guess, n_different, centred = got, len(np.unique(got, axis=0)), got - got.mean(0)
    for trial in range(TRIALS):
        rows: Array = ((x**2).sum(1) - 2 * guess @ x.T).argmin(1)
        if np.abs(guess - x[rows]).max() < CLOSE * np.abs(x).max() and len(np.unique(rows)) == n_different:
            return rows
        if trial == 0:
            guess = centred / (got.std(0) + 1e-30) * x.std(0) + x.mean(0)
        else:
            guess = centred * (centred * x[rows]).sum(0) / ((centred**2).sum(0) + 1e-30) + x[rows].mean(0)
    raise ValueError(f"got {len(got)} rows, expected some of these {len(x)}")


def _scope(port: Port, x: Any, y: Any) -> dict[str, Any]:
    """Return the names that the loop sees, with these examples as the data; what counts them is counted again."""
    assert port.preparation is not None
    assert port.loop is not None
    assert port.trains is not None
    scope, chains = dict(port.scope), port.preparation.chains
    for (names, others), role, value in ((chains, "x", x), (chains[::-1], "y", y)):
        scope.update({name: value for name in names if name not in others or has_role(name, role)})
    for names, value in zip(port.loop.data_names(port.names()), (x, y), strict=True):
        scope.update(dict.fromkeys(names, value))
    counted = {name for name, value in scope.items() if type(value) is int}
    for node in port.trains.before:
        if isinstance(node, ast.Assign) and changed(node) <= counted and loaded(node) & scope.keys():
            with suppress(Exception):
                exec(compile(ast.Module([node], []), "<counts>", "exec"), scope)
    return scope


def _epoch(port: Port) -> Any:
    """Return the loop, with what precedes it in the loop around it."""
    assert port.loop is not None
    loop = port.loop.node
    assert isinstance(loop, ast.For)
    outer = next((node for node in reversed(port.loop.above) if isinstance(node, (ast.For, ast.While))), None)
    before = [] if outer is None else outer.body[: next(k for k, n in enumerate(outer.body) if loop in ast.walk(n))]
    note = ast.copy_location(ast.Expr(ast.Call(ast.Name(NOTED, ast.Load()), [], [])), loop.body[-1])
    body = [*without_jumps(loop.body, jumps=True), note]
    whole = ast.copy_location(ast.For(loop.target, loop.iter, body, []), loop)
    code = ast.fix_missing_locations(ast.Module([*without_jumps(before), whole], []))
    return compile(code, str(port.path), "exec")
