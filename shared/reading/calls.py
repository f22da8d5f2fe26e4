"""Read a file by its functions or methods: a forward pass, a backward pass, a loss, a step."""

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import pairwise, product
from types import FunctionType, MethodType
from typing import Any, Final

import numpy as np

from shared.reading import gradients
from shared.reading.batch import Batch, Form
from shared.reading.names import gradient_of, has_role, in_order, is_bias, is_gradient, is_weight, plain
from shared.reading.program import DECAY, RATE, TINY_RATE, Run, UnreadableError
from shared.reading.source import Source
from shared.reading.structure import Arrays, Layout, Leaf, kept, layouts, leaves

FORWARD: Final = (
    r"forward|feed|propagat", r"activations|think|query|hypothesis|run|output|compute|model|net$|probab|calc|infer",
    r"predict|call|evaluate|guess|loss|cost|grad|back",
)  # fmt: skip
BACKWARD: Final = (r"back|grad", r"deriv|delta|loss|learn|step|train|cost|update")
LOSS: Final = (r"loss|cost|error|objective|criterion|nll|energy", r"mse|cross|entropy|quadratic|^j$|squared")
UPDATE: Final = (r"update|apply|adjust|optimi[sz]|step|descent",)
TRAIN: Final = (r"train|fit|learn|sgd|batch|back|update|step|epoch", r"descent|optimi[sz]|model")
NOT_LOSS: Final = r"prime|deriv|grad|_d$|^d_|back|slope|delta|plot|history|rate"
INITIALISE: Final = r"init|create|make|build|setup|random|param|network|generate"
SIZES: Final = (
    r"(n_?n_?)?(layers?)?_?(sizes?|dims?|dimensions|nodes|structure|architecture|shape|units)|(nn_)?layers|topology|"
    r"neurons"
)
N_IN: Final = (
    r"n_?(x|in|i|inputs?|features|feat)|inputs?(_?(size|dim|nodes?|layers?|neurons|units|layer_size|features|count|"
    r"number|n))?|in_?(dim|features?|size)?|num_?(inputs?|features)|d_?in|d|input_nodes|inodes|n_?0|fan_in|x_?dim|ni"
)
N_HIDDEN: Final = (
    r"n_?h\w*|hid\w*|h(_?(dim|size|nodes?|units))?\d?|num_?hidden\w*|nn_?h?dim|hnodes|n_?1|neurons|nh|units"
)
N_OUT: Final = (
    r"n_?(y|out|o|outputs?|classes|labels)|outputs?(_?(size|dim|nodes?|layers?|neurons|units|layer_size|features|n))?|"
    r"out_?(dim|features?|size)?|num_?(outputs?|classes|labels)|classes|d_?out|c|k|onodes|n_?2|fan_out|y_?dim|no"
)
CONTEXTS: Final = {
    "forward": ("parameters", "x", "y", "rate", "decay", "count", "quiet"),
    "backward": ("parameters", "cache", "y", "x", "output", "rate", "decay", "count", "quiet"),
    "loss": ("y", "output", "x", "parameters", "decay", "count", "quiet"),
    "update": ("parameters", "gradients", "rate", "decay", "count"),
    "train": ("parameters", "cache", "x", "y", "output", "epochs", "rate", "decay", "count", "quiet"),
}
SMALL: Final = ((9, 8, 6, 5, 3), (9, 6, 5, 3), (6, 5, 3), (9, 8, 6, 5, 1), (6, 5, 1))
SHAPES_OF_BIAS: Final = ("column", "vector", "row", "number")
NUMBERED: Final = r"['\"]{0}['\"] *\+|\bf['\"]{0}\{{"
"""A letter to which the number of a layer is appended: 'W' + str(l), f'W{{l}}'."""
PAIRS: Final = ("x", "mini_batch", "minibatch", "batch", "data", "training_data", "examples", "train_data")


@lru_cache(maxsize=500)
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


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


def methods(instance: Any) -> dict[str, Callable[..., Any]]:
    """Return the methods of an object that Python code defines, without the special ones but `__call__`."""
    names = [name for name in dir(type(instance)) if not name.startswith("__") or name == "__call__"]
    found = {name: getattr(instance, name) for name in names if isinstance(getattr(type(instance), name), FunctionType)}
    return {name: value for name, value in found.items() if isinstance(value, MethodType)}


def ranked(named: Mapping[str, Any], patterns: Sequence[str], but: str = "") -> list[str]:
    """Return the names that match one of the patterns, the first pattern's first."""
    found = []
    for pattern in patterns:
        found += [
            name
            for name in named
            if re.search(pattern, name.lower()) and not (but and re.search(but, name.lower())) and name not in found
        ]
    return found


# ---- Where the parameters are --------------------------------------------------------------------------


