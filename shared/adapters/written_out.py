"""A file's own functions and data sets, written out as the statements that calls of them run.

The names within get underscores at their ends, a number of them for each call, so that they are no others.
"""

import ast
import copy
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

from shared.adapters.loop_bodies import stored
from shared.adapters.statements import Given, apart, assigned, bound, called, settings, truth
from shared.reading.source import Source

IMAGE_SETS: Final = re.compile(r"(Fashion|K|E|Q)?MNIST|CIFAR100?|SVHN|STL10|USPS|FakeData")
"""Classes of torchvision that give images through a transform."""
LOADS: Final = re.compile(
    r"load|load_\w+|loadtxt|genfromtxt|loadmat|read_\w+|fetch_\w+|frombuffer|fromfile|convert_from_file|as_dataset|"
    r"(train|test)_(images|labels)"
)
"""Functions that load data: what a statement does with them in the same breath is apart from that."""
INSTANCE: Final = "_instance"
IMAGE_SET: Final = "_image_set"
"""Names by which a data set of the file, with what it keeps, and one of torchvision are made."""
DEEPEST: Final = 4
SHORTEST: Final = 3


class NotWrittenError(Exception):
    """A call cannot be written out."""


def is_written(name: str) -> bool:
    """Return whether a name is one within a call that was written out."""
    return name.endswith("_" * SHORTEST)


def as_in_file(text: str) -> str:
    """Return text with the names that the file has."""
    return re.sub(r"(?<=\w)_{3,}", "", text)


class WrittenOut:
    """Writes out calls: one after another, in the order of the statements that it is given."""

    def __init__(self, source: Source) -> None:
        self.source, self.functions = source, source.functions
        self.sets = {name.partition(".")[0] for name in source.functions if name.endswith(".__getitem__")}
        self._length = SHORTEST - 1

    def suffix(self) -> str:
        """Return the ending of names for another call."""
        self._length += 1
        return "_" * self._length

    def __call__(self, statements: Sequence[ast.stmt], depth: int = 0) -> list[ast.stmt]:
        """Return statements in which the calls of functions and data sets of the file are written out."""
        found: list[ast.stmt] = []
        for node in (part for each in statements for part in apart(each)):
            if not isinstance(node, (ast.Assign, ast.AnnAssign, ast.Expr)):
                found.append(node)
                continue
            named = _Named(self, node)
            again = named.visit(copy.deepcopy(node))
            for each in (*named.made, again):
                found += self._written(each, depth)
        return found

    def _written(self, node: ast.stmt, depth: int) -> list[ast.stmt]:
        call = node.value if isinstance(node, ast.Assign) else None
        if isinstance(node, ast.Assign) and isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            name = call.func.id
            with suppress(NotWrittenError):
                if name in self.sets and f"{name}.__init__" in self.functions:
                    return self._set(node, call, name, depth)
                if name in self.functions:
                    function = self.functions[name]
                    body, result = self._body(function, bound(function, call), call, "", "", depth)
                    return [*body, *self([_given(node.targets, result)], depth + 1)]
        return [node]

    def _set(self, node: ast.Assign, call: ast.Call, name: str, depth: int) -> list[ast.stmt]:
        """Write out how a data set of the file is made: what it keeps are names."""
        init, kept = self.functions[f"{name}.__init__"], self.suffix()
        body, _ = self._body(init, bound(init, call, 1), call, name, kept, depth)
        names = sorted({each for part in body for each in stored(part) if re.search(rf"[^_]{kept}$", each)})
        keywords = [ast.keyword(each[: -len(kept)], ast.Name(each, ast.Load())) for each in names]
        made = ast.Call(ast.Name(INSTANCE, ast.Load()), [ast.Name(name, ast.Load())], keywords)
        return [*body, _given(node.targets, ast.copy_location(made, call))]

    def _body(
        self, function: ast.FunctionDef, given: Given, call: ast.Call, owner: str, kept: str, depth: int
    ) -> tuple[list[ast.stmt], ast.expr]:
        """Return the statements of a call, and what it returns.

        Parameters
        ----------
        given : to its parameters.
        owner : the class of a method; "" of a function.
        kept : the ending of the names that stand for what an object of the class keeps.
        """
        if depth >= DEEPEST or any(isinstance(each, ast.Starred) for each in call.args):
            raise NotWrittenError
        suffix, own = self.suffix(), stored(function) | given.keys() - {"self"}
        found: list[ast.stmt] = [assigned(name + suffix, value, call) for name, value in given.items()]
        methods = {name.partition(".")[2] for name in self.functions if name.startswith(f"{owner}.")}
        for node in _flat(function.body, settings(self.source, function, given)):
            if isinstance(node, ast.Return):
                value = node.value or ast.Constant(None)
                return found, _Renamed(own, suffix, kept, methods).visit(copy.deepcopy(value))
            inner = getattr(node, "value", None)
            is_own = isinstance(inner, ast.Call) and of_self(inner.func) in methods
            if is_own and isinstance(node, (ast.Assign, ast.Expr)):
                again = copy.deepcopy(node)
                assert isinstance(again.value, ast.Call)
                method = self.functions[f"{owner}.{of_self(again.value.func)}"]
                again.value.func = ast.Name("self_method", ast.Load())
                renamed = _Renamed(own, suffix, kept, methods).visit(again)
                body, result = self._body(
                    method, bound(method, renamed.value, 1), renamed.value, owner, kept, depth + 1
                )
                found += body
                found += [_given(renamed.targets, result)] if isinstance(renamed, ast.Assign) else []
            elif not (isinstance(node, ast.Expr) and "__init__" in ast.unparse(node)):
                found += self([_Renamed(own, suffix, kept, methods).visit(copy.deepcopy(node))], depth + 1)
        return found, ast.copy_location(ast.Constant(None), call)


