"""One run of a file's functions or methods: the values that are known so far, by name and by role."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from shared.reading import gradients
from shared.reading.batch import LABELS, LIST, Batch, Form
from shared.reading.constructions import size_of
from shared.reading.derivatives import fix_chance
from shared.reading.functions import (
    given_as,
    named_arrays,
    own_classes,
    return_names,
    signature,
)
from shared.reading.names import doubt, gradient_of, has_role, is_gradient, plain
from shared.reading.plans import CONTEXTS, UPSTREAM, is_derivative
from shared.reading.program import DECAY, RATE, TINY_RATE, Run, UnreadableError, from_step
from shared.reading.rates import give_rate, own_objects
from shared.reading.scalars import is_number, number
from shared.reading.stores import own_leaves
from shared.reading.structure import Arrays, Part, kept

if TYPE_CHECKING:
    from shared.reading.calls import Calls

PAIRS: Final = ("x", "mini_batch", "minibatch", "batch", "data", "training_data", "examples", "train_data", "train",
                "dataset", "rows")  # fmt: skip


class Call:
    """One run: the values that are known so far, by name and by role."""

    def __init__(self, program: "Calls", root: Any, batch: Batch, form: Form) -> None:
        self.program, self.root, self.batch, self.form = program, root, batch, form
        self.callables = program.callables(root)
        self.shapes = {name: array.shape for name, array in program.arrays.items()}
        self.parts = [leaf for leaf in program.store.leaves if isinstance(leaf, Part)]
        self.exact: dict[str, Any] = {}
        self._turns: dict[tuple[int, str], int] = {}
        """object and attribute -> the number of turns that was found there, or put there"""
        self.roles: dict[str, Any] = {
            "x": form.give_x(batch), "y": form.give_y(batch), "rate": RATE, "decay": DECAY, "count": len(batch.y),
            "epochs": 1, "quiet": False,
        }  # fmt: skip
        kind = program.store.kind
        if kind == "arguments":
            self.exact = dict(root)
        elif kind == "container":
            self.roles["parameters"] = root
            if program.store.words.isidentifier():
                self.exact[program.store.words] = root
        for name in program.store.data:
            setattr(root, name, self.roles["x" if has_role(name, "x") else "y"])

    def bound(self, name: str, context: str) -> dict[str, Any]:
        """Return the arguments of a call; UnreadableError if one is not known."""
        function = self.callables[name]
        given: dict[str, Any] = {}
        lower = {plain(key): value for key, value in self.exact.items()}
        unknown = []
        for parameter in signature(function).parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            key, has_default = parameter.name, parameter.default is not parameter.empty
            if key in self.exact:
                given[key] = self.exact[key]
            elif plain(key) in lower:
                given[key] = lower[plain(key)]
            elif self.parts and (size := size_of(key, self.program.layout.sizes, None)) is not None:
                given[key] = size
            elif (role := self._role(key, context, given)) and not (has_default and self._is_left(key, role, context)):
                given[key] = self.roles[role]
            elif not has_default:
                unknown.append(key)
        for key in unknown:
            given[key] = self._as_in_file(name, key)
            if given[key] is None and context == "backward" and re.fullmatch(UPSTREAM, plain(key)):
                given[key] = self._slope_of_loss(name, key)
            elif given[key] is None and (role := self._left(context, given)):
                given[key] = self.roles[role]
            elif given[key] is None and self.form.x == LIST:
                given[key] = size_of(key, self.program.layout.sizes, None)
            if given[key] is None:
                raise UnreadableError(f"{name}: nothing is known for its argument {key}")
        return given

    @staticmethod
    def _is_left(key: str, role: str, context: str) -> bool:
        """Return whether an argument keeps its default: alpha and eps are no rates where nothing is learned."""
        return role in ("count", "cache") or (role == "rate" and doubt(key) > 0 and context in ("forward", "backward"))

    def _slope_of_loss(self, name: str, key: str) -> Any:
        """Return what the file's own derivative of its loss gives, for a backward pass that starts from it."""
        loss = self.program.plan.loss
        for other in self.callables if loss else ():
            if other != loss and is_derivative(other, loss or ""):
                return self.call(other, "loss")
        raise UnreadableError(f"{name}: nothing is known for its argument {key}")

    def _as_in_file(self, name: str, key: str) -> Any:
        """Return what the file gives for an argument, if it is a setting: no data, and no parameters but these."""
        usual = given_as(self.program.source, name, key)
        if usual is not None and usual is self.program.store.root:
            return self.root
        is_data = isinstance(usual, np.ndarray) or any(own_leaves(usual, self.program.source))
        return None if is_data else usual

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
        self._remember(names, value)
        if len(names) == 1 and names[0].isidentifier() and not isinstance(value, np.ndarray):
            self.exact.setdefault(names[0], value)
        caches = [part for part in elements if isinstance(part, (tuple, list, dict)) and len(part)]
        self.roles["cache"] = caches[-1] if caches else value
        numbers = [number(part) for part in elements if is_number(part)]
        found.loss = numbers[0] if numbers else None
        top = list(zip(names if len(names) == len(elements) else [""] * len(elements), elements, strict=True))
        outputs = self._outputs([(key, part) for key, part in top if isinstance(part, np.ndarray)])
        if outputs is None:
            outputs = self._outputs(list(named_arrays(value, self.program.source, name)))
        if self.form.x == LIST:
            fits = [each for each in _lists(value) if self.form.rows(each, self.batch) is not None]
            outputs = fits[-1] if fits else None
        elif outputs is None and self.program.store.kind == "object":
            outputs = self._outputs([(key, array) for key, array in vars(self.root).items() if has_role(key, "output")])
        if outputs is not None:
            self.roles["output"], found.outputs = outputs, self.form.rows(outputs, self.batch)

    def _remember(self, names: list[str], value: Any) -> None:
        """Keep the elements of a tuple by what the function's `return` calls them."""
        if isinstance(value, tuple) and len(names) == len(value):
            self.exact |= {key: part for key, part in zip(names, value, strict=True) if key.isidentifier()}

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
        parts = [part for part in (value if isinstance(value, tuple) else (value,)) if is_number(part)]
        if not parts:
            raise UnreadableError(f"{name} returned no number")
        found.loss = number(parts[0])

    def backward(self, found: Run) -> None:
        """Call the backward pass, and find the gradients in what it returned or in what the object keeps."""
        name = self.program.plan.backward
        assert name is not None
        value = self.call(name, "backward")
        numbers = [part for part in value if is_number(part)] if isinstance(value, tuple) else []
        if numbers and found.loss is None:
            found.loss = number(numbers[0])
        names = self._names(name)
        own = tuple(own_classes(self.program.source).values())
        held = _arrays(value) if self.form.x == LIST else value
        held = vars(value) if isinstance(value, own) and hasattr(value, "__dict__") and value is not self.root else held
        found.gradients = self._unrolled(value) or gradients.in_value(held, names, self.shapes, self.program.layout)
        if not found.gradients and self.program.store.kind != "arguments":
            found.gradients = self._kept()
        self._refuse_updated(name, value, found.gradients)
        self.roles["gradients"] = value
        self._remember(names, value)
        if not found.gradients:
            raise UnreadableError(f"{name} gave no gradients of {', '.join(self.shapes)}")

    def _unrolled(self, value: Any) -> dict[str, Any]:
        """Return the gradients in a vector that holds all of them, as another one holds the parameters."""
        size = sum(array.size for array in self.program.arrays.values())
        for each in value if self.parts and isinstance(value, tuple) else (value,):
            if self.parts and np.shape(each) == (size,):
                return {part.name: part.get({part.path[0][1]: each}) for part in self.parts}
        return {}

    def _refuse_updated(self, name: str, value: Any, found: Mapping[str, Any]) -> None:
        """Raise UnreadableError for what a step returned under the parameters' own names: they are no gradients."""
        parameters = [leaf.get(self.root) for leaf in self.program.store.leaves]
        is_itself = any(gradient is parameter for gradient in found.values() for parameter in parameters)
        names = value if isinstance(value, Mapping) else self._names(name)
        is_step = any(has_role(key, "rate") for key in signature(self.callables[name]).parameters)
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
        for leaf in own_leaves(self.root, self.program.source):
            if leaf.path[-1][0] == "index":
                continue
            places = {each.name: each.path[:-1] for each in self.program.store.leaves}
            beside = [name for name, place in places.items() if place == leaf.path[:-1]]
            parameter = gradient_of(leaf.name, beside or list(self.shapes) if len(leaf.path) == 1 else beside)
            if len(beside) == 1 and plain(leaf.name) in ("grad", "gradient"):  # p.data and p.grad
                parameter = beside[0]
            if leaf.name not in self.shapes and parameter:
                found[parameter] = leaf.get(self.root)
        return found

    def parameters(self) -> Arrays:
        """Return copies of the parameters as they are now."""
        return {leaf.name: np.array(leaf.get(self.root)) for leaf in self.program.store.leaves}

    def train(self, found: Run, rate: float) -> None:
        """Take one step, and divide by the rate."""
        name = self.program.plan.train
        assert name is not None
        before = self.parameters()
        found.rate = self.set_rate(rate, name)
        if found.rate != rate:
            self._refuse_unknown_numbers(name)
        x, y = self.roles["x"], self.roles["y"]
        if self.program.plan.is_listed:
            self.roles["x"], self.roles["y"] = [x], [y]
            takes = [plain(key) for key in signature(self.callables[name]).parameters]
            if not any(has_role(key, "y") for key in takes):
                self.roles["x"] = [(x, y)]
                takes_pairs = next((key for key in takes if key in PAIRS), None)
                if takes_pairs:
                    pairs = [[*x, y]] if self.form == Form(LIST, LABELS) else self.roles["x"]
                    self.roles["x"] = self.exact[takes_pairs] = pairs
                    del self.roles["y"]  # it is within the pairs
        value = self.call(name, "train")
        if not self.program.plan.forward:
            outputs = self._outputs(list(named_arrays(value, self.program.source, name)))
            found.outputs = found.outputs if outputs is None else self.form.rows(outputs, self.batch)
        found.after = self.after(value, before, name)
        if all(np.array_equal(found.after[key], before[key]) for key in before):
            raise UnreadableError(f"{name} changed no parameter")
        found.gradients = dict(from_step(before, found.after, found.rate)) if rate == TINY_RATE else {}

    def _refuse_unknown_numbers(self, name: str) -> None:
        """Raise UnreadableError for a step with a number of unknown meaning, which may be that of its turns."""
        for key, parameter in signature(self.callables[name]).parameters.items():
            is_number_of = type(parameter.default) is int and parameter.default > 1
            if is_number_of and not any(has_role(key, role) for role in CONTEXTS["train"]):
                raise UnreadableError(f"{name}: nothing is known for its argument {key}")

    def after(self, value: Any, before: Arrays, name: str) -> Arrays:
        """Return the parameters after an update: changed in place, or returned."""
        now = self.parameters()
        if self.program.store.kind == "object" or any(not np.array_equal(now[key], before[key]) for key in before):
            return now
        names = self._names(name)
        if any(gradient_of(each, list(before)) for each in names if each not in before):
            return now
        if isinstance(value, tuple):
            by_name = dict(zip(names, value, strict=False)) if len(names) == len(value) else {}
            lower = {plain(key): part for key, part in by_name.items()}
            if all(plain(key) in lower for key in before):
                return {key: np.array(lower[plain(key)]) for key in before}
            if len(value) == len(before):
                return {key: np.array(part) for key, part in zip(before, value, strict=True)}
        for part in value if isinstance(value, tuple) else (value,):
            if isinstance(part, (dict, list)):
                returned = {leaf.name: leaf.get(part) for leaf in own_leaves(part, self.program.source)}
                if before.keys() <= returned.keys():
                    return {key: np.array(returned[key]) for key in before}
        return now

    def set_rate(self, rate: float, name: str) -> float:
        """Give a learning rate as an argument and in attributes; return the one that holds: 1 if there is none."""
        takes = signature(self.callables[name]).parameters
        self.roles["rate"] = rate
        is_set = any(has_role(key, "rate") for key in takes)
        if self.program.store.kind == "object":
            is_set |= give_rate(
                self.root, self.program.source, rate, self._computed if self.program.plan.forward else None,
                is_given=is_set,
            )  # fmt: skip
            for holder, key in self.turns():
                self._turns[id(holder), key] = self.roles["epochs"]
                setattr(holder, key, self.roles["epochs"])
        return rate if is_set else 1.0

    def _computed(self) -> Any:
        """Return the outputs, and the loss, of a copy of the network."""
        fix_chance(self.program)
        call, found = Call(self.program, kept(self.root), self.batch, self.form), Run()
        call.forward(found)
        if self.program.plan.loss:
            call.loss(found)
        return np.append(found.outputs if found.outputs is not None else [], found.loss or 0.0)

    def turns(self) -> list[tuple[Any, str]]:
        """Return the numbers of turns that objects keep; what is 0, or grows from step to step, counts steps."""
        found = [
            (holder, key, value)
            for holder in (own_objects(self.root, self.program.source) if self.program.store.kind == "object" else ())
            for key, value in vars(holder).items()
            if has_role(key, "epochs") and type(value) is int and not isinstance(holder, type)
        ]
        return [
            (holder, key)
            for holder, key, value in found
            if value == self._turns.setdefault((id(holder), key), value) > 0
        ]

    def _names(self, name: str) -> list[str]:
        return return_names(self.program.source, name, self.root if self.program.store.kind == "object" else None)


def _lists(value: Any) -> Iterator[Any]:
    """Yield what is in nested lists, and the lists."""
    for each in value if isinstance(value, (list, tuple)) else ():
        yield from _lists(each)
    yield value


def _arrays(value: Any) -> Any:
    """Return an array for each list of numbers, or of rows of numbers, within lists."""
    if not isinstance(value, list) or not value:
        return value
    is_matrix = all(isinstance(each, list) and each and all(map(is_number, each)) for each in value)
    if all(map(is_number, value)) or (is_matrix and len({len(each) for each in value}) == 1):
        return np.array(value)
    return [_arrays(each) for each in value]
