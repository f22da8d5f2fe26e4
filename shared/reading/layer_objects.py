"""Read a convolution or a pool that is a class of layers, with a method that goes forward and one that goes back."""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from shared.reading.arguments import Setting, applies, made_by
from shared.reading.functions import own_classes, return_names, signature
from shared.reading.gradients import by_name
from shared.reading.names import gradient_of, has_role
from shared.reading.operators import (
    BACK,
    CONVOLUTIONS,
    FORWARD,
    POOLS,
    SIZES,
    Backward,
    Operator,
    Ways,
    drawn,
    drawn_shape,
    kind,
)  # fmt: skip
from shared.reading.program import TINY_RATE
from shared.reading.rates import rates_in
from shared.reading.source import Source
from shared.reading.stores import own_leaves
from shared.reading.structure import Arrays, kept


def candidates(source: Source) -> Iterator[tuple[str, Ways]]:
    """Yield, for each class of layers that goes forward and backward, what goes back, and the ways to call it."""
    for cls in own_classes(source).values():
        every = [name for name in dir(cls) if not name.startswith("_") or name == "__call__"]
        forward = [name for name in every if re.match(rf"{FORWARD}|__call__|propagate", name.lower())]
        backward = [name for name in every if re.match(BACK, name.lower())]
        if kind(cls.__name__) and forward and backward and callable(getattr(cls, backward[0])):
            yield (
                f"{cls.__name__}.{backward[0]}",
                _made(source, cls, sorted(forward, key=lambda name: name == "__call__")[0], backward[0]),
            )


def _made(source: Source, cls: type, forward: str, backward: str) -> Ways:
    is_pool = kind(cls.__name__) == "pool"

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
        for key in rates_in(vars(layer)):
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
