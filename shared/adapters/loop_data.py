"""From which data of a file its training takes its batches, and in which order."""

import ast
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from shared.adapters.chains import PART, YIELDED, Taken
from shared.adapters.items import parts_of
from shared.adapters.loop_bodies import SHUFFLED, loaded_first, stored
from shared.adapters.loops import Loop
from shared.adapters.pipelines import Order
from shared.adapters.preparation import Preparation
from shared.adapters.stand_ins import UnfollowedError
from shared.adapters.statements import assigned, bound, called, resolved, settings, until
from shared.adapters.written_out import WrittenOut, as_in_file
from shared.reading.names import has_role
from shared.reading.source import Source

ORDERED: Final = ("dataset", "batch_size", "shuffle", "sampler")
"""The first arguments of a DataLoader."""


def preceding(loop: Loop) -> list[ast.stmt]:
    """Return the statements that run before a loop, in order: of the file, of callers, of the functions around it."""
    function = next((node for node in loop.above if isinstance(node, ast.FunctionDef)), None)
    if function is None:
        return list(until(loop.source.tree.body, loop.node, settings(loop.source)))
    call = next(loop.calls_of(function.name), (None, None))[1]
    known = settings(loop.source, function, bound(function, call) if call is not None else None)
    return [*_leading_to(function, loop, [function.name]), *until(function.body, loop.node, known)]


def _leading_to(function: ast.FunctionDef, loop: Loop, seen: Sequence[str]) -> Iterator[ast.stmt]:
    """Yield what runs before a function of the file is called, and what its parameters then are."""
    caller, call = next(loop.calls_of(function.name), (None, None))
    if caller is not None and caller.name not in seen:
        yield from _leading_to(caller, loop, [*seen, caller.name])
        yield from until(caller.body, call, settings(loop.source, caller))
    else:
        yield from until(loop.source.tree.body, call, settings(loop.source))
    if call is not None:
        yield from (assigned(name, value, call) for name, value in bound(function, call).items())


class TrainingData:
    """What the training of a file takes its batches from.

    Parameters
    ----------
    source : the file.
    before : the statements that run before the training, in order.
    used : text of the training, in which the scale of the data may show.
    """

    taken: Taken | None = None
    """None if it takes no data of the file"""
    unknown = ""
    """why its data cannot be followed"""
    loader: ast.Call | None = None
    """of a DataLoader, over which a loop goes"""
    found: Preparation | None = None
    """what is done to them, once it was asked for"""

    def __init__(self, source: Source, before: Sequence[ast.stmt], used: str = "") -> None:
        self.source, self.before, self.used = source, before, used
        self.write = WrittenOut(source)
        self.statements = self.write(before)

    def preparation(self, scope: dict[str, Any], inputs: tuple[int, ...], n_out: int, dtype: str) -> Preparation | None:
        """Return what the file does to its data before the training; None if the training takes no data of the file.

        Raises
        ------
        UnfollowedError
            If they come from a data set that is made in another way than is known here.
        """
        if self.unknown:
            raise UnfollowedError(self.unknown)
        if self.taken is None:
            return None
        found = Preparation(self.statements, self.taken, self.source.tree, scope, self.used, inputs, n_out, dtype)
        self.found = found if found.is_known else None
        return self.found

    def order(self, scope: dict[str, Any]) -> Order | None:
        """Return what an epoch takes of the examples; None where that is not known."""
        raise NotImplementedError


