"""The functions, classes and methods of a file, and what their `return` calls its values."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from types import FunctionType, MethodType
from typing import Any

import numpy as np

from shared.reading.source import Source


def signature(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a function or method; kept, since it is asked for in every run, of another object."""
    if isinstance(function, MethodType):
        return _of_method(function.__func__)
    return _of_function(function)


@lru_cache(maxsize=500)
def _of_function(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


@lru_cache(maxsize=500)
def _of_method(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(MethodType(function, object()))


@lru_cache(maxsize=8)
def own_functions(source: Source) -> dict[str, Callable[..., Any]]:
    """Return the functions that the file defines outside classes."""
    named = source.namespace.items()
    return {name: value for name, value in named if isinstance(value, FunctionType) and _is_from(value, source)}


@lru_cache(maxsize=8)
def own_classes(source: Source) -> dict[str, type]:
    """Return the classes that the file, or one beside it, defines."""
    found = {}
    for name, value in source.namespace.items():
        if isinstance(value, type) and _is_beside(value, source):
            found[name] = value
    return found


def _is_beside(value: type, source: Source) -> bool:
    if value.__module__ == source.module.__name__:
        return True
    with suppress(TypeError, OSError):
        return inspect.getfile(value).startswith(str(source.path.parent))
    return False


def _is_from(function: FunctionType, source: Source) -> bool:
    return function.__code__.co_filename.startswith(str(source.path.parent))


@lru_cache(maxsize=8)
def calls_of(source: Source) -> dict[str, list[ast.Call]]:
    """Return the calls in a file, by the name of what is called."""
    found: dict[str, list[ast.Call]] = {}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.setdefault(node.func.id, []).append(node)
    return found


def given_as(source: Source, name: str, key: str) -> Any:
    """Return what the file itself gives a function for an argument: in a call, or as a constant of that name.

    Only what its other values do not depend on is known here: settings, tables of layers, pairs of functions.
    """
    takes = list(signature(source.namespace[name]).parameters) if name in source.namespace else []
    for node in calls_of(source).get(name, ()):
        named = dict(zip(takes, node.args, strict=False)) | {each.arg: each.value for each in node.keywords}
        with suppress(Exception):
            return eval(compile(ast.Expression(named[key]), "", "eval"), source.namespace)
    return next((value for word, value in source.namespace.items() if word.lower() == key.lower()), None)


def methods(instance: Any) -> dict[str, Callable[..., Any]]:
    """Return the methods of an object that Python code defines, without the special ones but `__call__`."""
    names = [name for name in dir(type(instance)) if not name.startswith("__") or name == "__call__"]
    found = {name: getattr(instance, name) for name in names if isinstance(getattr(type(instance), name), FunctionType)}
    return {name: value for name, value in found.items() if isinstance(value, MethodType)}


def ranked(named: Mapping[str, Any], patterns: Sequence[str], but: str = "") -> list[str]:
    """Return the names that match one of the patterns, the first pattern's first."""
    return list(_ranked(tuple(named), tuple(patterns), but))


@lru_cache(maxsize=500)
def _ranked(names: tuple[str, ...], patterns: tuple[str, ...], but: str) -> list[str]:
    """Return the names in their order, found once: a step is run thousands of times, with the same names."""
    found: list[str] = []
    for pattern in patterns:
        found += [
            name
            for name in names
            if re.search(pattern, name.lower()) and not (but and re.search(but, name.lower())) and name not in found
        ]
    return found


def _definition(source: Source, name: str, root: Any) -> ast.FunctionDef | None:
    known = source.functions
    if root is not None:
        for each in type(root).__mro__:
            if f"{each.__name__}.{name}" in known:
                return known[f"{each.__name__}.{name}"]
    return known.get(name)


@lru_cache(maxsize=500)
def last_return(definition: ast.FunctionDef | None) -> ast.expr | None:
    """Return what the last `return` of a function returns; those of functions within it do not count."""
    if definition is None:
        return None
    nested = {inner for each in ast.walk(definition) if each is not definition and isinstance(each, ast.FunctionDef)
              for inner in ast.walk(each)}  # fmt: skip
    returns = [each for each in ast.walk(definition) if isinstance(each, ast.Return) and each not in nested]
    return max(returns, key=lambda each: each.lineno).value if returns else None


@lru_cache(maxsize=500)
def _words(value: ast.expr) -> tuple[str, ...]:
    return (
        tuple(ast.unparse(part) for part in value.elts)
        if isinstance(value, (ast.Tuple, ast.List))
        else (ast.unparse(value),)
    )


def return_names(source: Source, name: str, root: Any) -> list[str]:
    """Return what the last `return` of a function calls the elements; [] if it has none."""
    value = last_return(_definition(source, name, root))
    return [] if value is None else list(_words(value))


def named_arrays(value: Any, source: Source, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the arrays in what a function returned, with what its `return` calls them."""
    definitions = source.functions
    own = tuple(own_classes(source).values())
    definition = definitions.get(name) or next((d for key, d in definitions.items() if key.endswith(f".{name}")), None)

    def walk(value: Any, node: ast.expr | None) -> Iterator[tuple[str, Any]]:
        if isinstance(value, np.ndarray) and value.dtype != object:
            yield (ast.unparse(node) if node is not None else ""), value
        elif isinstance(value, (tuple, list)):
            parts = node.elts if isinstance(node, (ast.Tuple, ast.List)) and len(node.elts) == len(value) else None
            for i, part in enumerate(value):
                yield from walk(part, parts[i] if parts else None)
        elif isinstance(value, (Mapping, own)):
            for key, part in (value if isinstance(value, Mapping) else vars(value)).items():
                yield from walk(part, ast.Name(str(key)))

    return walk(value, last_return(definition))


@lru_cache(maxsize=500)
def assigned(function: Callable[..., Any]) -> frozenset[str]:
    """Return the names and attributes that a function assigns."""
    definition = _parsed(function)
    nodes = [node for node in ast.walk(definition) if isinstance(node, (ast.Name, ast.Attribute))] if definition else []
    return frozenset(ast.unparse(node) for node in nodes if isinstance(node.ctx, ast.Store))


def names_of(function: Callable[..., Any]) -> list[str]:
    """Return what the last `return` of a function calls the elements; [] if its source is not known."""
    value = last_return(_parsed(function))
    return [] if value is None else list(_words(value))


def _parsed(function: Callable[..., Any]) -> ast.FunctionDef | None:
    """Return the definition of a function; None if its source is not known, as of a lambda."""
    with suppress(OSError, TypeError, SyntaxError):
        first = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        return first if isinstance(first, ast.FunctionDef) else None
    return None
