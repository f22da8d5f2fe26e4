"""One of several models of a file, by its name: an object, or a class or a function that makes it."""

import ast
from collections.abc import Callable, Iterator
from typing import Any

from shared.adapters.port import PortError
from shared.boundary import told
from shared.reading import constructions
from shared.reading.source import Source


def names_of(source: Source, name: str) -> list[str]:
    """Return a name, and what the file calls the objects that a class or a function of this name makes."""
    found = [name]
    for node in ast.walk(source.tree):
        for target in node.targets if isinstance(node, ast.Assign) else ():
            pairs = [(target, node.value)]  # type: ignore[attr-defined]
            if all(isinstance(each, ast.Tuple) for each in pairs[0]):
                pairs = list(zip(target.elts, node.value.elts, strict=False))  # type: ignore[attr-defined]
            found += [one.id for one, value in pairs if isinstance(one, ast.Name) and isinstance(value, ast.Call)
                      and ast.unparse(value.func) == name]  # fmt: skip
    return found


def named_model(
    source: Source, scope: dict[str, Any], name: str, base: type,
    of_class: Callable[[type], Iterator[Any]] | None = None,
) -> tuple[Any, str]:  # fmt: skip
    """Return the model of a name, and the name.

    Parameters
    ----------
    base : of all models of the framework.
    of_class : yields models of a class; None for those that the class makes of arguments that the file shows.

    Raises
    ------
    PortError
        If the file has none; the message says which it has.
    """
    values = {**source.namespace, **scope}
    for each in names_of(source, name):
        if isinstance(values.get(each), base):
            return values[each], name
    why = ""
    try:
        for made in _made(source, values.get(name), of_class):
            if isinstance(made, base):
                return made, f"{name}()"
    except Exception as error:  # noqa: BLE001 - it is a stranger's file
        why = f" ({told(error)})"
    has = [each for each, value in source.namespace.items() if isinstance(value, base) or _is_class(value, base)]
    raise PortError(f"{source.path.name}: found no model called {name}{why}; it has {', '.join(has) or 'none'}")


def _is_class(value: Any, base: type) -> bool:
    return isinstance(value, type) and issubclass(value, base) and value.__module__ != base.__module__


def _made(source: Source, value: Any, of_class: Callable[[type], Iterator[Any]] | None) -> Iterator[Any]:
    if not isinstance(value, type):
        yield value() if callable(value) else None
    elif of_class is not None:
        yield from of_class(value)
    else:
        reason: Exception | None = None
        for arguments in ({}, *(given for given, _ in constructions.constructions(source, value))):
            try:
                yield value(**arguments)
            except Exception as error:  # noqa: BLE001 - the next arguments may fit
                reason = reason or error
        if reason is not None:
            raise reason
