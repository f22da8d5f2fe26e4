"""From which data of a file its training takes its batches, and in which order."""

import ast
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from shared.adapters.chains import PART, YIELDED, Taken
from shared.adapters.feeding import BESIDE
from shared.adapters.items import parts_of
from shared.adapters.loop_bodies import SHUFFLED, stored
from shared.adapters.loops import Loop
from shared.adapters.own_counts import count_of, length_of, rows_of_arrays
from shared.adapters.packages import imports
from shared.adapters.pipelines import Order
from shared.adapters.preparation import Preparation
from shared.adapters.stand_ins import UnfollowedError
from shared.adapters.statements import assigned, bound, called, evaluated, loaded, needed, resolved, settings, until
from shared.adapters.written_out import WrittenOut, as_in_file
from shared.reading.names import has_role
from shared.reading.source import Source

ORDERED: Final = ("dataset", "batch_size", "shuffle", "sampler")
"""The first arguments of a DataLoader."""
CUT: Final = ("split", "array_split", "tensor_split", "chunk", "vsplit")
"""What cuts the rows of an array into batches: a function of a module, or a method."""


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
    can_be_rerun = False
    """whether a loop can be run over other data: it cuts the batches itself, or a generator of the file does"""

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

    def own_count(self) -> int:
        """Return the number of the file's own examples; 0 if it is not known."""
        assert self.taken is not None
        names = self.taken.of[0] if self.taken.of else loaded(self.taken.x)
        return count_of(self._made_of(self.taken.x), self._own(names, self.source.namespace))

    def _own(self, names: set[str], scope: dict[str, Any]) -> list[Any]:
        """Return what names are, but for those that something of ours stands for."""
        return [scope.get(name) for name in sorted(names - self.source.stand_ins - self.source.derived)]

    def _made_of(self, *expressions: ast.expr) -> list[ast.AST]:
        """Return the statements, as written, that lead to expressions, and these."""
        names = set[str]().union(*map(loaded, expressions))
        return [*needed(self.before, names), *expressions]


class LoopData(TrainingData):
    """What a training loop takes its batches from.

    Parameters
    ----------
    loop : of the file.
    calls : the names by which it calls the model.
    """

    def __init__(self, loop: Loop, calls: set[str]) -> None:
        super().__init__(loop.source, preceding(loop), ast.unparse(loop.node))
        self.loop, self.calls = loop, calls
        self.over = repeated(loop.node)
        self.loader = self._loader()
        generator = self._generator()
        self.taken = self._by_name(calls) if generator is None else self._yielded()
        ends = generator is not None and not any(isinstance(each, ast.While) for each in ast.walk(generator))
        self.can_be_rerun = loop.counts or ends or (self.over is not None and called(self.over) == "zip")
        if self.loader is not None:
            self.taken = self._of_loader(self.loader)

    def _by_name(self, calls: set[str]) -> Taken | None:
        """Return the arrays of which the loop takes its batches."""
        if (pair := self._pair()) is not None:
            return Taken(self._whole(pair[0]), self._whole(pair[1]))
        x, y = self.loop.data_names(calls)
        x, y = ({n for n in names if re.search(rf"\b{re.escape(n)}\b", self.used)} for names in (x, y))
        if not x or not y:
            return self._by_words()
        words = re.findall(r"\w+", self.used)
        return _named(*(min(names, key=words.index) for names in (x, y)))

    def _pair(self) -> tuple[ast.expr, ast.expr] | None:
        """Return the batches of inputs and those of targets over which the loop goes side by side."""
        made = self._made()
        while isinstance(made, ast.Call) and called(made) == "list" and made.args:
            made = made.args[0]
        pair = made.args if isinstance(made, ast.Call) and called(made) == "zip" else []
        if isinstance(made, ast.ListComp) and isinstance(made.elt, ast.Tuple):
            pair = made.elt.elts
        return (pair[0], pair[1]) if len(pair) == len(("x", "y")) else None

    def _whole(self, batches: ast.expr) -> ast.expr:
        """Return what is cut into batches; without a cut it is the argument."""
        made = resolved(batches, self.statements)[0]
        if isinstance(made, ast.Call) and called(made) in CUT and isinstance(made.func, ast.Attribute):
            of = made.func.value
            is_function = isinstance(of, ast.Name) and of.id in imports(self.source.tree) and made.args
            return made.args[0] if is_function else of
        return made.elt if isinstance(made, ast.ListComp) else batches  # all rows are taken of its slices

    def _made(self) -> ast.expr | None:
        """Return what the loop goes over, where it is made."""
        return resolved(self.over, self.statements)[0] if self.over is not None else None

    def _yielded(self) -> Taken:
        """Return what the generator yields over which the loop goes."""
        made = self._made()
        assert made is not None
        x, y = (given_by(YIELDED, [made, ast.Constant(key)], made) for key in (0, 1))
        return Taken(x, y)

    def _generator(self) -> ast.FunctionDef | None:
        """Return the function of the file that yields what the loop goes over."""
        made = self._made()
        function = self.source.functions.get(called(made)) if made is not None else None
        yields = function is not None and any(isinstance(each, ast.Yield) for each in ast.walk(function))
        return function if yields else None

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
        given = _given(loader)
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
        given = _given(self.loader)
        asked = given.keys() & {"batch_size", "shuffle", "drop_last", "sampler", "batch_sampler"}
        values: dict[str, Any] = {}
        for name in asked:
            with suppress(Exception):
                values[name] = evaluated(resolved(given[name], self.statements)[0], scope)
        unknown = asked - values.keys() - {"batch_size"}
        if unknown or values.get("sampler") is not None or values.get("batch_sampler") is not None:
            return None
        batch = values.get("batch_size")
        return Order(bool(values.get("shuffle")), bool(values.get("drop_last")), batch if isinstance(batch, int) else 0)

    def own_count(self) -> int:
        """Return the number of the file's own examples; 0 if it is not known."""
        scope = self.loop.scope()
        if self.loader is not None and self.over is not None:
            found = length_of(self.over, scope) or length_of(_given(self.loader).get("dataset"), scope)
            return found or count_of(self._made_of(self.over))
        names = self.loop.data_names(self.calls)[0]
        return rows_of_arrays(self._own(names, scope)) or super().own_count()


def _given(loader: ast.Call) -> dict[str, ast.expr]:
    """Return the arguments of a DataLoader by their names."""
    named = {each.arg: each.value for each in loader.keywords if each.arg}
    return dict(zip(ORDERED, loader.args, strict=False)) | named


def repeated(node: ast.For | ast.While) -> ast.expr | None:
    """Return over what a loop goes, without a counter or a bar of progress around it."""
    data = node.iter if isinstance(node, ast.For) else None
    while isinstance(data, ast.Call) and data.args:
        if BESIDE.search(ast.unparse(data)) and called(data) == "zip":
            data = data.args[-1]
        elif called(data) in ("enumerate", "tqdm"):
            data = data.args[0]
        else:
            break
    return data


def given_by(name: str, arguments: list[ast.expr], place: ast.AST) -> ast.expr:
    """Return the call of one of our own functions, by its name."""
    made = ast.Call(ast.Name(name, ast.Load()), arguments, [])
    return ast.fix_missing_locations(ast.copy_location(made, place))


def _named(x: str, y: str) -> Taken:
    return Taken(ast.Name(x, ast.Load()), ast.Name(y, ast.Load()))