@dataclass(frozen=True)
class Store:
    """Where a file keeps its parameters."""

    root: Any
    """an object, a dict or list that is passed, or a dict of arrays that are passed one by one"""
    leaves: tuple[Leaf, ...]
    kind: str
    """"object", "container", "arguments", or "globals": names of the module"""
    words: str = ""
    data: tuple[str, ...] = ()
    """attributes that hold x and y, where an object gets its data when it is made"""

    @property
    def arrays(self) -> Arrays:
        """The parameters by name."""
        return {leaf.name: np.asarray(leaf.get(self.root)) for leaf in self.leaves}

    def filled(self, arrays: Mapping[str, np.ndarray]) -> Any:
        """Return a copy of the root with other arrays."""
        root = kept(self.root)
        for leaf in self.leaves:
            if leaf.name in arrays:
                root = leaf.put(root, np.array(arrays[leaf.name]))
        return root


def store_of(root: Any, kind: str, source: Source, words: str, n_in: int | None = None) -> tuple[Store, list[Layout]]:
    """Return the store of an object or container, and the ways in which its arrays are layers."""
    own = tuple(own_classes(source).values())
    every = leaves(root, lambda value: isinstance(value, own), words if isinstance(root, list) else "")
    found = layouts({leaf.name: leaf.get(root) for leaf in every}, n_in)
    if not found:
        return Store(root, (), kind), []
    used = {name for layout in found for layer in layout.layers for name in layer}
    return Store(root, tuple(leaf for leaf in every if leaf.name in used), kind, words), found


# ---- Calling ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Plan:
    """The names of what is called; None for what the file does not have."""

    forward: str | None
    backward: str | None = None
    train: str | None = None
    loss: str | None = None
    update: str | None = None
    is_listed: bool = False
    """whether `train` takes lists of examples, or a list of pairs"""


@dataclass
class Calls:
    """A file read by its functions or methods."""

    source: Source
    store: Store
    layout: Layout
    plan: Plan
    arrays: Arrays = field(init=False)
    found: list[str] = field(init=False)
    lines: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.arrays = self.store.arrays
        asked = {part: getattr(self.plan, part) for part in ("forward", "backward", "train", "loss", "update")}
        callables = self._callables(self.store.root)
        named = {part: callables[name] for part, name in asked.items() if name}
        texts = [f"{name}{_arguments(callables[name])}" for name in dict.fromkeys(filter(None, asked.values()))]
        self.found = ([self.store.words] if self.store.words else []) + texts
        codes = {part: function.__code__ for part, function in named.items()}
        here = str(self.source.path)
        self.lines = {part: code.co_firstlineno for part, code in codes.items() if code.co_filename == here}

    def _callables(self, root: Any) -> dict[str, Callable[..., Any]]:
        functions = own_functions(self.source)
        return functions | methods(root) if self.store.kind == "object" else functions

    def run(
        self,
        arrays: Arrays,
        batch: Batch,
        form: Form,
        *,
        backward: bool = True,
        loss: bool = True,
        rate: float = TINY_RATE,
    ) -> Run:
        """Run forward, loss, and what gives the gradients."""
        before = dict(self.source.namespace) if self.store.kind == "globals" else {}
        try:
            return self._run(arrays, batch, form, backward=backward, loss=loss, rate=rate)
        finally:
            self.source.namespace.update(before)

    def _run(self, arrays: Arrays, batch: Batch, form: Form, *, backward: bool, loss: bool, rate: float) -> Run:
        root = self.store.filled(arrays)
        if self.store.kind == "globals":
            self.source.namespace.update(root)
            root = self.source.namespace  # which the functions change
        call = _Call(self, root, batch, form)
        found = Run()
        if self.plan.forward:
            call.forward(found)
        if self.plan.loss and loss:
            call.loss(found)
        is_known = found.loss is not None or found.outputs is not None or not loss
        if backward or not is_known:  # a function that returns the loss with the gradients
            if self.plan.backward:
                call.backward(found)
            elif self.plan.train:
                call.train(found, rate)
            if self.plan.update and found.gradients:
                call.update(found)
            elif self.plan.backward and self.plan.train:
                _Call(self, self.store.filled(arrays), batch, form).train(found, RATE)
        return found


