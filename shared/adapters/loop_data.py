"""From which data of a file its training loop takes its batches, and in which order."""

import ast
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from shared.adapters.loop_bodies import loaded_first
from shared.adapters.loops import Loop
from shared.adapters.preparation import Preparation, Taken
from shared.adapters.stand_ins import UnfollowedError

MAKES_SETS: Final = re.compile(r"MNIST|CIFAR|SVHN|STL|EMNIST|FakeData")
"""Classes of torchvision that give images through a transform."""


class Order(NamedTuple):
    """What an epoch takes of the examples."""

    shuffled: bool
    drops_last: bool


def preceding(loop: Loop) -> list[ast.stmt]:
    """Return the statements that run before a loop, in order: of the file, of a caller, of the functions around it."""
    tree = loop.source.tree
    function = next((node for node in loop.above if isinstance(node, ast.FunctionDef)), None)
    if function is None:
        return list(until(tree.body, loop.node))
    caller, call = next(loop.calls_of(function.name), (None, None))
    found = list(until(tree.body, call))
    found += until(caller.body, call) if caller is not None else []
    if call is not None:
        given = dict(zip((each.arg for each in function.args.args), call.args, strict=False))
        given |= {each.arg: each.value for each in call.keywords if each.arg}
        for name, value in given.items():
            bound = ast.copy_location(ast.Assign([ast.Name(name, ast.Store())], value), call)
            found.append(ast.fix_missing_locations(bound))
    return [*found, *until(function.body, loop.node)]


def until(body: Sequence[ast.stmt], end: ast.AST | None) -> Iterator[ast.stmt]:
    """Yield simple statements and loops, those within other blocks too, up to the one that holds the end."""
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
            continue
        holds = end is not None and any(each is end for each in ast.walk(node))
        if isinstance(node, (ast.If, ast.With, ast.Try)) or (holds and isinstance(node, (ast.For, ast.While))):
            yield from until(node.body, end)
        elif not holds:
            yield node
        if holds:
            return


def preparation(
    loop: Loop, calls: set[str], scope: dict[str, Any], size: int, n_out: int, dtype: str
) -> Preparation | None:
    """Return what the file does to its data before a loop; None if the loop takes no data of the file.

    Raises
    ------
    UnfollowedError
        If they come from a data set that is made in another way than is known here.
    """
    statements = preceding(loop)
    taken = _of_loader(loop, statements) or _by_name(loop, calls)
    if taken is None:
        return None
    found = Preparation(statements, taken, scope, ast.unparse(loop.node), size, n_out, dtype)
    return found if found.is_known else None


def _by_name(loop: Loop, calls: set[str]) -> Taken | None:
    """Return the arrays of which the loop takes its batches."""
    if isinstance(loop.node, ast.For) and isinstance(loop.node.iter, ast.Call) and _name(loop.node.iter) == "zip":
        names = [min(loaded_first(each), default="") for each in loop.node.iter.args[:2]]
        return Taken(*(ast.Name(name, ast.Load()) for name in names)) if len(names) == 2 and all(names) else None
    x, y = loop.data_names(calls)
    text = ast.unparse(loop.node)
    x, y = ({n for n in names if re.search(rf"\b{re.escape(n)}\b", text)} for names in (x, y))
    if not x or not y:
        return None
    words = re.findall(r"\w+", text)
    return Taken(*(ast.Name(min(names, key=words.index), ast.Load()) for names in (x, y)))


def loader_of(loop: Loop, statements: Sequence[ast.stmt]) -> ast.Call | None:
    """Return the call that makes the DataLoader over which a loop goes."""
    if not isinstance(loop.node, ast.For):
        return None
    inline = [each for each in ast.walk(loop.node.iter) if isinstance(each, ast.Call) and _name(each) == "DataLoader"]
    names = [each.id for each in ast.walk(loop.node.iter) if isinstance(each, ast.Name)]
    found = [*inline, *(made for name in names if (made := assigned(name, statements)) is not None)]
    return next((each for each in found if isinstance(each, ast.Call) and _name(each) == "DataLoader"), None)


def _of_loader(loop: Loop, statements: Sequence[ast.stmt]) -> Taken | None:
    loader = loader_of(loop, statements)
    if loader is None:
        return None
    keywords = {each.arg: each.value for each in loader.keywords}
    data = loader.args[0] if loader.args else keywords.get("dataset")
    while data is not None:
        while isinstance(data, ast.Name) and (made := assigned(data.id, statements)) is not None:
            data = made
        if not isinstance(data, ast.Call):
            break
        if _name(data) in ("random_split", "Subset") and data.args:
            data = data.args[0]
            continue
        if _name(data) == "TensorDataset" and len(data.args) == 2:
            return Taken(data.args[0], data.args[1])
        if MAKES_SETS.search(_name(data)):
            own = next((each.value for each in data.keywords if each.arg == "transform"), ast.Constant(None))
            images = ast.Call(ast.Name("_images", ast.Load()), [own], [])
            return Taken(ast.fix_missing_locations(ast.copy_location(images, data)), ast.Name("_labels", ast.Load()))
        break
    if data is None:
        return None
    raise UnfollowedError(f"line {loader.lineno}: the data set {ast.unparse(data)[:60]} is not known here")


def assigned(name: str, statements: Sequence[ast.stmt]) -> ast.expr | None:
    """Return the expression that a name gets last; for one of several that a call gives, the call."""
    for node in reversed(statements):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if name in {each.id for each in ast.walk(target) if isinstance(each, ast.Name)}:
                    return node.value
    return None


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def loader_order(loop: Loop, scope: dict[str, Any]) -> Order | None:
    """Return how the DataLoader of a loop gives its examples; None without one, or with a sampler."""
    loader = loader_of(loop, preceding(loop))
    if loader is None:
        return None
    given = dict(zip(("dataset", "batch_size", "shuffle", "sampler"), loader.args, strict=False))
    given |= {each.arg: each.value for each in loader.keywords if each.arg}
    values: dict[str, Any] = {}
    for name in ("shuffle", "drop_last", "sampler", "batch_sampler"):
        with suppress(Exception):
            code = compile(ast.Expression(given[name]), "<loader>", "eval")
            values[name] = eval(code, dict(scope))
    if given.keys() & {"shuffle", "drop_last", "sampler", "batch_sampler"} - values.keys():
        return None
    if values.get("sampler") is not None or values.get("batch_sampler") is not None:
        return None
    return Order(bool(values.get("shuffle")), bool(values.get("drop_last")))
