"""Read convolutions and pools by themselves: a forward function with its backward one, or a class of layers.

What makes them right is not a loss, but their own forward pass: with a cotangent c of random numbers, the derivatives
of sum(out * c) are what the backward pass has to return for it.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

import numpy as np

from shared.reading.arguments import Setting
from shared.reading.batch import Batch, Form
from shared.reading.program import Run, UnreadableError
from shared.reading.scalars import REAL_OR_COMPLEX, number
from shared.reading.source import Source
from shared.reading.structure import Arrays, Layout

BACK: Final = r"back_?(ward|prop(agation|agate)?)?|bwd|bprop|grad(ient)?s?"
FORWARD: Final = r"forward|fwd|fprop|feed"


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
        if not isinstance(out, np.ndarray) or out.dtype.kind not in REAL_OR_COMPLEX or not np.isfinite(out).all():
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
        return Run(loss=number((out * self.cotangent).sum()), gradients=gradients)


Ways = Callable[[Setting], Iterator[Operator]]
"""The ways in which an operator may be called at a setting, one for each style."""


def kind(name: str) -> str:
    """Return "conv" or "pool", as a name says; "" for neither."""
    found = re.search(r"conv(?!e)|pool", name.lower())
    return "" if found is None else "conv" if "conv" in name.lower() else "pool"


def drawn_shape(axes: str, setting: Setting) -> tuple[int, ...]:
    """Return the shape of an array with these axes."""
    sizes = SIZES | {"H": setting.height, "W": setting.width}
    return tuple(sizes[axis] for axis in axes)


def drawn(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Return random numbers, no two alike."""
    return np.asarray(np.random.default_rng([seed, 17]).standard_normal(shape))
