"""Read a file by the body of its training loop: a script without functions, or one function with the loop inside.

The body is run once, for given parameters and examples; what it assigns is the outputs, the loss and the gradients.
"""

import ast
import copy
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product
from types import CodeType
from typing import Any, Final

import numpy as np

from shared.reading import constructions, functions, plans, stores
from shared.reading.batch import Batch, Form
from shared.reading.blocks import NOTED, Block, blocks
from shared.reading.names import gradient_of, has_role
from shared.reading.program import RATE, TINY_RATE, Run, UnreadableError, from_step
from shared.reading.rates import give_rate, rates_in
from shared.reading.scalars import REAL_OR_COMPLEX, number
from shared.reading.source import Source
from shared.reading.structure import Arrays, Layout, Leaf, kept, layouts

WHOLE: Final = re.compile(r"(total_?)?(loss|cost|error|j|l)|(loss|cost)_?total")
"""A loss, beside its parts: data_loss, reg_loss."""
TURNS: Final = 4
"""So many turns a loop is told to take."""


@dataclass
class Loop:
    """A file read by the body of a loop."""

    source: Source
    block: Block
    layout: Layout
    leaves: tuple[Leaf, ...]
    x: str
    y: str
    loss: str | None
    """a function of the file"""
    forward: str | None = None
    """a function of the file, where the body keeps no outputs"""
    n: int | None = None
    """the number of the file's own examples"""
    arrays: Arrays = field(init=False)
    found: list[str] = field(init=False)
    lines: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        space = _space(self.source, self.block, None)
        self.arrays = {leaf.name: np.array(leaf.get(space), float) for leaf in self.leaves}
        where = f"the loop of {self.block.name} in line {self.block.line}" if self.block.name else (
            f"the loop in line {self.block.line}"
        )  # fmt: skip
        self.found = [where, *([self.loss] if self.loss else [])]
        self.lines = {"forward": self.block.line, "backward": self.block.line, "update": self.block.line}

    def run(
        self,
        arrays: Arrays,
        batch: Batch,
        form: Form,
        *,
        backward: bool = True,  # noqa: ARG002 - the body does all of it
        loss: bool = True,  # noqa: ARG002
        rate: float = TINY_RATE,
    ) -> Run:
        """Run the body once."""
        x, y = self._given(batch, form)
        real = self.source.namespace
        before = dict(real)
        space = _space(self.source, self.block, (self.x, x, self.y, y))
        try:
            for leaf in self.leaves:
                leaf.put(space, np.array(arrays[leaf.name]))
            for name, value in ((self.x, x), (self.y, y)):
                real[name] = value  # for functions that use it without being given it
            rate = self._set_rate(space, rate)
            known = {id(value) for value in space.values()}
            noted: Arrays = {}
            space[NOTED] = lambda name, value: noted.update(
                {name: kept(value)} if isinstance(value, np.ndarray) else {}
            )
            exec(_code(self.block.body, str(self.source.path)), space)
            after = {leaf.name: np.array(leaf.get(space), float) for leaf in self.leaves}
            made = {key: value for key, value in space.items() if id(value) not in known}
            del made[NOTED]
            found = self._read(made, noted, space, after, arrays, rate, batch, form)
            for function in (self.loss, self.forward):
                if function and (found.loss if function == self.loss else found.outputs) is None:
                    self._call(function, found, space, arrays, batch, form)
            return found
        finally:
            real.clear()
            real.update(before)

    def _given(self, batch: Batch, form: Form) -> tuple[Any, Any]:
        x, y = form.give_x(batch), form.give_y(batch)
        if self.block.is_nested and form.is_single:
            return np.array([x]), np.array([y])  # the loop over examples takes the first
        return x, np.array([y]) if form.is_single and np.ndim(y) == 0 else y

    def walk(
        self, arrays: Arrays, batch: Batch, form: Form, count: int, prepare: Callable[[], None]
    ) -> tuple[list[Arrays], float]:
        """Return the parameters before and after consecutive turns, and the learning rate."""
        x, y = self._given(batch, form)
        real = self.source.namespace
        before, path = dict(real), [arrays]
        space = _space(self.source, self.block, (self.x, x, self.y, y))
        for leaf in self.leaves:
            leaf.put(space, np.array(arrays[leaf.name]))
        real.update({self.x: x, self.y: y})
        rate = self._set_rate(space, RATE)

        def is_over() -> bool:
            path.append({leaf.name: np.array(leaf.get(space), float) for leaf in self.leaves})
            prepare()
            return len(path) > count

        space |= {"is_the_walk_over": is_over, NOTED: lambda *_: None}
        try:
            with suppress(Exception, SystemExit):
                exec(compile(ast.Module([self._turning()], []), str(self.source.path), "exec"), space)
            return path, rate
        finally:
            real.clear()
            real.update(before)

    def _turning(self) -> ast.stmt:
        """Return the loop, made to ask after each turn whether it is over."""
        loop: Any = copy.deepcopy(self.block.body)
        ends = ast.If(ast.Call(ast.Name("is_the_walk_over", ast.Load()), [], []), [loop.body[-1]], [])
        loop.body[-1] = ast.fix_missing_locations(ast.copy_location(ends, loop))
        return loop  # type: ignore[no-any-return]

    def _set_rate(self, space: dict[str, Any], rate: float) -> float:
        """Set the learning rate where it has a name; return the one that holds."""
        objects = {key: value for key, value in space.items() if key[:1] != "_"}
        named = rates_in(objects)
        is_set = give_rate(objects, self.source, rate, is_given=bool(named)) or bool(named)
        space |= dict.fromkeys(named, rate)
        return rate if is_set else 1.0

    def _read(
        self,
        made: Mapping[str, Any],
        noted: Arrays,
        space: Mapping[str, Any],
        after: Arrays,
        before: Arrays,
        rate: float,
        batch: Batch,
        form: Form,
    ) -> Run:
        found = Run(after=after, rate=rate)
        arrays = {name: noted.get(name, value) for name, value in made.items() if isinstance(value, np.ndarray)}
        fits = [(name, value) for name, value in arrays.items() if form.rows(value, batch) is not None]
        fits = [(name, value) for name, value in fits if gradient_of(name, before) is None and not _is_error(name)]
        named = [value for name, value in fits if has_role(name, "output") and name[:1] not in "zZ"]
        chosen = named or [value for name, value in fits if name[:1] not in "zZ"]
        for leaf in stores.own_leaves(space, self.source) if not chosen else []:
            if has_role(leaf.name, "output") and form.rows(leaf.get(space), batch) is not None:
                chosen.append(leaf.get(space))
        if chosen:
            found.outputs = form.rows(chosen[-1], batch)
        scalars = functions.ranked({name: made[name] for name in made}, plans.LOSS, plans.NOT_LOSS)
        for name in sorted(scalars, key=lambda name: WHOLE.fullmatch(name.lower()) is None):
            value = np.asarray(made[name]) if not callable(made[name]) else np.zeros(2)
            if value.size == 1 and value.dtype.kind in REAL_OR_COMPLEX:
                found.loss = number(value)
                break
        gradients = {}
        for name, value in made.items():
            parameter = gradient_of(name, before)
            if parameter and name not in before and isinstance(value, (np.ndarray, np.floating, float)):
                gradients[parameter] = value
        for leaf in stores.own_leaves(space, self.source) if not gradients else []:
            beside = [name for name in before if name.rpartition(".")[0] == leaf.name.rpartition(".")[0] != ""]
            if leaf.name not in before and (parameter := gradient_of(leaf.name, beside)):
                gradients[parameter] = leaf.get(space)
        if gradients.keys() == before.keys():
            found.gradients = gradients
        elif all(np.array_equal(after[name], before[name]) for name in before):
            raise UnreadableError("the loop changes no parameter")
        else:
            found.gradients = dict(from_step(before, after, rate))
        return found

    def _call(self, name: str, found: Run, space: Mapping[str, Any], arrays: Arrays, batch: Batch, form: Form) -> None:
        """Call the file's loss or forward pass with the parameters before the step."""
        function = functions.own_functions(self.source)[name]
        given: dict[str, Any] = {}
        for key in inspect.signature(function).parameters:
            if key in arrays:
                given[key] = arrays[key].copy()
            elif has_role(key, "y"):
                given[key] = form.give_y(batch)
            elif has_role(key, "parameters"):
                given[key] = {parameter: array.copy() for parameter, array in arrays.items()}
            elif has_role(key, "x"):
                given[key] = form.give_x(batch)
            elif has_role(key, "output"):
                given[key] = found.outputs if form.x != "columns" else np.asarray(found.outputs).T
            elif key in space:
                given[key] = space[key]
        with suppress(Exception):
            value = function(**given)
            if np.ndim(value) == 0 and name == self.loss:
                found.loss = number(value)
            elif name == self.forward:
                parts = value if isinstance(value, tuple) else (value,)
                fits = [rows for part in parts if (rows := form.rows(part, batch)) is not None]
                found.outputs = fits[-1] if fits else None