class _Call:
    """One run: the values that are known so far, by name and by role."""

    def __init__(self, program: Calls, root: Any, batch: Batch, form: Form) -> None:
        self.program, self.root, self.batch, self.form = program, root, batch, form
        self.callables = program._callables(root)
        self.shapes = {name: array.shape for name, array in program.arrays.items()}
        self.exact: dict[str, Any] = {}
        self.roles: dict[str, Any] = {
            "x": form.give_x(batch), "y": form.give_y(batch), "rate": RATE, "decay": DECAY, "count": len(batch.y),
            "epochs": 1, "quiet": False,
        }  # fmt: skip
        kind = program.store.kind
        if kind == "arguments":
            self.exact = dict(root)
        elif kind == "container":
            self.roles["parameters"] = root
        for name in program.store.data:
            setattr(root, name, self.roles["x" if has_role(name, "x") else "y"])

    def bound(self, name: str, context: str) -> dict[str, Any]:
        """Return the arguments of a call; UnreadableError if one is not known."""
        function = self.callables[name]
        given: dict[str, Any] = {}
        lower = {plain(key): value for key, value in self.exact.items()}
        unknown = []
        for parameter in _signature(function).parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            key, has_default = parameter.name, parameter.default is not parameter.empty
            if key in self.exact:
                given[key] = self.exact[key]
            elif plain(key) in lower:
                given[key] = lower[plain(key)]
            elif (role := self._role(key, context, given)) and not (has_default and role in ("count", "cache")):
                given[key] = self.roles[role]
            elif not has_default:
                unknown.append(key)
        for key in unknown:
            role = self._left(context, given)
            if role is None:
                raise UnreadableError(f"{name}: nothing is known for its argument {key}")
            given[key] = self.roles[role]
        return given

    def _role(self, name: str, context: str, given: Mapping[str, Any]) -> str | None:
        taken = [
            role for role in ("x", "y", "output") if any(value is self.roles.get(role) for value in given.values())
        ]
        fits = [role for role in CONTEXTS[context] if role in self.roles and has_role(name, role)]
        return next((role for role in fits if role not in taken), None)

    def _left(self, context: str, given: Mapping[str, Any]) -> str | None:
        """Return the role of an argument whose name says nothing: what the context needs and was not given yet."""
        needed = {"forward": ("x",), "backward": ("cache", "x", "y"), "loss": ("output", "y"), "train": ("x", "y")}
        for role in needed.get(context, ()):
            if role in self.roles and not any(value is self.roles[role] for value in given.values()):
                return role
        return None

    def call(self, name: str, context: str) -> Any:
        """Call a function or method."""
        return self.callables[name](**self.bound(name, context))

    def forward(self, found: Run) -> None:
        """Call the forward pass, and keep what it returned by name."""
        name = self.program.plan.forward
        assert name is not None
        value = self.call(name, "forward")
        names = self._names(name)
        elements = value if isinstance(value, tuple) else [value]
        if isinstance(value, tuple) and len(names) == len(value):
            self.exact |= {key: part for key, part in zip(names, value, strict=True) if key.isidentifier()}
        elif len(names) == 1 and names[0].isidentifier() and not isinstance(value, np.ndarray):
            self.exact.setdefault(names[0], value)
        caches = [part for part in elements if isinstance(part, (tuple, list, dict)) and len(part)]
        self.roles["cache"] = caches[-1] if caches else value
        numbers = [float(part) for part in elements if _is_scalar(part)]
        found.loss = numbers[0] if numbers else None
        names = self._names(name)
        top = list(zip(names if len(names) == len(elements) else [""] * len(elements), elements, strict=True))
        outputs = self._outputs([(key, part) for key, part in top if isinstance(part, np.ndarray)])
        if outputs is None:
            outputs = self._outputs(list(_named_arrays(value, self.program.source, name)))
        if outputs is None and self.program.store.kind == "object":
            outputs = self._outputs([(key, array) for key, array in vars(self.root).items() if has_role(key, "output")])
        if outputs is not None:
            self.roles["output"], found.outputs = outputs, self.form.rows(outputs, self.batch)

    def _outputs(self, every: list[tuple[str, Any]]) -> Any:
        fits = [(key, array) for key, array in every if self.form.rows(array, self.batch) is not None]
        fits = [(key, array) for key, array in fits if key not in self.shapes] or fits
        best = [array for key, array in fits if not re.match(r"(self\.)?[zZs](_?\d|$)|logits|scores", key)]
        return (best or [array for _, array in fits] or [None])[-1]

    def loss(self, found: Run) -> None:
        """Call the loss."""
        name = self.program.plan.loss
        assert name is not None
        value = self.call(name, "loss")
        parts = [part for part in (value if isinstance(value, tuple) else (value,)) if _is_scalar(part)]
        if not parts:
            raise UnreadableError(f"{name} returned no number")
        found.loss = float(np.asarray(parts[0]).reshape(-1)[0])

    def backward(self, found: Run) -> None:
        """Call the backward pass, and find the gradients in what it returned or in what the object keeps."""
        name = self.program.plan.backward
        assert name is not None
        value = self.call(name, "backward")
        numbers = [part for part in value if _is_scalar(part)] if isinstance(value, tuple) else []
        if numbers and found.loss is None:
            found.loss = float(np.asarray(numbers[0]).reshape(-1)[0])
        found.gradients = gradients.in_value(value, self._names(name), self.shapes, self.program.layout)
        if not found.gradients and self.program.store.kind != "arguments":
            found.gradients = self._kept()
        self._refuse_updated(name, value, found.gradients)
        self.roles["gradients"] = value
        names = self._names(name)
        if isinstance(value, tuple) and len(names) == len(value):
            self.exact |= {key: part for key, part in zip(names, value, strict=True) if key.isidentifier()}
        if not found.gradients:
            raise UnreadableError(f"{name} gave no gradients of {', '.join(self.shapes)}")

    def _refuse_updated(self, name: str, value: Any, found: Mapping[str, Any]) -> None:
        """Raise UnreadableError for what a step returned under the parameters' own names: they are no gradients."""
        parameters = [leaf.get(self.root) for leaf in self.program.store.leaves]
        is_itself = any(gradient is parameter for gradient in found.values() for parameter in parameters)
        names = value if isinstance(value, Mapping) else self._names(name)
        is_step = any(has_role(key, "rate") for key in _signature(self.callables[name]).parameters)
        if is_itself or (is_step and any(key in self.shapes for key in names)):
            raise UnreadableError(f"{name} returns the updated parameters")

    def _kept(self) -> dict[str, Any]:
        """Return the gradients in attributes of the object, or of the objects within it."""
        own = tuple(own_classes(self.program.source).values())
        found: dict[str, Any] = {}
        for key, value in vars(self.root).items() if isinstance(self.root, own) else ():
            if isinstance(value, Mapping) and has_role(key, "gradients"):
                found |= gradients.in_value(value, [], self.shapes, self.program.layout)
            elif isinstance(value, list) and is_gradient(key):
                found |= gradients.in_value({key: value}, [], self.shapes, self.program.layout)
        if found:
            return found
        for leaf in leaves(self.root, lambda value: isinstance(value, own)):
            if leaf.path[-1][0] == "index":
                continue
            places = {each.name: each.path[:-1] for each in self.program.store.leaves}
            beside = [name for name, place in places.items() if place == leaf.path[:-1]]
            parameter = gradient_of(leaf.name, beside or list(self.shapes) if len(leaf.path) == 1 else beside)
            if leaf.name not in self.shapes and parameter:
                found[parameter] = leaf.get(self.root)
        return found

    def train(self, found: Run, rate: float) -> None:
        """Take one step, and divide by the rate."""
        name = self.program.plan.train
        assert name is not None
        before = {leaf.name: np.array(leaf.get(self.root)) for leaf in self.program.store.leaves}
        found.rate = self.set_rate(rate, name)
        x, y = self.roles["x"], self.roles["y"]
        if self.program.plan.is_listed:
            self.roles["x"], self.roles["y"] = [x], [y]
            takes = [plain(key) for key in _signature(self.callables[name]).parameters]
            if not any(has_role(key, "y") for key in takes):
                self.roles["x"] = [(x, y)]
                takes_pairs = next((key for key in takes if key in PAIRS), None)
                if takes_pairs:
                    self.exact[takes_pairs] = self.roles["x"]
        value = self.call(name, "train")
        found.after = self.after(value, before, name)
        if all(np.array_equal(found.after[key], before[key]) for key in before):
            raise UnreadableError(f"{name} changed no parameter")
        found.gradients = {key: (before[key] - found.after[key]) / found.rate for key in before}

    def after(self, value: Any, before: Arrays, name: str) -> Arrays:
        """Return the parameters after an update: changed in place, or returned."""
        now = {leaf.name: leaf.get(self.root) for leaf in self.program.store.leaves}
        if self.program.store.kind == "object" or any(not np.array_equal(now[key], before[key]) for key in before):
            return {key: np.array(array) for key, array in now.items()}
        names = self._names(name)
        if any(gradient_of(each, list(before)) for each in names if each not in before):
            return {key: np.array(array) for key, array in now.items()}
        if isinstance(value, tuple):
            by_name = dict(zip(names, value, strict=False)) if len(names) == len(value) else {}
            lower = {plain(key): part for key, part in by_name.items()}
            if all(plain(key) in lower for key in before):
                return {key: np.array(lower[plain(key)]) for key in before}
            if len(value) == len(before):
                return {key: np.array(part) for key, part in zip(before, value, strict=True)}
        if isinstance(value, (dict, list)):
            own = tuple(own_classes(self.program.source).values())
            returned = {leaf.name: leaf.get(value) for leaf in leaves(value, lambda each: isinstance(each, own))}
            if before.keys() <= returned.keys():
                return {key: np.array(returned[key]) for key in before}
        return {key: np.array(array) for key, array in now.items()}

    def set_rate(self, rate: float, name: str) -> float:
        """Give a learning rate as an argument and in attributes; return the one that holds: 1 if there is none."""
        signature = _signature(self.callables[name]).parameters
        self.roles["rate"] = rate
        is_set = any(has_role(key, "rate") for key in signature)
        if self.program.store.kind == "object":
            for key, value in list(vars(self.root).items()):
                if has_role(key, "rate") and isinstance(value, (int, float)):
                    setattr(self.root, key, rate)
                    is_set = True
                elif has_role(key, "epochs") and isinstance(value, int):
                    setattr(self.root, key, 1)
        return rate if is_set else 1.0

    def update(self, found: Run) -> None:
        """Call the update with the gradients."""
        name = self.program.plan.update
        assert name is not None
        before = {leaf.name: np.array(leaf.get(self.root)) for leaf in self.program.store.leaves}
        for parameter, gradient in found.gradients.items():
            self.exact.setdefault(f"d{parameter}", gradient)
        with suppress(Exception):
            found.rate = self.set_rate(RATE, name)
            found.after = self.after(self.call(name, "update"), before, name)

    def _names(self, name: str) -> list[str]:
        return return_names(self.program.source, name, self.root if self.program.store.kind == "object" else None)