def _given(targets: list[ast.expr], value: ast.expr) -> ast.Assign:
    return ast.fix_missing_locations(ast.copy_location(ast.Assign(targets, value), value))


def of_self(node: ast.AST) -> str:
    """Return the name of an attribute of self; "" of anything else."""
    is_own = isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self"
    return node.attr if is_own else ""  # type: ignore[attr-defined]


def _flat(body: Sequence[ast.stmt], known: dict[str, Any]) -> Iterator[ast.stmt]:
    """Yield the statements of a call, of a branch the one that is known to be taken; else the first."""
    for node in body:
        if isinstance(node, ast.If):
            is_true = truth(node.test, known)
            if is_true is None and any(isinstance(each, ast.Return) for each in ast.walk(node)):
                raise NotWrittenError
            if is_true is None and node.orelse:
                is_true = not any(map(_is_nothing, node.body)) or any(map(_is_nothing, node.orelse))
            yield from _flat(node.orelse if is_true is False else node.body, known)
        elif isinstance(node, (ast.With, ast.Try)):
            yield from _flat(node.body, known)
        elif not isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)):
            if not isinstance(node, ast.Return) and any(isinstance(n, (ast.Return, ast.Yield)) for n in ast.walk(node)):
                raise NotWrittenError
            yield node


def _is_nothing(node: ast.stmt) -> bool:
    """Return whether a statement says that there is nothing, as of the labels of a test set."""
    return isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and node.value.value is None


class _Renamed(ast.NodeTransformer):
    """Gives the names of a function an ending, and takes what its object keeps for names."""

    def __init__(self, own: set[str], suffix: str, kept: str, methods: set[str]) -> None:
        self.own, self.suffix, self.kept, self.methods = own, suffix, kept, methods

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if self.kept and (name := of_self(node)):
            if name in self.methods:
                raise NotWrittenError
            return ast.copy_location(ast.Name(name + self.kept, node.ctx), node)
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if self.kept and node.id == "self":
            raise NotWrittenError
        node.id += self.suffix if node.id in self.own else ""
        return node

    def visit_arg(self, node: ast.arg) -> ast.arg:
        node.arg += self.suffix if node.arg in self.own else ""
        return node


class _Named(ast.NodeTransformer):
    """Gives data sets that are made within an expression a name, and takes those of torchvision for what they are."""

    def __init__(self, writer: WrittenOut, statement: ast.Assign | ast.AnnAssign | ast.Expr) -> None:
        self.writer, self.made = writer, list[ast.stmt]()
        self.whole = ast.unparse(statement.value) if statement.value else ""
        names = stored(statement)
        self.name = names.pop() if len(names) == 1 else "data"

    def visit_Lambda(self, node: ast.Lambda) -> ast.expr:
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        self.generic_visit(node)
        name, writer = called(node), self.writer
        if name in writer.sets and isinstance(node.func, ast.Name):
            return self._with_name(node)
        if IMAGE_SETS.fullmatch(name) and name not in writer.functions:
            given = dict(zip(("root", "train", "transform", "target_transform"), node.args, strict=False))
            given |= {each.arg: each.value for each in node.keywords if each.arg}
            transforms = [given.get(each, ast.Constant(None)) for each in ("transform", "target_transform")]
            made = ast.Call(ast.Name(IMAGE_SET, ast.Load()), transforms, [])
            return ast.fix_missing_locations(ast.copy_location(made, node))
        is_part = ast.unparse(node) != self.whole
        if LOADS.fullmatch(name) and name not in writer.functions and is_part:
            return self._with_name(node)
        return node

    def _with_name(self, node: ast.Call) -> ast.expr:
        name = self.name + self.writer.suffix()
        self.made.append(assigned(name, node, node))
        return ast.copy_location(ast.Name(name, ast.Load()), node)