def _is_error(name: str) -> bool:
    return any(word in name.lower() for word in ("err", "delta", "grad", "diff", "loss", "cost"))


@lru_cache(maxsize=256)
def _code(statement: ast.stmt, path: str) -> CodeType:
    """Compile a statement once: a loop is run thousands of times."""
    return compile(ast.Module([statement], []), path, "exec")


def _space(source: Source, block: Block, data: tuple[str, Any, str, Any] | None) -> dict[str, Any]:
    """Return the names that the body sees: those of the module, or those of the function up to its loop."""
    if not block.name:
        space = source.namespace
        own = tuple(functions.own_classes(source).values())
        for key, value in list(space.items()):
            if isinstance(value, (np.ndarray, list, dict, *own)) and not key.startswith("__"):
                space[key] = kept(value)
        if data:
            space[data[0]], space[data[2]] = data[1], data[3]
        return space
    space = dict(source.namespace)
    definition = source.functions[block.name]
    x, y = (data[1], data[3]) if data else (np.random.default_rng(1).random((7, 6)), np.arange(7) % 3)
    arguments = [*definition.args.posonlyargs, *definition.args.args, *definition.args.kwonlyargs]
    defaults = [None] * (len(arguments) - len(definition.args.defaults)) + list(definition.args.defaults)
    for argument, default in zip(arguments, defaults, strict=False):
        name = argument.arg
        space[name] = _argument(source, name, default, x, y)
    np.random.seed(1)  # noqa: NPY002 - what people use
    for statement in block.prelude:
        exec(_code(statement, str(source.path)), space)
    if data:
        space[data[0]], space[data[2]] = data[1], data[3]
    return space


