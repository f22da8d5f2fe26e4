"""Read a convolution or a pool that is a pair of functions: one goes forward, the other of that name back."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from shared.reading.arguments import Setting, applies, value_of
from shared.reading.functions import own_functions, return_names, signature
from shared.reading.gradients import by_name
from shared.reading.names import has_role
from shared.reading.operators import (
    BACK,
    CONVOLUTIONS,
    FORWARD,
    POOLS,
    SIZES,
    Backward,
    Operator,
    Style,
    Ways,
    drawn,
    drawn_shape,
    kind,
)  # fmt: skip
from shared.reading.program import UnreadableError
from shared.reading.source import Source
from shared.reading.structure import Arrays, kept

ARRAYS: Final = {
    "x": r"x\w*|a_?prev|a|images?|img|inputs?|inp|input_\w+|data|im|z|feature_?maps?|\w+_prev|prev\w*|matrix",
    "w": r"w\d?|weights?|filt(er)?s?|kernels?|k|f|theta",
    "b": r"b\d?|bias(es)?",
}
"""Names of the input, the kernels and the biases of a function."""


GOES_IN: Final = r"(?i)d(?!ata)|grad|delta|err|up|out"
SENT: Final = {"x": ARRAYS["x"] + r"|conv_in\w*|orig\w*|\w*_in|in", "w": ARRAYS["w"], "b": ARRAYS["b"]}


def candidates(source: Source) -> Iterator[tuple[str, Ways]]:
    """Yield, for each pair of functions with one name, what goes back, and the ways to call it."""
    functions = own_functions(source)
    backwards = {_stem(name): name for name in functions if kind(name) and _goes_back(name)}
    for name in functions:
        if kind(name) and not _goes_back(name) and (back := backwards.get(_stem(name))):
            yield back, _ways(source, name, back)


def _goes_back(name: str) -> bool:
    return re.search(BACK, name.lower()) is not None


def _stem(name: str) -> str:
    return re.sub(rf"{BACK}|{FORWARD}|pass|_", "", name.lower())


def _ways(source: Source, forward: str, backward: str) -> Ways:
    functions = own_functions(source)
    go, back = functions[forward], functions[backward]
    words = tuple(f"{name}({', '.join(signature(functions[name]).parameters)})" for name in (forward, backward))
    where = (go.__code__.co_firstlineno, back.__code__.co_firstlineno)
    is_pool = kind(forward) == "pool"

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

    @staticmethod
    def _role(name: str, names: list[str]) -> int | None:
        """Return which array an argument is; None for none."""
        return next((i for i, role in enumerate("xwb"[: len(names)]) if re.fullmatch(SENT[role], name.lower())), None)

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
            elif (role := self._role(name, names)) is not None:
                given[name] = arrays[names[role]]
            elif is_known:
                given[name] = value
            elif parameter.default is parameter.empty:
                raise UnreadableError(f"nothing is known for its argument {name}")
        return by_name(self.back(**given), self.names, arrays)