def _is_scalar(value: Any) -> bool:
    return isinstance(value, (float, np.floating)) or (
        isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind == "f" and value.ndim <= 1
    )


def _arguments(function: Callable[..., Any]) -> str:
    return f"({', '.join(_signature(function).parameters)})"


def _definition(source: Source, name: str, root: Any) -> ast.FunctionDef | None:
    known = source.functions
    if root is not None:
        for each in type(root).__mro__:
            if f"{each.__name__}.{name}" in known:
                return known[f"{each.__name__}.{name}"]
    return known.get(name)


@lru_cache(maxsize=500)
def _last_return(definition: ast.FunctionDef | None) -> ast.expr | None:
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
    value = _last_return(_definition(source, name, root))
    if value is None:
        return []
    return list(_words(value))


def _named_arrays(value: Any, source: Source, name: str) -> Iterator[tuple[str, Any]]:
    """Yield the arrays in what a function returned, with what its `return` calls them."""
    definitions = source.functions
    definition = definitions.get(name) or next((d for key, d in definitions.items() if key.endswith(f".{name}")), None)

    def walk(value: Any, node: ast.expr | None) -> Iterator[tuple[str, Any]]:
        if isinstance(value, np.ndarray) and value.dtype != object:
            yield (ast.unparse(node) if node is not None else ""), value
        elif isinstance(value, (tuple, list)):
            parts = node.elts if isinstance(node, (ast.Tuple, ast.List)) and len(node.elts) == len(value) else None
            for i, part in enumerate(value):
                yield from walk(part, parts[i] if parts else None)
        elif isinstance(value, Mapping):
            for key, part in value.items():
                yield from walk(part, ast.Name(str(key)))

    return walk(value, _last_return(definition))