class LoopData(TrainingData):
    """What a training loop takes its batches from.

    Parameters
    ----------
    loop : of the file.
    calls : the names by which it calls the model.
    """

    def __init__(self, loop: Loop, calls: set[str]) -> None:
        super().__init__(loop.source, preceding(loop), ast.unparse(loop.node))
        self.loop = loop
        self.loader = self._loader()
        self.taken = self._of_generator() or self._by_name(calls)
        if self.loader is not None:
            self.taken = self._of_loader(self.loader)

    def _by_name(self, calls: set[str]) -> Taken | None:
        """Return the arrays of which the loop takes its batches."""
        node = self.loop.node
        if isinstance(node, ast.For) and called(node.iter) == "zip":
            names = [min(loaded_first(each), default="") for each in node.iter.args[:2]]  # type: ignore[attr-defined]
            return _named(*names) if len(names) == len(("x", "y")) and all(names) else None
        x, y = self.loop.data_names(calls)
        x, y = ({n for n in names if re.search(rf"\b{re.escape(n)}\b", self.used)} for names in (x, y))
        if not x or not y:
            return self._by_words()
        words = re.findall(r"\w+", self.used)
        return _named(*(min(names, key=words.index) for names in (x, y)))

    def _of_generator(self) -> Taken | None:
        """Return what a function of the file yields, over which the loop goes."""
        made = repeated(self.loop.node)
        function = self.source.functions.get(called(made)) if made is not None else None
        if made is None or function is None or not any(isinstance(each, ast.Yield) for each in ast.walk(function)):
            return None
        x, y = (given_by(YIELDED, [made, ast.Constant(key)], made) for key in (0, 1))
        return Taken(x, y)

    def _by_words(self) -> Taken | None:
        """Return the arrays that the loop looks up by words, such as train["image"]."""
        looked = re.findall(r"""\b(\w+)\[["'](\w+)["']\]""", self.used)
        made = {name for node in self.loop.node.body for name in stored(node)} | stored(self.loop.node)
        pair = [next(((name, key) for name, key in looked if has_role(key, role) and name not in made), None)
                for role in "xy"]  # fmt: skip
        x, y = (ast.parse(f"{each[0]}[{each[1]!r}]", mode="eval").body if each else None for each in pair)
        return Taken(x, y) if x is not None and y is not None else None

    def _loader(self) -> ast.Call | None:
        """Return the call that makes the DataLoader over which the loop goes."""
        if not isinstance(self.loop.node, ast.For):
            return None
        for node in ast.walk(self.loop.node.iter):
            made = resolved(node, self.statements)[0] if isinstance(node, ast.Name) else node
            if isinstance(made, ast.Call) and called(made) == "DataLoader":
                return made
        return None

    def _of_loader(self, loader: ast.Call) -> Taken | None:
        given = dict(zip(ORDERED, loader.args, strict=False)) | {each.arg: each.value for each in loader.keywords}
        data = given.get("dataset")
        statements: Sequence[ast.stmt] = self.statements
        while isinstance(data, (ast.Name, ast.Call, ast.Subscript)):
            made, statements = resolved(data, statements)
            if isinstance(made, ast.Subscript):  # one of those that a split gives
                data = made.value
                continue
            if not isinstance(made, ast.Call):
                break
            if called(made) in ("random_split", "Subset") and made.args:
                data = made.args[0]
                continue
            if called(made) == "TensorDataset" and len(made.args) == len(("x", "y")):
                return Taken(made.args[0], made.args[1])
            if (parts := parts_of(made, self.write)) is not None:
                collate = given.get("collate_fn", ast.Constant(None))
                x, y = (given_by(PART, [data, collate, ast.Constant(key)], loader) for key in parts.keys)
                return Taken(x, y, parts.names, parts.text)
            break
        if data is not None:
            made = resolved(data, statements)[0]
            self.unknown = f"line {loader.lineno}: the data set {as_in_file(ast.unparse(made))[:60]} is not known here"
        return None

    def order(self, scope: dict[str, Any]) -> Order | None:
        """Return how the DataLoader of the loop gives its examples; None without one, or with a sampler."""
        if self.loader is None:
            node = self.loop.node
            is_shuffled = isinstance(node, ast.For) and SHUFFLED.search(ast.unparse(node.iter))
            return Order(shuffled=True, drops_last=False) if is_shuffled else None
        given = dict(zip(ORDERED, self.loader.args, strict=False))
        given |= {each.arg: each.value for each in self.loader.keywords if each.arg}
        asked = given.keys() & {"shuffle", "drop_last", "sampler", "batch_sampler"}
        values: dict[str, Any] = {}
        for name in asked:
            with suppress(Exception):
                code = compile(ast.Expression(resolved(given[name], self.statements)[0]), "<loader>", "eval")
                values[name] = eval(code, dict(scope))
        if asked - values.keys() or values.get("sampler") is not None or values.get("batch_sampler") is not None:
            return None
        return Order(bool(values.get("shuffle")), bool(values.get("drop_last")))


def repeated(node: ast.For | ast.While) -> ast.expr | None:
    """Return over what a loop goes, without a counter or a bar of progress around it."""
    data = node.iter if isinstance(node, ast.For) else None
    while isinstance(data, ast.Call) and called(data) in ("enumerate", "tqdm") and data.args:
        data = data.args[0]
    return data


def given_by(name: str, arguments: list[ast.expr], place: ast.AST) -> ast.expr:
    """Return the call of one of our own functions, by its name."""
    made = ast.Call(ast.Name(name, ast.Load()), arguments, [])
    return ast.fix_missing_locations(ast.copy_location(made, place))


def _named(x: str, y: str) -> Taken:
    return Taken(ast.Name(x, ast.Load()), ast.Name(y, ast.Load()))
