"""Where in a file its training loop is: by the names of what asks for gradients."""

import ast
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from shared.adapters.loop_bodies import stored
from shared.adapters.loops import Loop
from shared.adapters.named_models import names_of
from shared.reading.source import Source

WRAPPERS: Final = ("jit", "filter_jit", "partial")
"""What makes a function of a function."""


def training_loop(source: Source, begins: tuple[str, ...] = ("backward",), asked: str = "") -> Loop | None:
    """Return the innermost loop in which gradients are asked for, by one of these names; None if there is none.

    Parameters
    ----------
    asked : the name of the model that is to be trained, of several that the file trains with the same function.
    """
    found = list(_loops(source.tree, [], stepping(source, begins)))
    if not found:
        return None
    node, above = max(found, key=lambda each: len(each[1]))
    with suppress(SyntaxError):
        return Loop(source, node, above, names_of(source, asked) if asked else ())
    return None


def stepping(source: Source, begins: tuple[str, ...]) -> set[str]:
    """Return `begins` and the names of what asks for gradients by them: functions without such a loop, and the like."""
    nodes = [node for node in ast.walk(source.tree) if isinstance(node, (ast.FunctionDef, ast.Assign))]
    found, before = set(begins), 0
    while len(found) > before:
        before = len(found)
        for node in nodes:
            if isinstance(node, ast.Assign):  # such as step = jax.jit(take_step)
                if isinstance(node.value, ast.Call) and _last(node.value.func) in {*begins, *WRAPPERS}:
                    found |= stored(node) if _mentions(node.value, found) else set()
            elif _mentions(node, found) and not any(_is_loop(n) and _mentions(n, found) for n in ast.walk(node)):
                found.add(node.name)
    return found


def _last(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _loops(node: ast.AST, above: list[ast.AST], steps: set[str]) -> Iterator[tuple[Any, list[ast.AST]]]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef):
            continue  # its names are those of an object that is not there
        around = [*above, child] if _is_loop(child) or isinstance(child, ast.FunctionDef) else above
        inner = list(_loops(child, around, steps))
        if inner:
            yield from inner
        elif _is_loop(child) and _mentions(child, steps):
            yield child, above


def _is_loop(node: ast.AST) -> bool:
    return isinstance(node, (ast.For, ast.While))


def _mentions(node: ast.AST, names: set[str]) -> bool:
    return any(_last(each) in names for each in ast.walk(node) if isinstance(each, (ast.Attribute, ast.Name)))
