"""What the arguments of convolutions and pools get: strides, paddings, sizes of windows, numbers of channels."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from shared.reading.functions import signature
from shared.reading.names import has_role, is_bias, is_weight
from shared.reading.program import TINY_RATE


@dataclass(frozen=True)
class Setting:
    """How an operator is called."""

    is_pool: bool
    height: int
    width: int
    stride: int
    pad: int = 0
    size: int = 3
    """of the window of a pool"""
    mode: str = "max"

    def words(self) -> str:
        """Return it in words."""
        if self.is_pool:
            return f"{self.mode} pool, windows of {self.size} at stride {self.stride}"
        return f"stride {self.stride}, padding {self.pad}"


CONVOLUTIONS: Final = (
    Setting(False, 7, 5, 1, 1),
    Setting(False, 7, 5, 2, 1),
    Setting(False, 7, 5, 1, 0),
    Setting(False, 7, 5, 2, 0),
)
POOLS: Final = (
    Setting(True, 6, 4, 2, size=2),
    Setting(True, 6, 4, 2, size=2, mode="average"),
    Setting(True, 7, 5, 2, size=3),
)
CHANNELS, HEIGHT, FILTERS, WINDOW = 4, 6, 2, 3
"""At most so many channels has an image; a small one has this height, and a small network these filters."""
ROLES: Final = {
    "stride": r"s|strides?|step|step_?size",
    "pad": r"p|pad(ding)?s?|pad_?(size|width|amount)",
    "mode": r"mode|pool_?(type|mode)|method|type|kind",
    "all": r"\w*param(eter)?s?|\w*hyper\w*|options?",
    "size": r"f|k|size|(pool|filter|kernel|window)?_?(size|dim|shape|height|width|[hwk])|ksize|kernel|pool|window",
    "inputs": r"(in|input|prev)_?(channels?|depth|ch|c|features|maps|filters)|c_?in|n_?c_?(prev|in)|"
    r"(num|n)?_?channels?|depth_in|n_in",
    "outputs": r"(out|output)_?(channels?|depth|ch|c|features|maps)|c_?out|(num|n|nb|number_of)?_?(filters?|kernels)|"
    r"n_?[fkc]|depth|num_?f|out",
    "image": r"(in|input|image|img|x)_?(shape|dims?|size)",
}
"""role -> the names of arguments that have it"""


def role_of(name: str) -> str:
    """Return the role of an argument; "" for none."""
    return next((role for role, words in ROLES.items() if re.fullmatch(words, name.lower().strip("_"))), "")


def value_of(name: str, default: Any, setting: Setting) -> tuple[bool, Any]:
    """Return whether an argument belongs to the setting, and what it gets."""
    role = role_of(name)
    if role == "all":
        return True, {
            "stride": setting.stride, "pad": setting.pad, "padding": setting.pad, "f": setting.size,
            "pool_height": setting.size, "pool_width": setting.size, "pool_size": setting.size,
            "size": setting.size, "mode": setting.mode, "s": setting.stride, "p": setting.pad,
        }  # fmt: skip
    if role not in ("stride", "pad", "mode", "size") or (isinstance(default, str) and role != "mode"):
        return False, None
    value = getattr(setting, role)
    return True, (value, value) if isinstance(default, (tuple, list)) else value


def applies(setting: Setting, function: Callable[..., Any]) -> bool:
    """Return whether a function, or a class, has an argument for all that is unusual in a setting."""
    every = {role_of(key): isinstance(each.default, str) for key, each in signature(function).parameters.items()}
    roles = {role for role, is_text in every.items() if role == "mode" or not is_text}
    if "all" in roles:
        return (
            setting.pad == 1 or setting.stride == 1 or (setting.is_pool and (setting.mode == "max" or "mode" in roles))
        )
    if setting.is_pool:
        is_usual = setting.mode == "max" and setting.size == 2
        return is_usual or ("mode" in roles if setting.size == 2 else {"size", "stride"} <= roles)
    if "pad" in roles:
        return (setting.stride == 1 or "stride" in roles) and (setting.pad == 1 or setting.stride == 1)
    return setting.pad == 0 and (setting.stride == 1 or "stride" in roles)


def small_image(name: str, default: Any) -> tuple[bool, Any]:
    """Return whether an argument says how large a network for images is, and what it gets in a small one."""
    role = role_of(name)
    if name == "dtype":
        return True, np.float64
    if role == "image" and isinstance(default, (tuple, list)):
        return True, type(default)(size if size <= CHANNELS else HEIGHT for size in default)
    if role == "outputs" and isinstance(default, int):
        return True, FILTERS
    return (
        (True, WINDOW)
        if role == "size" and re.search("filter|kernel", name) and isinstance(default, int)
        else (False, None)
    )


def made_by(
    cls: type, image: tuple[int, ...], sizes: Mapping[str, int], setting: Setting, arrays: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the arguments with which a layer of a class is made; KeyError if one is not known."""
    given: dict[str, Any] = {}
    for name, parameter in signature(cls).parameters.items():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        role, (is_known, value) = role_of(name), value_of(name, parameter.default, setting)
        if role in ("inputs", "outputs"):
            given[name] = sizes["C" if role == "inputs" else "F"]
        elif role == "image":
            given[name] = image
        elif (array := name.lower().strip("_")[:1]) in arrays and (is_weight(name) or is_bias(name)):
            given[name] = arrays[array].copy()
        elif is_known:
            given[name] = value
        elif has_role(name, "rate"):
            given[name] = TINY_RATE
        elif parameter.default is parameter.empty:
            raise KeyError(name)
    return given
