"""Which examples an epoch of a file's own loop takes, and in which order: it is run over a few, and watched."""

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shared.adapters.loop_bodies import SHUFFLED, without_jumps
from shared.adapters.loop_data import Order, loader_order, preceding
from shared.adapters.port import first_of
from shared.adapters.preparation import changed, loaded
from shared.interface import Array

if TYPE_CHECKING:
    from shared.adapters.torch_module import TorchPort

MOST: Final = 1003
"""Examples in which the size of a batch is found."""
MOST_STEPS: Final = 12


class _EnoughError(Exception):
    """So many steps were seen."""


def order_of(port: "TorchPort") -> Order | None:
    """Return what an epoch of the file's loop takes; None where that cannot be seen, or where a step takes all."""
    if port.loop is None:
        return None
    if (by_loader := loader_order(port.loop, port.scope)) is not None:
        return by_loader
    if isinstance(port.loop.node, ast.For) and SHUFFLED.search(ast.unparse(port.loop.node.iter)):
        return Order(shuffled=True, drops_last=False)
    if port.preparation is None or not port.loop.counts:
        return None
    with suppress(Exception):  # it is a stranger's file, and what is not seen is not said
        first = _taken(port, MOST, 1)
        batch = len(first[0]) if first else MOST
        if batch >= MOST:
            return None
        n = 2 * batch + max(1, batch // 2) + (batch == 1)
        steps = _taken(port, n, MOST_STEPS)
        rows = np.concatenate(steps)
        if len(steps) == MOST_STEPS or len(set(rows)) < len(rows):  # rows by chance: there are no epochs
            return Order(shuffled=True, drops_last=False)
        return Order(bool((np.diff(rows) < 0).any()), len(rows) < n)
    return None


def _taken(port: "TorchPort", n: int, most: int) -> list[Array]:
    """Return the rows of n examples that each of the first steps of an epoch takes."""
    x = np.random.default_rng(3).random((n, *port.inputs))
    y = np.zeros(n) if port.n_out == 1 else np.arange(float(n)) % port.n_out
    port.restart()
    scope = _scope(port, port.as_taken(x), port.as_targets(y))
    seen = list[Array]()
    with suppress(_EnoughError), port.watched({}), _rows(port.module, seen, most):
        exec(_epoch(port), scope)
    port.restart()
    flat = x.reshape(n, -1)
    norms = (flat**2).sum(1)
    return [(norms - 2 * rows @ flat.T).argmin(1) for rows in seen]


def _scope(port: "TorchPort", x: Any, y: Any) -> dict[str, Any]:
    """Return the names that the loop sees, with these examples as the data; what counts them is counted again."""
    assert port.preparation is not None
    assert port.loop is not None
    scope, chains = dict(port.scope), port.preparation.chains
    for names, others, value in ((chains[0], chains[1], x), (chains[1], chains[0], y)):
        scope.update(dict.fromkeys(names - others, value))
    for names, value in zip(port.loop.data_names(port.names()), (x, y), strict=True):
        scope.update(dict.fromkeys(names, value))
    counted = {name for name, value in scope.items() if type(value) is int}
    for node in preceding(port.loop):
        if isinstance(node, ast.Assign) and changed(node) <= counted and loaded(node) & scope.keys():
            with suppress(Exception):
                exec(compile(ast.Module([node], []), "<counts>", "exec"), scope)
    return scope


def _epoch(port: "TorchPort") -> Any:
    """Return the loop, with what precedes it in the loop around it."""
    assert port.loop is not None
    loop = port.loop.node
    assert isinstance(loop, ast.For)
    outer = next((node for node in reversed(port.loop.above) if isinstance(node, (ast.For, ast.While))), None)
    before = [] if outer is None else outer.body[: next(k for k, n in enumerate(outer.body) if loop in ast.walk(n))]
    whole = ast.copy_location(ast.For(loop.target, loop.iter, without_jumps(loop.body, jumps=True), []), loop)
    code = ast.fix_missing_locations(ast.Module([*without_jumps(before), whole], []))
    return compile(code, str(port.path), "exec")


@contextmanager
def _rows(module: Any, seen: list[Array], most: int) -> Iterator[None]:
    """Record what the module gets for each call of backward."""
    tensor, given = sys.modules["torch"].Tensor, dict[str, Any]()
    backward = tensor.backward

    def noted(loss: Any, *arguments: Any, **named: Any) -> None:
        backward(loss, *arguments, **named)
        rows = given.pop("inputs").detach().numpy()
        if not len(rows):
            raise _EnoughError
        seen.append(rows.reshape(len(rows), -1).astype(float))
        if len(seen) == most:
            raise _EnoughError

    def heard(_: Any, inputs: Any, named: Any) -> None:
        given.setdefault("inputs", first_of(inputs, named))

    hook = module.register_forward_pre_hook(heard, with_kwargs=True)
    tensor.backward = noted
    try:
        yield
    finally:
        tensor.backward = backward
        hook.remove()