# ---- Candidates ---------------------------------------------------------------------------------------


def candidates(source: Source) -> Iterator[Calls]:
    """Yield the ways to read a file by its functions or methods, the likeliest first."""
    for store, found in stores(source):
        if not found:
            continue
        callables = own_functions(source) | (methods(store.root) if store.kind == "object" else {})
        first = methods(store.root) if store.kind == "object" else callables
        for plan in plans(callables, first, store):
            for layout in found:
                with suppress(Exception):
                    yield Calls(source, store, layout, plan)


def plans(callables: Mapping[str, Any], first: Mapping[str, Any], store: Store) -> Iterator[Plan]:
    """Yield what may be called as what."""
    usable = {name: f for name, f in callables.items() if not re.search(INITIALISE_ONLY, name.lower())}
    mine = {name: f for name, f in usable.items() if name in first}
    losses = [*ranked(mine, LOSS, NOT_LOSS), *ranked(usable, LOSS, NOT_LOSS), None]
    forwards = ranked(mine, FORWARD[:2], r"back|grad|deriv|prime|loss|cost|train|sgd|update") + ranked(
        mine, FORWARD[2:], r"back|grad|deriv|prime|train|update"
    )
    forwards = _bindable(forwards, usable, "forward", store)
    steps = {
        name: f for name, f in mine.items() if not any(has_role(key, "epochs") for key in _signature(f).parameters)
    }
    returning = [name for name in steps if _returns_gradients(steps[name], store)]
    forwards = [name for name in forwards if name not in returning]
    backwards = [*returning, *ranked(steps, BACKWARD, r"prime")]
    backwards = _bindable(list(dict.fromkeys(backwards)), usable, "backward", store)
    taking = [name for name in mine if name not in (*forwards, *backwards) and _takes_parameters(mine[name], store)]
    forwards = [*forwards, *(name for name in taking if not re.search(r"loss|cost|update|train", name.lower()))]
    trains = ranked(mine, TRAIN, r"prime|deriv|forward")
    losses = list(dict.fromkeys(losses))
    ways: list[Plan] = []
    for forward, backward in by_rank([*forwards[:4], None], backwards[:4]):
        ways += [Plan(forward, backward, loss=loss) for loss in losses[:4]]
    for forward, train in by_rank([*forwards[:4], None], trains[:5]):
        for listed in (False, True):
            ways += [Plan(forward, train=train, loss=loss, is_listed=listed) for loss in losses[:4]]
    for plan in ways:
        if plan.forward == plan.backward or (plan.forward in (plan.train, None) and not (plan.loss or plan.backward)):
            continue
        if plan.loss == plan.forward or (plan.loss and plan.loss == plan.train):
            continue
        yield plan


