"""Load a person's file without running its training, its downloads, its plots or its questions."""

import ast
import builtins
import json
import re
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np

from shared.boundary import parsed, read_source, told
from shared.processes.harmless import harmless
from shared.processes.system import alarm
from shared.reading.names import has_role

SCENERY: Final = {
    "matplotlib", "pandas", "seaborn", "cv2", "PIL", "IPython", "sklearn", "plotly", "h5py", "keras", "tensorflow",
    "tqdm", "requests", "urllib", "gzip", "mnist", "torchvision", "datasets", "kagglehub", "google", "idx2numpy",
}  # fmt: skip
"""Packages that serve a network's data and pictures; importing them costs seconds, and none is needed here."""
NAME: Final = "as_written"
"""Of the module that a file becomes; not __main__, so that it does not start."""
SECONDS: Final = 2.0
"""CPU time that a statement outside functions may take; what takes longer trains."""
FEW: Final = 60
"""A larger number of examples is not that of a probe."""
EXAMPLES, FEATURES, CLASSES = 7, 6, 3
"""Of what stands in the place of data."""
BUILDING: Final = ("add", "append", "extend", "insert", "add_layer", "addLayer", "compile", "use", "set_loss", "set")
"""Methods by which a network is put together."""
MODELS: Final = ("set_default_dtype", "set_floatx", "set_global_policy", "set_dtype_policy", "build", "apply", "double",
                 "half", "bfloat16", "requires_grad_", "eval", "train")  # fmt: skip
"""Methods that make a model of a framework, or its precision, what it is."""
FITS: Final = {"fit", "fit_generator", "train_on_batch", "backward", "evaluate", "predict"}
FREEZES: Final = re.compile("requires_grad_?|trainable")
"""What leaves parameters of a model of a framework as they are."""
TRAINING: Final = ("epoch", "iteration", "passes", "train", "fit", "back", "grad", "descent", "step", "update")


class Inert:
    """Stands for what is not loaded: a plot, a data set, a download. Everything done with it gives another."""

    def __getattr__(self, name: str) -> "Inert":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *arguments: Any, **_: Any) -> Any:
        """As a decorator or as `tqdm` it gives back what it is given."""
        return arguments[0] if len(arguments) == 1 and (callable(arguments[0]) or _is_iterable(arguments[0])) else self

    def __getitem__(self, _: Any) -> "Inert":
        return self

    def __iter__(self) -> Iterator[Any]:
        """Nothing; without this, `__getitem__` would make it endless."""
        return iter(())


def _is_iterable(value: Any) -> bool:
    return hasattr(value, "__iter__") and not isinstance(value, (str, bytes))