def _argument(source: Source, name: str, default: ast.expr | None, x: Any, y: Any) -> Any:
    for role, value in (("x", x), ("y", y)):
        if has_role(name, role):
            return value
    for known in (constructions.size_of(name, constructions.SMALL[1], None), constructions.usual(name, x, y, TURNS)):
        if known is not None and not (default is not None and has_role(name, "count")):
            return known
    if default is not None:
        return eval(compile(ast.Expression(default), "", "eval"), source.namespace)
    raise UnreadableError(f"nothing is known for the argument {name}")


def candidates(source: Source) -> Iterator[Loop]:
    """Yield the loops of a file in which arrays change that can be layers."""
    known = functions.own_functions(source)
    losses = [*functions.ranked(known, plans.LOSS, plans.NOT_LOSS)[:2], None]
    forward = next(iter(functions.ranked(known, plans.FORWARD[:2], NOT_FORWARD)), None)
    for block in blocks(source):
        every_name = [node for node in ast.walk(block.body) if isinstance(node, ast.Name)]
        assigned = {node.id for node in every_name if isinstance(node.ctx, ast.Store)}
        outside = list(dict.fromkeys(node.id for node in every_name if node.id not in assigned))
        outside += [name for name in source.stand_ins if name in assigned]  # y = np.argmax(y, axis=1)
        names = [name for name in outside if not callable(source.namespace.get(name))]
        xs, ys = ([name for name in names if has_role(name, role)] for role in ("x", "y"))
        for x, y in product(xs[:3], ys[:3]):
            with suppress(Exception):
                for layout, chosen, n in _layouts(source, block, x, {*xs, *ys}):
                    for loss in losses:
                        yield Loop(source, block, layout, chosen, x, y, loss, forward, n)


def _layouts(source: Source, block: Block, x: str, data: set[str]) -> list[tuple[Layout, tuple[Leaf, ...], int | None]]:
    """Return the ways in which the arrays before the loop are layers, and the number of the file's own examples."""
    saved = dict(source.namespace)
    try:
        space = _space(source, block, None)
        roots = {key: value for key, value in space.items() if key not in data and not key.startswith("__")}
        every = stores.own_leaves(roots, source)
        given = space.get(x)
        is_given = isinstance(given, np.ndarray) and given.ndim == 2 and not block.name and x not in source.stand_ins
        shape = given.shape if given is not None and is_given else ()
        found = layouts({leaf.name: leaf.get(roots) for leaf in every})
        found = [layout for layout in found if layout.sizes[0] in shape] or found
    finally:
        source.namespace.clear()
        source.namespace.update(saved)
    ways = []
    for layout in found:
        n = next((size for size in shape if size != layout.sizes[0]), None)
        ways.append((layout, tuple(leaf for leaf in every if leaf.name in layout.names), n))
    return ways


NOT_FORWARD: Final = r"back|grad|deriv|prime|loss|cost|train|sgd|model$"