def _returns_gradients(function: Callable[..., Any], store: Store) -> bool:
    """Return whether a function computes gradients, as its variables are called, whatever its own name is."""
    names = list(store.arrays)
    own = {plain(name) for name in names}
    found = {gradient_of(word, names) for word in _assigned(function) if plain(word) not in own} - {None}
    return 2 * len(found) > len(names)


@lru_cache(maxsize=500)
def _assigned(function: Callable[..., Any]) -> frozenset[str]:
    """Return the names and attributes that a function assigns, and those that it returns."""
    with suppress(OSError, TypeError, SyntaxError, IndexError):
        definition = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
        nodes = [node for node in ast.walk(definition) if isinstance(node, (ast.Name, ast.Attribute))]
        return frozenset(ast.unparse(node) for node in nodes if isinstance(node.ctx, ast.Store))
    return frozenset()


def _takes_parameters(function: Callable[..., Any], store: Store) -> bool:
    """Return whether a function takes all parameters one by one and more, or is a method that takes one argument."""
    needed = [p for p in _signature(function).parameters.values() if p.default is p.empty]
    if store.kind == "object":
        return len(needed) == 1 and isinstance(function, MethodType)
    names = {plain(parameter.name) for parameter in needed}
    return store.kind == "arguments" and {plain(name) for name in store.arrays} < names


def updates(program: Calls) -> Iterator[Plan]:
    """Yield the plan of a program with each update, and then with each step, that its file may have."""
    callables = program._callables(program.store.root)
    taken = {program.plan.forward, program.plan.backward, program.plan.loss}
    usable = {name: f for name, f in callables.items() if name not in taken and not re.search(INITIALISE_ONLY, name)}
    for name in ranked(usable, UPDATE, r"train|batch"):
        yield replace(program.plan, update=name)
    for name in ranked(usable, TRAIN, r"prime|deriv|forward"):
        for is_listed in (False, True):
            yield replace(program.plan, train=name, is_listed=is_listed)


