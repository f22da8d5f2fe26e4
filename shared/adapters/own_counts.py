"""How many examples a file of a person's own has, where its text or its arrays say so."""

import ast
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np

from shared.adapters.statements import called, evaluated, loaded

TRAINING_EXAMPLES: Final = {
    r"\b(Fashion|K)?MNIST\(|\bmnist\.load_data": 60_000,
    r"\bCIFAR100?\(|\bcifar100?\.load_data": 50_000,
}
"""What loads a data set -> the examples of its training part."""
TEST: Final = re.compile(r"(MNIST|CIFAR100?)\([^()]*(train=|, *)False")
OTHERS: Final = re.compile(r"test|valid|(^|_)val(_|$)", re.IGNORECASE)
"""Calls, and names, of another part of a data set."""
CHANGES: Final = re.compile(
    r"split|subset|concat|stack|append|insert|sample|take|skip|shard|filter|delete|repeat|compress|tile|choice|mask|chain|^cat$",
    re.IGNORECASE,
)
"""Functions and methods that may leave out examples, or add some."""


def count_of(nodes: Sequence[ast.AST], arrays: Iterable[Any] = ()) -> int:
    """Return the number of examples that statements make; 0 if it is not known.

    Parameters
    ----------
    nodes : the statements, as written, and expressions of what is taken at their end.
    arrays : what they made of the inputs, if anything.
    """
    if any(_changes_rows(each) for node in nodes for each in ast.walk(node)):
        return 0
    text = "\n".join(map(ast.unparse, nodes))
    known = [n for pattern, n in TRAINING_EXAMPLES.items() if re.search(pattern, text)]
    if not known:  # else something of ours stands for it
        return rows_of_arrays(arrays)
    is_other = TEST.search(text) or any(OTHERS.search(name) for node in nodes for name in loaded(node))
    return known[0] if len(known) == 1 and not is_other else 0


def rows_of_arrays(arrays: Iterable[Any]) -> int:
    """Return the rows of the first array of examples; 0 if there is none."""
    return next((len(each) for each in arrays if hasattr(each, "__array__") and np.ndim(each) > 1), 0)


def length_of(expression: ast.expr | None, scope: dict[str, Any]) -> int:
    """Return how many examples a data set or a DataLoader of a file has; 0 if what it loads is not there."""
    if expression is not None:
        with suppress(Exception):  # it is a stranger's file
            found = evaluated(expression, scope)
            return len(getattr(found, "dataset", found))
    return 0


def _changes_rows(node: ast.AST) -> bool:
    """Return whether something takes some examples, or others too: a part of an array, or a function that may."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
        first = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
        is_whole = isinstance(first, ast.Slice) and first.lower is first.upper is first.step is None
        return not (is_whole or (isinstance(first, ast.Constant) and isinstance(first.value, (int, str, type(...)))))
    return isinstance(node, ast.Call) and CHANGES.search(called(node)) is not None
