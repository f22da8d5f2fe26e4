"""Of what an item of a data set of a file is made."""

import ast
import copy
from collections.abc import Sequence
from typing import NamedTuple

from shared.adapters.loop_bodies import stored
from shared.adapters.statements import called, loaded
from shared.adapters.written_out import IMAGE_SET, INSTANCE, WrittenOut, of_self
from shared.reading.names import has_role

Key = int | str
Given = Sequence[tuple[ast.stmt, ast.expr]]


class Parts(NamedTuple):
    """What an item of a data set is made of."""

    keys: tuple[Key, Key]
    """of its inputs and its targets: places, or words of a dictionary"""
    names: tuple[set[str], set[str]] | None = None
    """of which each is made; None if that is not known"""
    text: str = ""
    """of what makes an item"""


def parts_of(made: ast.Call, writer: WrittenOut) -> Parts | None:
    """Return what an item of the data set that a call makes is made of; None if it is not known here."""
    if called(made) == IMAGE_SET:
        return Parts((0, 1))
    first = made.args[0] if made.args else None
    name = first.id if called(made) == INSTANCE and isinstance(first, ast.Name) else called(made)
    if name not in writer.sets:
        return None
    method = copy.deepcopy(writer.functions[f"{name}.__getitem__"])
    kept = {each.arg: each.value for each in made.keywords if called(made) == INSTANCE}
    text = ast.unparse(method := _Kept(kept).visit(method))
    nodes = list(ast.walk(method))
    given = [(n, n.value) for n in nodes if isinstance(n, (ast.Assign, ast.AugAssign, ast.AnnAssign)) and n.value]
    returned = [n.value for n in nodes if isinstance(n, ast.Return) and n.value is not None]
    returned += [v for n, v in given if any(isinstance(r, ast.Name) and r.id in stored(n) for r in returned)]
    for pair in map(_pair, returned):
        if len(pair) == len(("x", "y")):
            (x, of_x), (y, of_y) = pair.items()
            return Parts((x, y), (_flow(of_x, given), _flow(of_y, given)) if kept else None, text)
    return Parts((0, 1), None, text)


class _Kept(ast.NodeTransformer):
    """Takes what an object keeps by the names that stand for it."""

    def __init__(self, kept: dict[str | None, ast.expr]) -> None:
        self.kept = kept

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        self.generic_visit(node)
        return self.kept.get(of_self(node), node)


def _pair(value: ast.expr) -> dict[Key, ast.expr]:
    """Return the inputs and the targets that an expression gives, by their places or their words."""
    if isinstance(value, ast.Tuple):
        return dict(enumerate(value.elts))
    if not isinstance(value, ast.Dict):
        return {}
    words = {str(k.value): v for k, v in zip(value.keys, value.values, strict=True) if isinstance(k, ast.Constant)}
    return {word: words[word] for role in "xy" for word in words if has_role(word, role)}


def _flow(expression: ast.expr, given: Given) -> set[str]:
    """Return the names on which an expression depends, whatever the order of the statements."""
    found, before = loaded(expression), 0
    while len(found) > before:
        before = len(found)
        for node, value in given:
            found |= loaded(value) if stored(node) & found else set()
    return found
