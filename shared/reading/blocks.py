"""Find the training loops of a file, and make them run once."""

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Final

from shared.boundary import parsed
from shared.reading.source import Source

SHARE: Final = 0.6
"""An inner loop with this share of the statements is one over batches or examples, not over layers."""
NOTED: Final = "what_is_assigned"
"""The name of a function of ours in the body of a loop."""


@dataclass
class Block:
    """A training loop, and where it stands."""

    name: str
    """of the function; "" for a script"""
    prelude: list[ast.stmt]
    """what the function does before it"""
    body: ast.stmt
    """the loop, made to run once"""
    line: int
    is_nested: bool
    """whether batches or examples are taken one after the other"""


def blocks(source: Source) -> Iterator[Block]:
    """Yield the training loops of a file."""
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.FunctionDef, ast.Module, ast.If)):
            if isinstance(node, ast.If) and "__name__" not in ast.unparse(node.test):
                continue
            name = node.name if isinstance(node, ast.FunctionDef) else ""
            for i, statement in enumerate(node.body):
                if isinstance(statement, (ast.For, ast.While)) and _size(statement) >= 4:
                    body, is_nested = _once(statement)
                    before = copy.deepcopy(node.body[:i]) if name else []
                    yield Block(name, [*map(NoReturn().visit, before)], body, statement.lineno, is_nested)


def _size(node: ast.AST) -> int:
    return sum(isinstance(each, ast.stmt) for each in ast.walk(node)) - 1


def _once(loop: ast.For | ast.While) -> tuple[ast.stmt, bool]:
    """Return a loop that ends after its first turn, with the loops over batches in it; and whether there are some."""
    body: list[ast.stmt] = []
    is_nested = False
    for statement in loop.body:
        if isinstance(statement, (ast.For, ast.While)) and _size(statement) >= SHARE * _size(loop):
            inner, _ = _once(statement)
            body.append(inner)
            is_nested = True
        else:
            body.append(statement)
    body = [*map(NoReturn().visit, chain.from_iterable(map(_noted, body))), ast.Break()]
    made: ast.stmt
    if isinstance(loop, ast.For):
        made = ast.For(loop.target, loop.iter, body, [], lineno=loop.lineno)
    else:
        made = ast.While(ast.Constant(True), body, [], lineno=loop.lineno)
    return ast.fix_missing_locations(ast.copy_location(made, loop)), is_nested


def _noted(statement: ast.stmt) -> list[ast.stmt]:
    """Return a statement, and one that notes the value of a name: dscores = probs changes probs later on."""
    targets = statement.targets if isinstance(statement, ast.Assign) else []
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    return [statement, *(parsed(f"{NOTED}({name!r}, {name})").body[0] for name in names)]


class NoReturn(ast.NodeTransformer):
    """Return ends a function; a body that is run alone has none."""

    def visit_Return(self, node: ast.Return) -> ast.stmt:
        """Leave out a return."""
        return ast.copy_location(ast.Pass(), node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.stmt:
        """Leave a function within it as it is."""
        return node