def by_rank(one: Sequence[Any], other: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Return all pairs, the ones that are early in both lists first."""
    ranks = sorted(product(range(len(one)), range(len(other))), key=lambda pair: (sum(pair), pair))
    return [(one[i], other[j]) for i, j in ranks]


def _bindable(names: list[str], functions: Mapping[str, Callable[..., Any]], context: str, store: Store) -> list[str]:
    """Return the functions for whose arguments something is known, but for one; the best known first."""
    unknown = {name: _unknown(functions[name], context, store) for name in names}
    return sorted((name for name in names if unknown[name] <= 1), key=unknown.__getitem__)


def _unknown(function: Callable[..., Any], context: str, store: Store) -> int:
    """Return for how many arguments of a function nothing is known."""
    names = {plain(name) for name in store.root} if store.kind == "arguments" else set()
    count = 0
    for parameter in _signature(function).parameters.values():
        fits = [role for role in CONTEXTS[context] if has_role(parameter.name, role)]
        if store.kind != "container" and fits == ["parameters"]:
            fits = []
        is_intermediate = context == "backward" and re.fullmatch(r"[zahlZAHL]_?\d+", parameter.name)
        is_known = plain(parameter.name) in names or fits or is_intermediate
        count += (
            not is_known and parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        )
    return count


INITIALISE_ONLY: Final = r"^init|initiali[sz]e|^plot|^load|^show|^save|^print|one_?hot|^__init"


def stores(source: Source) -> Iterator[tuple[Store, list[Layout]]]:
    """Yield where the parameters may be: in objects, in what the file made, in what its functions take."""
    functions = own_functions(source)
    objects = [each for cls in own_classes(source).values() for each in _objects(source, cls)]
    held = {kind for store, _ in objects for kind in _held(store)}
    yield from (each for each in objects if type(each[0].root) not in held)
    for name, function in functions.items():
        if re.search(INITIALISE, name.lower()) and not re.search("forward|back|train|fit", name.lower()):
            yield from _initialised(source, name, function)
    for name, value in list(source.namespace.items()):
        if isinstance(value, (list, dict)) and not name.startswith("__") and len(value):
            yield store_of(value, "container", source, name)
    yield _globals(source)
    yield from _synthesised(source, functions)
    for name, value in list(source.namespace.items()):
        if type(value) in own_classes(source).values():
            yield store_of(value, "object", source, name)


def _held(store: Store) -> set[type]:
    """Return the classes of the objects within an object that hold its parameters: they are layers, no networks."""
    found = set()
    for leaf in store.leaves:
        for i, (kind, _) in enumerate(leaf.path):
            if kind == "attribute" and i:
                found.add(type(Leaf("", leaf.path[:i]).get(store.root)))
    return found - {type(store.root)}


def _globals(source: Source) -> tuple[Store, list[Layout]]:
    """Return the parameters in names of the module that functions use without being given them."""
    nodes = [node for function in source.functions.values() for node in ast.walk(function)]
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    own = tuple(own_classes(source).values())
    values = {name: value for name, value in source.namespace.items() if name in used and not name.startswith("__")}
    kinds = (np.ndarray, list, dict, *own)
    root = {name: value for name, value in values.items() if isinstance(value, kinds)}
    return store_of(root, "globals", source, "")


def _objects(source: Source, cls: type) -> Iterator[tuple[Store, list[Layout]]]:
    for arguments, words in _constructions(source, cls):
        with suppress(Exception):
            np.random.seed(1)  # noqa: NPY002 - what people use
            made = cls(**arguments) if isinstance(arguments, dict) else cls(*arguments)
            store, found = store_of(made, "object", source, f"{cls.__name__}({words})")
            attributes = vars(made).items()
            given = list(arguments.values()) if isinstance(arguments, dict) else list(arguments)
            data = tuple(key for key, value in attributes if any(value is each for each in given) and _is_data(value))
            yield replace(store, data=data), found


def _is_data(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 2


def _constructions(source: Source, cls: type) -> Iterator[tuple[Any, str]]:
    """Yield arguments with which a class may be made: of small sizes, then as the file makes it."""
    try:
        parameters = list(inspect.signature(cls).parameters.values())
    except (TypeError, ValueError):
        return
    for sizes in SMALL:
        given: dict[str, Any] = {}
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            default = parameter.default if parameter.default is not parameter.empty else None
            value = _size(parameter.name, sizes, default)
            if value is not None:
                given[parameter.name] = value
            elif parameter.default is not parameter.empty:
                continue
            elif has_role(parameter.name, "rate"):
                given[parameter.name] = RATE
            elif has_role(parameter.name, "epochs"):
                given[parameter.name] = 1
            elif has_role(parameter.name, "x"):
                given[parameter.name] = np.random.default_rng(1).random((7, sizes[0]))
            elif has_role(parameter.name, "y"):
                given[parameter.name] = np.eye(sizes[-1])[np.arange(7) % sizes[-1]]
            elif has_role(parameter.name, "decay"):
                given[parameter.name] = DECAY
            elif has_role(parameter.name, "count"):
                given[parameter.name] = 7
            else:
                break
        else:
            if any(isinstance(value, (list, tuple)) for value in given.values()) or len(sizes) == 3:
                yield given, ", ".join(f"{key}={_short(value)}" for key, value in given.items())
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == cls.__name__:
            with suppress(Exception):
                evaluated = [eval(compile(ast.Expression(a), "", "eval"), source.namespace) for a in node.args]
                named = {
                    k.arg: eval(compile(ast.Expression(k.value), "", "eval"), source.namespace)
                    for k in node.keywords if k.arg
                }  # fmt: skip
                bound = inspect.signature(cls).bind(*evaluated, **named).arguments
                yield dict(bound), ", ".join(map(ast.unparse, [*node.args, *(k.value for k in node.keywords)]))


def _short(value: Any) -> str:
    return f"array {value.shape}" if isinstance(value, np.ndarray) else str(value)


def _size(name: str, sizes: Sequence[int], default: Any) -> Any:
    """Return what an argument for sizes gets; None for another argument."""
    word = plain(name)
    if isinstance(default, (str, bool, float)):
        return None
    if word in ("dim", "size"):
        return sizes[0]
    if re.fullmatch(SIZES, word):
        return tuple(sizes) if isinstance(default, tuple) else list(sizes)
    if isinstance(default, (list, tuple)):
        return None
    for pattern, size in ((N_IN, sizes[0]), (N_OUT, sizes[-1]), (N_HIDDEN, sizes[1])):
        if re.fullmatch(pattern, word):
            return size
    return None


def _initialised(source: Source, name: str, function: Callable[..., Any]) -> Iterator[tuple[Store, list[Layout]]]:
    """Yield the parameters that an initialising function of the file returns."""
    for sizes in SMALL:
        given = {}
        for parameter in _signature(function).parameters.values():
            value = _size(
                parameter.name, sizes, parameter.default if parameter.default is not parameter.empty else None
            )
            if value is not None:
                given[parameter.name] = value
            elif parameter.default is parameter.empty and re.search("rng|random|generator", parameter.name):
                given[parameter.name] = np.random.default_rng(1)
        with suppress(Exception):
            np.random.seed(1)  # noqa: NPY002 - what people use
            made = function(**given)
            names = return_names(source, name, None)
            if (
                isinstance(made, tuple)
                and len(names) == len(made)
                and all(isinstance(a, (np.ndarray, float)) for a in made)
            ):
                yield from _as_arguments(source, dict(zip(names, made, strict=True)), given)
            elif isinstance(made, tuple) and len(names) == len(made) and all(isinstance(a, list) for a in made):
                yield store_of(dict(zip(names, made, strict=True)), "arguments", source, "")
            elif isinstance(made, (dict, list, tuple)):
                yield store_of(made, "container", source, "")
        if not given:
            return


def _as_arguments(source: Source, made: Arrays, given: Mapping[str, Any]) -> Iterator[tuple[Store, list[Layout]]]:
    """Yield arrays that are passed one by one: of small sizes in the same layout, and as they are."""
    arrays = {name: np.asarray(array, float) for name, array in made.items()}
    _, found = store_of(arrays, "arguments", source, "")
    if not given:
        for layout in found:
            for n_out in (3, layout.sizes[-1]):
                small = resized(arrays, layout, (*(12 + i for i in range(len(layout.layers), 0, -1)), n_out))
                yield store_of(small, "arguments", source, "")
    yield store_of(arrays, "arguments", source, "")


def resized(arrays: Arrays, layout: Layout, sizes: Sequence[int]) -> Arrays:
    """Return arrays of the same layout for other sizes."""
    found: Arrays = {}
    for (weights, bias), n_in, n_out in zip(layout.layers, sizes, sizes[1:], strict=False):
        found[weights] = np.zeros((n_out, n_in) if layout.out_first else (n_in, n_out))
        if bias is not None:
            shape = arrays[bias].shape
            found[bias] = np.zeros(tuple(n_out if size == max(shape) and size > 0 else size for size in shape))
    return {name: found[name] for name in arrays if name in found}


def _synthesised(source: Source, functions: Mapping[str, Callable[..., Any]]) -> Iterator[tuple[Store, list[Layout]]]:
    """Yield parameters of the names that the functions use: as arguments, or as the keys of a dict; or pairs (W, b)."""
    parameters = [key for function in functions.values() for key in _signature(function).parameters]
    read = [node for node in ast.walk(source.tree) if isinstance(node, ast.Subscript)]
    values = [node.slice.value for node in sorted(read, key=_place) if isinstance(node.slice, ast.Constant)]
    keys = [value for value in values if isinstance(value, str)]
    numbered = [letter for letter in "Wwb" if re.search(NUMBERED.format(letter), source.text)]
    keys += [f"{letter}{l}" for l in (1, 2, 3) for letter in numbered]
    for kind, words in (("arguments", parameters), ("container", keys)):
        names = _without_gradients(dict.fromkeys(word for word in words if is_weight(word) or is_bias(word)))
        weights = in_order([name for name in names if is_weight(name) and re.search(r"\d|_|^[wW].$", name)])
        biases = in_order([name for name in names if is_bias(name) and re.search(r"\d|_|^[bB].$", name)])
        if not weights and kind == "arguments":  # a single layer
            weights = [name for name in names if name in ("w", "W", "weights", "theta")][:1]
            biases = [name for name in names if name in ("b", "bias")][:1]
        if not weights:
            continue
        for sizes in _sizes_of(source, len(weights)):
            for out_first, shape in product((True, False), SHAPES_OF_BIAS):
                made: Arrays = {}
                for l, name in enumerate(weights):
                    made[name] = np.zeros((sizes[l + 1], sizes[l]) if out_first else (sizes[l], sizes[l + 1]))
                for name, n_out in zip(biases, sizes[1:], strict=False):
                    shapes = {"column": (n_out, 1), "row": (1, n_out), "vector": (n_out,), "number": ()}
                    made[name] = np.zeros(shapes[shape])
                store, found = store_of(made, kind, source, "")
                yield store, [layout for layout in found if layout.out_first == out_first]
    if any(has_role(key, "parameters") for key in parameters):
        for sizes in SMALL:
            pairs = [(np.zeros((n_out, n_in)), np.zeros(n_out)) for n_in, n_out in pairwise(sizes)]
            yield _pairs(pairs)


def _without_gradients(names: Iterable[str]) -> list[str]:
    """Return names without those of the gradients of others: weights_1_grad."""
    by_word = {name: plain(name).replace("_", "") for name in names}
    return [
        name
        for name in by_word
        if gradient_of(name, [other for other in by_word if by_word[other] != by_word[name]]) is None
    ]


def _place(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _pairs(pairs: list[tuple[np.ndarray, np.ndarray]]) -> tuple[Store, list[Layout]]:
    """Return parameters as a list of pairs (W, b), as in the example that `check` prints."""
    found = [
        Leaf(f"{letter}{l}", (("index", l - 1), ("index", i)))
        for l in range(1, len(pairs) + 1)
        for i, letter in enumerate("Wb")
    ]
    layers = tuple((f"W{l}", f"b{l}") for l in range(1, len(pairs) + 1))
    sizes = (pairs[0][0].shape[1], *(len(b) for _, b in pairs))
    root = [list(pair) for pair in pairs]
    return Store(root, tuple(found), "container"), [Layout(layers, out_first=True, sizes=sizes)]


def _sizes_of(source: Source, depth: int) -> Iterator[tuple[int, ...]]:
    hidden = tuple(range(4 + depth, 4, -1))
    outs = [3, 1]
    outs += sorted({int(text) for text in re.findall(r"\b(?:10|2|4|26)\b", source.text)}, reverse=True)
    for n_out in dict.fromkeys(outs):
        yield (*(size + (9 if n_out == 10 else 0) for size in hidden), n_out)
