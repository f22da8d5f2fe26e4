"""The training loop of a file: its body run with one batch instead of the file's data."""

import ast
import re
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from functools import cached_property
from itertools import pairwise
from typing import Any, Final

import numpy as np

from shared.adapters.feeding import BESIDE, Parts, assigned, batch_of, tables, variables
from shared.adapters.loop_bodies import (
    SHUFFLED,
    as_one_step,
    gets_batch,
    is_picked,
    loaded_first,
    stored,
    without_jumps,
)
from shared.adapters.statements import evaluated
from shared.boundary import told
from shared.reading.names import has_role
from shared.reading.source import Inert, Source

Scope = dict[str, Any]

LOSS: Final = re.compile(r"loss|criterion|cross_entropy|mse|nll|bce", re.IGNORECASE)
DEEPEST: Final = 2
"""Callers of callers that are followed to find what a function gets."""


class Loop:
    """The innermost loop that asks for gradients, itself or in a function that it calls, and what precedes it.

    Parameters
    ----------
    source : loaded.
    node : the loop.
    above : the nodes around it, outermost first: loops and at most one function.
    asked : names of a model; a call of the function with it comes before others.
    """

    def __init__(
        self, source: Source, node: ast.For | ast.While, above: list[ast.AST], asked: Collection[str] = ()
    ) -> None:
        self.source, self.node, self.above, self.asked = source, node, above, asked
        found = ((each, gets_batch(each, source.functions)) for each in node.body)
        self._drawn = [(each, target) for each, target in found if target is not None]
        body = as_one_step(node, [each for each, _ in self._drawn])
        self._code = compile(ast.Module(body, []), str(source.path), "exec")
        self._parts: Parts | None = None

    def scope(self, module: Any = None) -> Scope:
        """Return the names that the body sees: of the file, or of the function around it, with its arguments.

        Parameters
        ----------
        module : what a function is to be given as its model, where the file does not show with what it calls it.
        """
        function = next((node for node in self.above if isinstance(node, ast.FunctionDef)), None)
        scope = dict(self.source.namespace)
        if function is not None:
            self._bind_arguments(function, scope)
            for name in (each.arg for each in function.args.args):
                if module is not None and isinstance(scope[name], Inert) and has_role(name, "parameters"):
                    scope[name] = module
        for outer, inner in pairwise([*self.above, self.node]):
            if isinstance(outer, ast.For):
                for name in _names(outer.target):
                    scope[name] = 0
            self._run_before(outer, inner, scope)
        if function is None:
            self._run_before(self.source.tree, (self.above or [self.node])[0], scope, ("zero", "train", "eval"))
        return scope

    def _bind_arguments(self, function: ast.FunctionDef, scope: Scope, depth: int = 0) -> None:
        """Bind the parameters of a function: as the file calls it, by their defaults, or by their names."""
        parameters = [each.arg for each in function.args.args]
        defaults = dict(zip(reversed(parameters), reversed(function.args.defaults), strict=False))
        given: dict[str, ast.expr] = {}
        seen = dict(scope)
        for caller, call in sorted(self.calls_of(function.name), key=lambda each: not self._has_asked(each[1])):
            given = dict(zip(parameters, call.args, strict=False))
            given |= {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg}
            if caller is not None and depth < DEEPEST:
                self._bind_arguments(caller, seen, depth + 1)
                self._run_before(caller, None, seen)
            break
        for name in parameters:
            for expression in (given.get(name), defaults.get(name)):
                if expression is not None and (value := _value(expression, seen)) is not None:
                    scope[name] = value
                    break
            else:
                is_device = name == "device" and "torch" in sys.modules
                scope.setdefault(name, sys.modules["torch"].device("cpu") if is_device else Inert())
        for name, value in seen.items():
            scope.setdefault(f"{name}_of_the_caller", value)  # a schedule, perhaps

    def _has_asked(self, call: ast.Call) -> bool:
        given = [*call.args, *(each.value for each in call.keywords)]
        return any(isinstance(each, ast.Name) and each.id in self.asked for each in given)

    def calls_of(self, name: str) -> Iterator[tuple[ast.FunctionDef | None, ast.Call]]:
        """Yield the calls of a function of the file, each with the function in which it is."""
        for block in (*self.source.tree.body, self.source.tree):
            for call in ast.walk(block):
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == name:
                    yield (block if isinstance(block, ast.FunctionDef) else None), call

    def _run_before(self, outer: ast.AST, inner: ast.AST | None, scope: Scope, only: tuple[str, ...] = ()) -> None:
        """Run the simple statements of a block that precede what leads to the loop."""
        for node in getattr(outer, "body", []):
            if inner is not None and inner in ast.walk(node):
                break
            text = ast.unparse(node)
            is_simple = isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign, ast.Expr, ast.FunctionDef))
            chosen = not only or (isinstance(node, ast.Expr) and any(f".{word}" in text for word in only))
            if is_simple and chosen and not re.search(r"\.(fit|backward|step)\(|\b(print|input)\(", text):
                with suppress(Exception):
                    self.source.run(node, scope)

    def data_names(self, calls: set[str]) -> tuple[set[str], set[str]]:
        """Return the names that stand for inputs and for targets in the body, and are not made in the loop itself.

        Parameters
        ----------
        calls : the names by which the body calls the model.
        """
        x, y = set(), set()
        for node in (each for statement in self.node.body for each in ast.walk(statement)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in calls:
                x |= {name for each in _given(node, 0, "x") for name in loaded_first(each)}
            if isinstance(node, ast.Call) and isinstance(node.func, (ast.Name, ast.Attribute)):
                is_loss = len(node.args) <= len(("outputs", "targets")) and LOSS.search(ast.unparse(node.func))
                y |= {name for each in _given(node, 1, "y") for name in loaded_first(each)} if is_loss else set()
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                y |= {node.id} if has_role(node.id, "y") else set()
                x |= {node.id} if has_role(node.id, "x") else set()
        return x - self._made, y - x - self._made

    @cached_property
    def _made(self) -> set[str]:
        """Return the names that the loop gives values to."""
        made = set(_names(self.node.target)) if isinstance(self.node, ast.For) else set()
        return made | {each for node in self.node.body for each in stored(node)} - self._orders

    @property
    def counts(self) -> bool:
        """Whether it counts its batches."""
        return "range(" in self._over and not BESIDE.search(self._over)

    @cached_property
    def _over(self) -> str:
        """What it goes over, as text."""
        return ast.unparse(self.node.iter) if isinstance(self.node, ast.For) else ""

    @cached_property
    def _orders(self) -> set[str]:
        """Return the names of shuffled orders of all examples, made before the loop, and of rows picked in it."""
        nodes = [node for node in ast.walk(self.source.tree) if isinstance(node, ast.Assign)]
        shuffled = {name for node in nodes if SHUFFLED.search(ast.unparse(node.value)) for name in stored(node)}
        return shuffled | {name for node in self.node.body if is_picked(node, self.node) for name in stored(node)}

    def feed(self, scope: Scope, calls: Callable[[], set[str]], x: Any, y: Any, order: Callable[[], Any]) -> None:
        """Give a batch to what stands for the data, to shuffled orders, and to the loop's variables.

        It is part of steps that are timed: what gets which part of a batch is found once.

        Parameters
        ----------
        calls : returns the names by which the body calls the model; called once.
        order : returns all rows of the batch, in the form of the framework; called where the loop takes any.
        """
        if self._parts is None:
            self._parts = self._taken(calls(), scope)
        scope.update(self._parts(x, y, order))

    def _taken(self, calls: set[str], scope: Scope) -> Parts:
        """Return the names that get something of a batch, and what."""
        x, y = self.data_names(calls)
        found: Scope = dict.fromkeys(x, "x") | dict.fromkeys(y, "y")
        of_words = tables(self.source.text, "x", "y")
        found |= {name: table for name, table in of_words.items() if name not in self._made}
        found |= {name: "array" if isinstance(scope.get(name), np.ndarray) else "order" for name in self._orders}
        for _, target in self._drawn:
            found |= assigned(target, batch_of(self.source.text, "x", "y"))
        if isinstance(self.node, ast.For):
            found |= variables(self.node.target, self._over, self.source.text)
        return Parts(found)

    def over(self, some: Callable[[Any, int], Iterator[Any]]) -> Callable[[Scope, int], None]:
        """Return a function that runs the loop over its own data; `some` gives so many of its items."""
        assert isinstance(self.node, ast.For)
        items = ast.Call(ast.Name("_some", ast.Load()), [self.node.iter, ast.Name("_count", ast.Load())], [])
        node = ast.For(self.node.target, items, without_jumps(self.node.body), [])
        for each in ast.walk(items):
            ast.copy_location(each, self.node)
        module = ast.Module([ast.copy_location(node, self.node)], [])
        code = compile(ast.fix_missing_locations(module), str(self.source.path), "exec")

        def run(scope: Scope, count: int) -> None:
            exec(code, scope | {"_some": some, "_count": count})

        return run

    def run(self, scope: Scope) -> None:
        """Run the body once."""
        exec(self._code, scope)


def _given(call: ast.Call, place: int, role: str) -> list[ast.expr]:
    """Return the argument in a place or, of keywords, with a name of this role, or in that place."""
    named = [each.value for each in call.keywords if has_role(each.arg or "", role)]
    if call.args or named:
        return call.args[place : place + 1] or named
    return [each.value for each in call.keywords[place : place + 1]]


def _names(target: ast.AST) -> list[str]:
    return [each.id for each in ast.walk(target) if isinstance(each, ast.Name)]


def _value(expression: ast.expr, scope: Scope) -> Any:
    try:
        return evaluated(expression, scope)
    except Exception as error:  # noqa: BLE001 - it is a stranger's file
        del error
        return None


def why_not(error: BaseException) -> str:
    """Return why a body did not run, in a line."""
    return told(error)[:160]
