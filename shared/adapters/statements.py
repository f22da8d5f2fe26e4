"""What statements of a file take and change, and which of them run before another."""

import ast
import re
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from shared.adapters.loop_bodies import stored
from shared.reading.source import Source

PLAIN: Final = (bool, int, float, str, type(None))
Given = dict[str, ast.expr]
"""To the parameters of a function."""
IN_PLACE: Final = re.compile(r"[a-z]\w*_|append|extend|fit|adapt")
"""Methods that change what they belong to."""


def called(node: ast.AST) -> str:
    """Return the last name of what a call calls; "" of anything else."""
    function = node.func if isinstance(node, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def loaded(node: ast.AST) -> set[str]:
    """Return the names whose values something within a node takes."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
    return names | {
        n.target.id for n in ast.walk(node) if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)
    }


def changed(node: ast.AST) -> set[str]:
    """Return the names that a statement gives values to, or changes in place."""
    found = stored(node)
    for each in ast.walk(node):
        if isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store) and isinstance(each.value, ast.Name):
            found.add(each.value.id)
        if (isinstance(node, (ast.Expr, ast.For)) and isinstance(each, ast.Attribute)
                and isinstance(each.value, ast.Name) and IN_PLACE.fullmatch(each.attr)):  # fmt: skip
            found.add(each.value.id)
    return found


def evaluated(expression: ast.expr, scope: dict[str, Any]) -> Any:
    """Return the value of an expression of a file; whatever it raises passes."""
    return eval(compile(ast.Expression(expression), "<expression>", "eval"), dict(scope))


def apart(node: ast.stmt) -> list[ast.stmt]:
    """Return an assignment to several names as one each, where none of them needs another."""
    if not (
        isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple)
    ):
        return [node]
    pairs = list(zip(node.targets[0].elts, node.value.elts, strict=False))
    names = [stored(target) for target, _ in pairs]
    if len(pairs) < len(node.value.elts) or any(
        loaded(value) & (set.union(*names) - own) for (_, value), own in zip(pairs, names, strict=True)
    ):
        return [node]
    return [ast.copy_location(ast.Assign([target], value), node) for target, value in pairs]


def settings(source: Source, function: ast.FunctionDef | None = None, given: Given | None = None) -> dict[str, Any]:
    """Return the numbers, words and options that a file sets, or those that one of its functions sees for a call."""
    of_data = source.derived | source.stand_ins | (_own(function) if function is not None else set())
    found = {name: value for name, value in source.namespace.items()
             if name not in of_data and isinstance(value, (*PLAIN, Namespace))}  # fmt: skip
    for name, value in (given or {}).items():
        with suppress(ValueError):
            found[name] = ast.literal_eval(value)
    return found


def _own(function: ast.FunctionDef) -> set[str]:
    return stored(function) | {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}


def truth(test: ast.expr, known: dict[str, Any]) -> bool | None:
    """Return whether a test holds by what is known; None where that does not say, or what it calls would."""
    if any(isinstance(each, ast.Call) for each in ast.walk(test)) or "__name__" in loaded(test):
        return None
    try:
        found = eval(compile(ast.Expression(test), "<test>", "eval"), {"__builtins__": {}}, known)
    except Exception as error:  # noqa: BLE001 - it is a stranger's file
        del error
        return None
    return bool(found) if isinstance(found, PLAIN) else None


def until(body: Sequence[ast.stmt], end: ast.AST | None, known: dict[str, Any]) -> Iterator[ast.stmt]:
    """Yield simple statements and loops, those within other blocks too, up to the one that holds the end.

    Parameters
    ----------
    known : by which the branch of a test is found; else it is the first.
    """
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
            continue
        holds = end is not None and any(each is end for each in ast.walk(node))
        if isinstance(node, (ast.If, ast.With, ast.Try)) or (holds and isinstance(node, (ast.For, ast.While))):
            is_other = any(each is end for other in getattr(node, "orelse", []) for each in ast.walk(other))
            if isinstance(node, ast.If) and not holds:
                is_other = truth(node.test, known) is False
            yield from until(node.orelse if is_other else node.body, end, known)  # type: ignore[union-attr]
        elif not holds:
            yield node
        if holds:
            return


def bound(function: ast.FunctionDef, call: ast.Call, first: int = 0) -> Given:
    """Return what the parameters of a function are for a call, by their defaults where it does not say.

    Parameters
    ----------
    first : the parameters before this one are not given by the call: `self`.
    """
    given = function.args
    names = [each.arg for each in given.args]
    values = dict(zip(reversed(names), reversed(given.defaults), strict=False))
    pairs = zip(given.kwonlyargs, given.kw_defaults, strict=True)
    values |= {each.arg: value for each, value in pairs if value is not None}
    values |= dict(zip(names[first:], call.args, strict=False))
    return values | {each.arg: each.value for each in call.keywords if each.arg}


def assigned(name: str, value: ast.expr, place: ast.AST) -> ast.Assign:
    """Return a statement that gives a name a value."""
    made = ast.Assign([ast.Name(name, ast.Store())], value)
    return ast.fix_missing_locations(ast.copy_location(made, place))


def resolved(expression: ast.expr, statements: Sequence[ast.stmt]) -> tuple[ast.expr, Sequence[ast.stmt]]:
    """Return the expression that a name gets last, through other names, and the statements before it.

    For one of several names that a call gives it is the call.
    """
    for k in reversed(range(len(statements))):
        if not isinstance(expression, ast.Name):
            break
        node = statements[k]
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value and expression.id in stored(node):
            expression, statements = node.value, statements[:k]
    return expression, statements


def leading_to(
    statements: Sequence[ast.stmt], names: Iterable[str], among: set[str] | None = None
) -> dict[int, set[str]]:
    """Return the statements on which the values of names depend, by id, each with which of the names it changes.

    Parameters
    ----------
    among : the names that are followed; None for all.
    """
    wanted, found = set(names), dict[int, set[str]]()
    for node in reversed(statements):
        if among is not None:
            wanted &= among
        if hit := changed(node) & wanted:
            found[id(node)] = hit
            if isinstance(node, (ast.Assign, ast.AnnAssign)):
                wanted -= stored(node)
            wanted |= loaded(node)
    return found


def needed(statements: Sequence[ast.stmt], names: Iterable[str]) -> list[ast.stmt]:
    """Return the statements on which the values of names depend, in order."""
    found = leading_to(statements, names)
    return [node for node in statements if id(node) in found]
