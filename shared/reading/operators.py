"""Read convolutions and pools by themselves: a forward function with its backward one, or a class of layers.

What makes them right is not a loss, but their own forward pass: with a cotangent c of random numbers, the derivatives
of sum(out * c) are what the backward pass has to return for it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np

from shared.reading import arguments
from shared.reading.arguments import Setting, applies, made_by, value_of
from shared.reading.batch import ONE_HOT, Batch, Form
from shared.reading.derivatives import OWN, Derivatives, derivatives
from shared.reading.functions import own_classes, own_functions, return_names, signature
from shared.reading.names import gradient_of, has_role
from shared.reading.program import TINY_RATE, Run, UnreadableError
from shared.reading.source import Source
from shared.reading.stores import own_leaves
from shared.reading.structure import Arrays, Layout, kept

BACK: Final = r"back_?(ward|prop(agation|agate)?)?|bwd|bprop|grad(ient)?s?"
FORWARD: Final = r"forward|fwd|fprop|feed"
FEW, MOST = 2, 12
"""Entries of a tensor that are shifted: while styles are tried, and afterwards."""
SHARED: Final = 1.5
"""So many times the gradient that came goes back where each of several equal maxima gets all of it, or more."""
NOWHERE: Final = (Batch(np.zeros((1, 1)), np.zeros(1, int), 1), Form("rows", ONE_HOT))
"""In place of examples: an operator takes its input with its parameters."""


class Style(NamedTuple):
    """The axes of the input, the kernels and the output; H, W become the height and the width of the output."""

    x: str
    w: str
    out: str


CONVOLUTIONS: Final = (
    Style("NCHW", "FChw", "NFHW"), Style("NHWC", "hwCF", "NHWF"), Style("NHWC", "FhwC", "NHWF"),
    Style("CHW", "FChw", "FHW"), Style("HWC", "hwCF", "HWF"), Style("HWC", "FhwC", "HWF"),
    Style("HW", "Fhw", "HWF"), Style("HW", "Fhw", "FHW"), Style("HW", "hw", "HW"),
    Style("NHW", "Fhw", "NFHW"), Style("NHW", "Fhw", "NHWF"),
)  # fmt: skip
POOLS: Final = tuple(Style(axes, "", axes) for axes in ("NCHW", "NHWC", "CHW", "HWC", "HW"))
SIZES: Final = {"N": 3, "C": 2, "F": 4, "h": 3, "w": 3}
"""Sizes that differ, where the file lets us; H and W are those of the setting."""


Backward = Callable[[np.ndarray], dict[str, Any]]
"""cotangent -> parameter, or input -> what it gets; what is not returned is left out"""


@dataclass
class Operator:
    """A forward pass with its backward pass, as a program whose loss is sum(out * cotangent)."""

    source: Source
    words: tuple[str, ...]
    """what is called"""
    where: tuple[int, ...]
    """the first lines of the forward and of the backward pass"""
    is_pool: bool
    style: Style
    setting: Setting
    arrays: Arrays
    """the input first"""
    call: Callable[[Arrays], tuple[np.ndarray, Backward]]
    layout: Layout = field(init=False)
    found: list[str] = field(init=False)
    lines: dict[str, int] = field(init=False)
    cotangent: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.layout = Layout(tuple((name, None) for name in self.arrays), out_first=True, sizes=(1, 1))
        self.found = list(self.words)
        self.lines = dict(zip(("forward", "backward"), self.where, strict=True))

    @property
    def name(self) -> str:
        """What goes backward."""
        return self.words[-1].partition("(")[0]

    def output(self, arrays: Arrays) -> tuple[np.ndarray, Backward]:
        """Return the output, and what goes back from it; UnreadableError if it has not the axes of its style."""
        out, back = self.call({name: array.copy() for name, array in arrays.items()})
        if not isinstance(out, np.ndarray) or out.dtype.kind != "f" or not np.isfinite(out).all():
            raise UnreadableError(f"{self.words[0]} gave no array of numbers")
        given = dict(zip(self.style.x, arrays[next(iter(arrays))].shape, strict=True)) | SIZES
        fixed = [(axis, size) for axis, size in zip(self.style.out, out.shape, strict=False) if axis not in "HW"]
        if out.ndim != len(self.style.out) or any(given[axis] != size for axis, size in fixed):
            raise UnreadableError(f"{self.words[0]} gave an output of shape {out.shape}")
        return out, back

    def run(self, arrays: Arrays, batch: Batch, form: Form, *, backward: bool = True, loss: bool = True) -> Run:  # noqa: ARG002
        """Run forward, and backward."""
        out, back = self.output(arrays)
        if self.cotangent is None:
            self.cotangent = np.random.default_rng(17).standard_normal(out.shape)
        gradients = back(self.cotangent.copy()) if backward else {}
        return Run(loss=float((out * self.cotangent).sum()), gradients=gradients)


Ways = Callable[[Setting], Iterator[Operator]]
"""The ways in which an operator may be called at a setting, one for each style."""


@dataclass
class Trial:
    """An operator at one setting, measured."""

    words: tuple[str, ...]
    is_pool: bool
    style: Style
    setting: Setting
    derivatives: Derivatives
    out: np.ndarray
    cotangent: np.ndarray
    lines: dict[str, int]
    shares_ties: bool = True
    """whether equal maxima share their gradient, or one of them gets it: not each the whole"""

    @property
    def name(self) -> str:
        """What goes backward."""
        return self.words[-1].partition("(")[0]

    @property
    def returned(self) -> list[str]:
        """The tensors with a gradient."""
        return [name for name in self.derivatives.arrays if name not in self.derivatives.missing]

    @property
    def wrong(self) -> list[str]:
        """The tensors whose gradients are not the derivatives."""
        right = self.derivatives.fit(self.derivatives.gradients, OWN, factor=1.0).right
        return [name for name in self.returned if not right[name]]


def trials(source: Source) -> tuple[list[list[Trial]], list[str]]:
    """Return, for each operator of a file that runs, its trials, the usual setting first; and why others do not run."""
    found, failures = list[list[Trial]](), list[str]()
    for ways in (*_pairs(source), *_layers(source)):
        best, why = _tried(ways)
        if best:
            found.append(best)
        elif why:
            failures.append(why)
    return found, failures


def is_convolutional(source: Source) -> bool:
    """Return whether a file defines convolutions or pools, or uses those of torch."""
    names = " ".join([*source.functions, *own_functions(source), *own_classes(source)])
    return re.search(r"conv(?!e)|pool|cnn", names.lower()) is not None or "Conv2d(" in source.text


def _kind(name: str) -> str:
    found = re.search(r"conv(?!e)|pool", name.lower())
    return "" if found is None else "conv" if "conv" in name.lower() else "pool"


def _tried(ways: Ways) -> tuple[list[Trial], str]:
    """Return the trials of an operator in the style that fits best; if none runs, why it does not go back."""
    chosen, failures = list[Trial](), list[str]()
    for setting in (*arguments.CONVOLUTIONS, *arguments.POOLS):
        found = _best(ways, setting, chosen, failures)
        if found is None or found.wrong:  # it may be written for square images only
            square = _best(ways, replace(setting, width=setting.height), chosen, failures)
            found = square if found is None or (square is not None and not square.wrong) else found
        chosen += [found] if found is not None else []
    return chosen, failures[0] if failures else ""


def _best(ways: Ways, setting: Setting, chosen: list[Trial], failures: list[str]) -> Trial | None:
    """Return the trial at a setting, in the style of the earlier ones or in that with most gradients right."""
    best: tuple[float, Operator] | None = None
    for operator in ways(setting):
        if chosen and operator.style != chosen[0].style:
            continue
        try:
            found = _measured(operator, FEW)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is a stranger's code
            if operator.cotangent is not None:  # it is the way back that raises
                failures.append(f"{operator.name}: {type(error).__name__}: {error}")
            continue
        share = 1 - len(found.wrong) / max(1, len(found.returned))
        if found.returned and (best is None or share > best[0]):
            best = share, operator
        if share == 1 and best is not None:
            break
    return _measured(best[1]) if best else None


def _measured(operator: Operator, most: int = MOST) -> Trial:
    """Return a trial; any exception of the file is passed on."""
    found = derivatives(operator, operator.arrays, *NOWHERE, most=most)
    out, _ = operator.output(operator.arrays)
    cotangent = operator.cotangent
    assert cotangent is not None
    return Trial(
        operator.words, operator.is_pool, operator.style, operator.setting, found, out, cotangent, operator.lines,
        not operator.is_pool or _shares(operator, cotangent),
    )  # fmt: skip


def _shares(operator: Operator, cotangent: np.ndarray) -> bool:
    """Return whether no more gradient goes back than came, where all entries are equal."""
    (name, x), *_ = operator.arrays.items()
    _, back = operator.output({name: np.ones_like(x)})
    given = np.ones_like(cotangent)
    return bool(np.sum(back(given).get(name, 0.0)) < SHARED * given.sum())


# ---- Functions ---------------------------------------------------------------------------------------------


def _pairs(source: Source) -> Iterator[Ways]:
    """Yield, for each pair of functions with one name, the ways to call it at a setting."""
    functions = own_functions(source)
    backwards = {_stem(name): name for name in functions if _kind(name) and _goes_back(name)}
    for name in functions:
        if _kind(name) and not _goes_back(name) and (back := backwards.get(_stem(name))):
            yield _ways(source, name, back)


def _goes_back(name: str) -> bool:
    return re.search(BACK, name.lower()) is not None


def _stem(name: str) -> str:
    return re.sub(rf"{BACK}|{FORWARD}|pass|_", "", name.lower())


def _ways(source: Source, forward: str, backward: str) -> Ways:
    functions = own_functions(source)
    go, back = functions[forward], functions[backward]
    words = tuple(f"{name}({', '.join(signature(functions[name]).parameters)})" for name in (forward, backward))
    where = (go.__code__.co_firstlineno, back.__code__.co_firstlineno)
    is_pool = _kind(forward) == "pool"

    def ways(setting: Setting) -> Iterator[Operator]:
        if setting.is_pool != is_pool or not applies(setting, go):
            return
        for style in POOLS if is_pool else CONVOLUTIONS:
            for values, arrays in _bound(go, style, setting):
                call = _Pair(go, back, values, setting, return_names(source, backward, None))
                yield Operator(source, words, where, is_pool, style, setting, arrays, call)

    return ways


def _bound(go: Callable[..., Any], style: Style, setting: Setting) -> Iterator[tuple[dict[str, Any], Arrays]]:
    """Yield what the arguments of a forward function get: settings, and arrays, for each shape of the biases."""
    n = SIZES["F"] if "F" in style.w else 1
    shapes = {"x": [drawn_shape(style.x, setting)], "w": [drawn_shape(style.w, setting)]}
    shapes["b"] = [(n,), (n, 1), (*[1] * (len(style.w) - 1), n)]
    known, roles = dict[str, Any](), dict[str, str]()
    for name, parameter in signature(go).parameters.items():
        free = [role for role in ("x" if setting.is_pool else "xwb") if role not in roles]
        role = next((role for role in free if re.fullmatch(ARRAYS[role], name.lower())), None)
        is_known, value = value_of(name, parameter.default, setting)
        if role is not None:
            roles[role] = name
        elif is_known:
            known[name] = value
        elif parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
            return
    if "x" in roles and ("w" in roles or setting.is_pool):
        for shape in shapes["b"] if "b" in roles else [()]:
            every = shapes | {"b": [shape]}
            yield known, {roles[role]: drawn(every[role][0], i) for i, role in enumerate("xwb") if role in roles}


ARRAYS: Final = {
    "x": r"x\w*|a_?prev|a|images?|img|inputs?|inp|input_\w+|data|im|z|feature_?maps?|\w+_prev|prev\w*|matrix",
    "w": r"w\d?|weights?|filt(er)?s?|kernels?|k|f|theta",
    "b": r"b\d?|bias(es)?",
}
"""Names of the input, the kernels and the biases of a function."""


@dataclass
class _Pair:
    """Calls a forward function, and then the backward one with what that needs."""

    go: Callable[..., Any]
    back: Callable[..., Any]
    settings: Mapping[str, Any]
    setting: Setting
    names: list[str]
    """what the backward function's `return` calls its values"""

    def __call__(self, arrays: Arrays) -> tuple[np.ndarray, Backward]:
        value = self.go(**arrays, **kept(dict(self.settings)))
        parts = value if isinstance(value, tuple) else (value,)
        return parts[0], lambda cotangent: self.backward(cotangent, arrays, parts)

    def backward(self, cotangent: np.ndarray, arrays: Arrays, parts: tuple[Any, ...]) -> dict[str, Any]:
        """Call the backward function."""
        given: dict[str, Any] = {}
        names = list(arrays)
        for name, parameter in signature(self.back).parameters.items():
            is_known, value = value_of(name, parameter.default, self.setting)
            if not any(each is cotangent for each in given.values()) and name not in arrays and re.match(GOES_IN, name):
                given[name] = cotangent
            elif has_role(name, "cache") and len(parts) > 1:
                given[name] = parts[-1]
            elif name in arrays:
                given[name] = arrays[name]
            elif role := next(
                (i for i, r in enumerate("xwb"[: len(names)]) if re.fullmatch(SENT[r], name.lower())), None
            ):
                given[name] = arrays[names[role]]
            elif re.fullmatch(SENT["x"], name.lower()):
                given[name] = arrays[names[0]]
            elif is_known:
                given[name] = value
            elif parameter.default is parameter.empty:
                raise UnreadableError(f"nothing is known for its argument {name}")
        return by_name(self.back(**given), self.names, arrays)


