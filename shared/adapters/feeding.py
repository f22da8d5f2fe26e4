"""Which part of a batch each name of a training loop gets: found once, so that a step that is timed only assigns."""

import ast
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, Final

import numpy as np

from shared.adapters.loop_bodies import SHUFFLED
from shared.reading.names import has_role

ORDERED: Final = re.compile(rf"{SHUFFLED.pattern}|split\(|chunk\(|order|ind(ex|ices)|perm")
"""What a loop goes over that gives rows, not examples."""

BESIDE: Final = re.compile(r"^(enumerate\(|zip\(((itertools\.)?count|t?range)\()")
"""A counter beside the batches."""


class Parts:
    """Names, each with a part of a batch: "x", "y", "order", "array" (an order of NumPy), a number, or several.

    Several are in a tuple, or in a table by words.
    """

    def __init__(self, named: dict[str, Any]) -> None:
        self.named = named
        self.has_order = not {"order", "array"}.isdisjoint(map(str, named.values()))

    def __call__(self, x: Any, y: Any, order: Callable[[], Any]) -> dict[str, Any]:
        """Return the names with their parts of a batch; `order` returns all of its rows."""
        values = {"x": x, "y": y}
        if self.has_order:
            rows = order()
            values |= {"order": rows, "array": np.asarray(rows)}
        return {name: _filled(part, values) for name, part in self.named.items()}


def _filled(part: Any, values: dict[str, Any]) -> Any:
    if isinstance(part, str):
        return values[part]
    if isinstance(part, tuple):
        return tuple(_filled(each, values) for each in part)
    return {word: values[name] for word, name in part.items()} if isinstance(part, dict) else part


def variables(target: ast.expr, over: str, text: str) -> dict[str, Any]:
    """Return the loop's variables with their parts: (x, y), (k, (x, y)), an order of rows, or a number.

    Parameters
    ----------
    over : what the loop goes over.
    text : of the file.
    """
    single = "order" if ORDERED.search(over) else batch_of(text, "x", "y")
    if isinstance(target, (ast.Tuple, ast.List)):
        is_nested = isinstance(target.elts[-1], (ast.Tuple, ast.List))
        is_counted = is_nested or "enumerate(" in over or BESIDE.search(over)
        return assigned(target, (0, ("x", "y") if is_nested else single) if is_counted else ("x", "y"))
    return assigned(target, 0 if "range(" in over and not SHUFFLED.search(over) else single)


def assigned(target: ast.expr, part: Any) -> dict[str, Any]:
    """Return the names in a target of an assignment, each with its part of what is assigned."""
    if isinstance(target, ast.Name):
        return {target.id: part}
    if not (isinstance(target, (ast.Tuple, ast.List)) and isinstance(part, tuple)):
        return {}
    pairs = zip(target.elts, part, strict=False)
    return {name: each for one, its in pairs for name, each in assigned(one, its).items()}


def batch_of(text: str, x: Any, y: Any) -> Any:
    """Return (x, y), or a dictionary where the file has one, such as batch["image"]."""
    return next((table for name, table in tables(text, x, y).items() if "batch" in name or name == "data"), (x, y))


def tables(text: str, x: Any, y: Any) -> dict[str, dict[str, Any]]:
    """Return the data that a file looks up by words, such as train["image"], by the names of what it looks into."""
    return {name: {word: x if is_x else y for word, is_x in words.items()} for name, words in _looked_up(text).items()}


@lru_cache(maxsize=8)
def _looked_up(text: str) -> dict[str, dict[str, bool]]:
    """Return the words by which a file looks up inputs (True) and targets (False), by what it looks into for both."""
    found: dict[str, dict[str, bool]] = {}
    for name, word in re.findall(r"""\b(\w+)\[["'](\w+)["']\]""", text):
        if has_role(word, "x") or has_role(word, "y"):
            found.setdefault(name, {})[word] = has_role(word, "x")
    return {name: words for name, words in found.items() if len(set(words.values())) > 1}
