"""Which kind of file a name is, and which network the file says."""

import ast
import re
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from shared.adapters.own_network import network_of
from shared.adapters.port import kind_of
from shared.boundary import parsed, read_source
from shared.implementations import file_and_model
from shared.spec import NetworkSpec

FRAMEWORKS: Final = ("torch", "keras", "jax")
"""Kinds of files that hold a model as it is."""


def is_port(name: str) -> bool:
    """Return whether a name is a file that holds a model as it is, or a class of the earlier contract, or functions."""
    return _kind(name) != ""


def is_model(name: str) -> bool:
    """Return whether a name is a file that holds a model of a framework as it is."""
    return _kind(name) in FRAMEWORKS


def _kind(name: str) -> str:
    path = Path(file_and_model(name)[0])
    return kind_of(path) if path.suffix == ".py" and path.is_file() else ""


def declared_spec(name: str) -> NetworkSpec | None:
    """Return the network that a class or functions say; None for a model, and for a class of today's that says none.

    It is in the constants of the file, or in the sizes of its layers where these follow from each other.
    """
    kind = kind_of(Path(name)) if name.endswith(".py") else "torch"
    if kind in FRAMEWORKS:
        return None
    text, values = read_source(Path(name)), dict[str, Any]()
    for node in parsed(text).body:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                names = target.elts if isinstance(target, ast.Tuple) else [target]
                with suppress(ValueError):
                    value = ast.literal_eval(node.value)
                    found = value if isinstance(target, ast.Tuple) else [value]
                    values |= {each.id: v for each, v in zip(names, found, strict=False) if isinstance(each, ast.Name)}
    if not values.keys() & {"NETWORK", "SIZES"} and (sizes := _sizes(text)):
        values["SIZES"] = sizes
    return network_of(values) if kind or values.keys() & {"NETWORK", "SIZES"} else None


def _sizes(text: str) -> tuple[int, ...]:
    """Return the sizes of dense layers that are written as numbers, if each follows from the one before; else ()."""
    pairs = [(int(a), int(b)) for a, b in re.findall(r"\bLinear\((\d+), *(\d+)", text)]
    if pairs and all(b == c for (_, b), (c, _) in pairwise(pairs)):
        return (pairs[0][0], *(b for _, b in pairs))
    first, dense = re.findall(r"\bInput\((?:shape=)?\((\d+),\)", text), re.findall(r"\bDense\((\d+)", text)
    return (int(first[0]), *map(int, dense)) if len(first) == 1 and dense else ()