GOES_IN: Final = r"(?i)d(?!ata)|grad|delta|err|up|out"
SENT: Final = {"x": ARRAYS["x"] + r"|conv_in\w*|orig\w*|\w*_in|in", "w": ARRAYS["w"], "b": ARRAYS["b"]}


def by_name(value: Any, names: list[str], arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a backward pass returned, by the names in its `return`, or else by shapes, or in order."""
    known = list(arrays)
    if isinstance(value, Mapping):
        return {of: each for key, each in value.items() if (of := gradient_of(str(key), known))}
    parts = list(value) if isinstance(value, (tuple, list)) else [value]
    said = [gradient_of(name, known) for name in names] if len(names) == len(parts) else [None] * len(parts)
    found: dict[str, Any] = {}
    for name, part in zip(said, parts, strict=True):
        if name is not None and name not in found:
            found[name] = part
    for i, (name, part) in enumerate(zip(said, parts, strict=True)):
        if name is None and isinstance(part, (np.ndarray, float, np.floating)):
            left = [each for each in known if each not in found]
            fits = [each for each in left if np.shape(part) == np.shape(arrays[each])]
            of = fits[0] if len(fits) == 1 else known[i] if i < len(known) and known[i] in left else None
            found |= {of: part} if of is not None else {}
    return {name: part for name, part in found.items() if isinstance(part, (np.ndarray, float, np.floating))}


# ---- Classes -----------------------------------------------------------------------------------------------


def _layers(source: Source) -> Iterator[Ways]:
    """Yield, for each class of layers that goes forward and backward, the ways to call it at a setting."""
    for cls in own_classes(source).values():
        every = [name for name in dir(cls) if not name.startswith("_") or name == "__call__"]
        forward = [name for name in every if re.match(rf"{FORWARD}|__call__|propagate", name.lower())]
        backward = [name for name in every if re.match(BACK, name.lower())]
        if _kind(cls.__name__) and forward and backward and callable(getattr(cls, backward[0])):
            yield _made(source, cls, sorted(forward, key=lambda name: name == "__call__")[0], backward[0])


def _made(source: Source, cls: type, forward: str, backward: str) -> Ways:
    is_pool = _kind(cls.__name__) == "pool"

    def ways(setting: Setting) -> Iterator[Operator]:
        if setting.is_pool != is_pool or not applies(setting, cls):
            return
        for style in POOLS if is_pool else CONVOLUTIONS:
            shape, kernel = drawn_shape(style.x, setting), drawn_shape(style.w, setting)
            with suppress(Exception):
                np.random.seed(1)  # noqa: NPY002 - what people use
                given = {role: np.zeros(shape) for role, shape in (("w", kernel), ("b", (SIZES["F"],)))}
                made = cls(**made_by(cls, shape[style.x[:1] == "N" :], SIZES, setting, given))
                leaves = own_leaves(made, source)
                parameters = {leaf.name: drawn(np.shape(leaf.get(made)), i) for i, leaf in enumerate(leaves, 1)}
                kernels = [array for array in parameters.values() if array.ndim >= 2]
                if style.w and not any(_has_axes(kernel.shape, style.w) for kernel in kernels[:1]):
                    continue
                function, back = getattr(cls, forward), getattr(cls, backward)
                x = next(name for name in list(signature(function).parameters)[1:])
                words = (f"{cls.__name__}.{forward}", f"{cls.__name__}.{backward}")
                where = (function.__code__.co_firstlineno, back.__code__.co_firstlineno)
                call = _Layer(made, leaves, forward, backward, x, return_names(source, backward, made))
                arrays = {x: drawn(shape, 0), **parameters}
                yield Operator(source, words, where, is_pool, style, setting, arrays, call)

    return ways


def _has_axes(shape: tuple[int, ...], axes: str) -> bool:
    known = [(SIZES[axis], size) for axis, size in zip(axes, shape, strict=False) if axis in "FC"]
    return len(shape) == len(axes) and all(expected == size for expected, size in known)


@dataclass
class _Layer:
    """Calls the methods of a layer; the gradients are returned, kept beside the parameters, or seen in a step."""

    made: Any
    leaves: list[Any]
    forward: str
    backward: str
    x: str
    names: list[str]
    """what the backward method's `return` calls its values"""

    def __call__(self, arrays: Arrays) -> tuple[np.ndarray, Backward]:
        layer = kept(self.made)
        for leaf in self.leaves:
            layer = leaf.put(layer, arrays[leaf.name].copy())
        out = getattr(layer, self.forward)(arrays[self.x])
        return out, lambda cotangent: self.back(layer, cotangent, arrays)

    def back(self, layer: Any, cotangent: np.ndarray, arrays: Arrays) -> dict[str, Any]:
        """Go back."""
        method = getattr(layer, self.backward)
        rest = list(signature(method).parameters.values())[1:]
        rates = {each.name: TINY_RATE for each in rest if has_role(each.name, "rate")}
        for key in [key for key in vars(layer) if has_role(key, "rate") and isinstance(vars(layer)[key], float)]:
            setattr(layer, key, TINY_RATE)
        value = method(cotangent, **rates)
        found = by_name(value, self.names, arrays) if value is not None else {}
        return found | {n: g for n, g in seen(layer, self.leaves, arrays).items() if n not in found}


def seen(layer: Any, leaves: list[Any], before: Arrays) -> dict[str, Any]:
    """Return the gradients of a layer's parameters after it went back: kept beside them, or seen in a tiny step."""
    named, found = {str(leaf.path[-1][1]): leaf.name for leaf in leaves}, dict[str, Any]()
    for key, each in vars(layer).items():
        if key not in named and isinstance(each, np.ndarray) and (of := gradient_of(key, list(named))):
            found[named[of]] = each
        elif isinstance(each, dict) and has_role(key, "gradients"):
            found |= {named[of]: each for of, each in by_name(each, [], named).items()}
    for leaf in leaves:
        if leaf.name not in found and not np.array_equal(leaf.get(layer), before[leaf.name]):
            found[leaf.name] = (before[leaf.name] - leaf.get(layer)) / TINY_RATE
    return found


def drawn_shape(axes: str, setting: Setting) -> tuple[int, ...]:
    """Return the shape of an array with these axes."""
    sizes = SIZES | {"H": setting.height, "W": setting.width}
    return tuple(sizes[axis] for axis in axes)


def drawn(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return random numbers, no two alike."""
    return np.asarray(np.random.default_rng([seed, 17]).standard_normal(shape))