class Source:
    """The text of a file, and what its definitions and constants are.

    Parameters
    ----------
    path : a .py file, or a notebook (.ipynb), whose code cells are joined.
    text : what is in it; None to read it.
    real : packages that are imported although they are scenery for others: a model is made of them.
    features : of the examples that stand in the place of data.

    Raises
    ------
    OSError, ValueError
        If the file cannot be read, or is not Python (`NotPythonError`) or not a notebook.
    """

    def __init__(
        self, path: Path, text: str | None = None, real: frozenset[str] = frozenset(), features: int = FEATURES
    ) -> None:
        self.path, self.real, self.features = path, real, features
        read = read_source(path) if text is None else text
        self.text = _cells(read) if path.suffix == ".ipynb" else read
        self.lines = self.text.splitlines()
        self.tree = parsed(self.text, str(path))
        self.module = ModuleType(NAME)
        self.module.__file__ = str(path)
        self.skipped: dict[int, str] = {}
        """line -> why it did not run, of statements outside functions"""
        self.is_in_main = False
        self.missing_packages: list[str] = []
        self.stand_ins: set[str] = set()
        """names of data that were not loaded, and stand for some examples"""
        self.counts: set[str] = set()
        """names such as m that the file counts in its data"""
        self.derived: set[str] = set()
        """everything that the file computes from its data"""

    @property
    def namespace(self) -> dict[str, Any]:
        """The names that the file defines."""
        return self.module.__dict__

    def load(self) -> None:
        """Run definitions, imports and constants, one by one; what raises an exception or takes long is left out."""
        sys.path.insert(0, str(self.path.parent))
        sys.modules[self.module.__name__] = self.module  # dataclasses and pickle look it up
        self.namespace["input"] = _no_input
        with _without_scenery(self.missing_packages, SCENERY - self.real):
            self._run(self.tree.body)
            self._run_main()
        self.counts |= {name for name, value in self.namespace.items() if self._counts(name, value)}
        for name, value in list(self.namespace.items()):
            if isinstance(value, Inert) and name not in self._imported():
                del self.namespace[name]

    @cached_property
    def functions(self) -> dict[str, ast.FunctionDef]:
        """The functions and the methods of the file, as "name" or "Class.name"."""
        found = {node.name: node for node in self.tree.body if isinstance(node, ast.FunctionDef)}
        for node in self.tree.body:
            if isinstance(node, ast.ClassDef):
                methods = [method for method in node.body if isinstance(method, ast.FunctionDef)]
                found |= {f"{node.name}.{method.name}": method for method in methods}
        return found

    def troubles(self) -> list[str]:
        """Return why statements did not run, as far as they raised exceptions."""
        raised = [f"line {line}: {why}" for line, why in self.skipped.items() if ": " in why]
        return [*self.missing_packages, *raised]

    def _imported(self) -> set[str]:
        nodes = [node for node in ast.walk(self.tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
        return {(alias.asname or alias.name).partition(".")[0] for node in nodes for alias in node.names}

    def _run(self, statements: list[ast.stmt]) -> None:
        for node in statements:
            if isinstance(node, ast.Try):
                self._run(node.body)
            elif isinstance(node, ast.If):
                if _is_main(node.test) or self._is_true(node.test):
                    self._run(node.body)
                else:
                    self._run(node.orelse)
            elif why := self._why_not(node):
                self.skipped[node.lineno] = why
            else:
                self._execute(node)

    def _run_main(self) -> None:
        """Run the body of `main()` too, where a file keeps its script in one; a name of the file stays what it is."""
        main = self.functions.get("main")
        if main is None or main.args.args or isinstance(self.namespace.get("main"), Inert):
            return
        before, self.is_in_main = dict(self.namespace), True
        self._run(main.body)
        self.namespace.update(before)

    def _execute(self, node: ast.stmt) -> None:
        try:
            is_import = isinstance(node, (ast.Import, ast.ImportFrom))
            with harmless(self.path.parent), nullcontext() if is_import else limited():
                exec(compile(ast.Module([node], []), str(self.path), "exec"), self.namespace)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is a stranger's file
            self.skipped[node.lineno] = told(error)
        self._stand_in(node)

    def run(self, node: ast.stmt, scope: dict[str, Any]) -> None:
        """Run a statement of the file with these names; what it writes goes nowhere."""
        with harmless(self.path.parent):
            exec(compile(ast.Module([node], []), str(self.path), "exec"), scope)

    def _stand_in(self, node: ast.stmt) -> None:
        """Put some examples in the place of data that were not loaded, so that what is derived from them exists."""
        if not isinstance(node, ast.Assign):
            return
        names = [each for target in node.targets for each in ast.walk(target) if isinstance(each, ast.Name)]
        loaded = {each.id for each in ast.walk(node.value) if isinstance(each, ast.Name)}
        for name in (each.id for each in names):
            value = self.namespace.get(name, Inert())
            if isinstance(value, Inert) and has_role(name, "x"):
                self.namespace[name] = np.random.default_rng(1).random((EXAMPLES, self.features))
                self.stand_ins.add(name)
            elif isinstance(value, Inert) and has_role(name, "y"):
                self.namespace[name] = np.arange(EXAMPLES) % CLASSES
                self.stand_ins.add(name)
            elif loaded & (self.stand_ins | self.derived):
                self.derived.add(name)
                is_count = isinstance(value, int) and has_role(name, "count")
                if is_count and (value in (0, EXAMPLES) or name.lower().startswith("m")):
                    self.counts.add(name)

    def _counts(self, name: str, value: Any) -> bool:
        """Return whether a number is that of the examples: data are cut by it, and something is divided by it."""
        is_number = type(value) is int and value > FEW and has_role(name, "count")
        return is_number and all(re.search(part.format(name), self.text) for part in (r"\[[^\]]*\b{0}\b", r"/ ?{0}\b"))

    def _is_true(self, test: ast.expr) -> bool:
        with suppress(Exception), harmless(self.path.parent):
            return bool(eval(compile(ast.Expression(test), str(self.path), "eval"), self.namespace))
        return False

    def _why_not(self, node: ast.stmt) -> str:
        """Return why a statement is not run; "" for one that is."""
        if isinstance(node, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
            return ""
        if isinstance(node, ast.For):
            words = FREEZES.sub("", ast.unparse(node).lower()) if self.real else ast.unparse(node).lower()
            return "a loop" if any(word in words for word in (*TRAINING, "loss", "delta", "error", "print")) else ""
        if isinstance(node, (ast.While, ast.With)):
            return "a loop" if isinstance(node, ast.While) else "a block"
        if isinstance(node, ast.Expr):
            function = node.value.func if isinstance(node.value, ast.Call) else None
            of_model = (*MODELS, *BUILDING) if self.real else BUILDING
            builds = isinstance(function, ast.Attribute) and (function.attr in of_model or self._in_place(function))
            called = self.functions.get(getattr(function, "id", ""))
            if self.real and called is not None and FREEZES.search(ast.unparse(called)):
                builds = not self._trains(called.name)
            return "" if builds or "seed" in ast.unparse(node) else "an expression"
        methods = {each.func.attr for each in _calls(node) if isinstance(each.func, ast.Attribute)}
        if self.real and (long := sorted(methods & FITS)):
            return f"{long[0]} trains"
        own = [name for name in self.functions if self.is_in_main and name.partition(".")[2] in methods]
        training = sorted(name for name in (*_called(node), *own) if self._trains(name))
        return f"{training[0]} trains" if training else ""

    def _in_place(self, function: ast.Attribute) -> bool:
        """Return whether a function of a model's package changes a tensor, as nn.init.zeros_ does."""
        return bool(self.real) and function.attr.endswith("_") and "init" in ast.unparse(function)

    def _trains(self, name: str, seen: tuple[str, ...] = ()) -> bool:
        """Return whether a function of the file holds a loop in which something is trained."""
        node = self.functions.get(name)
        if node is None or name in seen:
            return False
        for loop in ast.walk(node):
            if isinstance(loop, (ast.For, ast.While)):
                words = ast.unparse(loop).lower()
                if "range" in words and any(word in words for word in TRAINING):
                    return True
        return any(self._trains(each, (*seen, name)) for each in _called(node))


def limited() -> AbstractContextManager[None]:
    """Limit the CPU time of a statement of a file."""
    return alarm(SECONDS)


def _called(node: ast.AST) -> set[str]:
    """Return the names that are called within a node."""
    return {call.func.id for call in _calls(node) if isinstance(call.func, ast.Name)}


def _calls(node: ast.AST) -> list[ast.Call]:
    return [each for each in ast.walk(node) if isinstance(each, ast.Call)]


def _is_main(test: ast.expr) -> bool:
    return "__name__" in ast.unparse(test)


def _no_input(*_: Any) -> str:
    raise EOFError("input() is not answered here")


def _cells(text: str) -> str:
    """Return the code of a notebook; lines for the shell and for IPython become comments, so that numbers stay."""
    try:
        cells = json.loads(text)["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        code = [cell for cell in code if not re.match(r"\s*%%(?!time|timeit|capture|prun)", cell)]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"not a notebook ({told(error)}); expected cells in JSON") from None
    lines = [line for cell in code for line in [*cell.splitlines(), ""]]
    return "\n".join(f"# {line}" if line.lstrip().startswith(("%", "!", "?")) else line for line in lines)


@contextmanager
def _without_scenery(missing: list[str], scenery: set[str]) -> Iterator[None]:
    """Give an `Inert` for a package that is scenery, or that is not installed; what is missing is listed."""
    real = builtins.__import__

    def imported(name: str, namespace: Any = None, *arguments: Any, **named: Any) -> Any:
        if (namespace or {}).get("__name__") != NAME:
            return real(name, namespace, *arguments, **named)
        if name.partition(".")[0] in scenery:
            return Inert()
        try:
            return real(name, namespace, *arguments, **named)
        except ModuleNotFoundError as error:
            missing.append(str(error))
            return Inert()

    builtins.__import__ = imported  # type: ignore[assignment]
    try:
        yield
    finally:
        builtins.__import__ = real
