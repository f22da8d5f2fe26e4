"""Read functions that are given as such: forward(p, x), gradients(p, x, y) and, if there is one, loss(p, x, y)."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from shared.reading import gradients as found_in
from shared.reading.batch import Batch, Form
from shared.reading.functions import names_of
from shared.reading.program import TINY_RATE, Run, UnreadableError
from shared.reading.scalars import number
from shared.reading.source import Source
from shared.reading.stores import Store
from shared.reading.structure import Arrays, Layout, layouts, leaves

Function = Callable[..., Any]


@dataclass
class Given:
    """Functions and parameters in whatever layout."""

    functions: dict[str, Function]
    """forward, gradients and perhaps loss"""
    store: Store
    """the parameters: arrays in dicts, lists and objects"""
    layout: Layout
    arrays: Arrays = field(init=False)
    found: list[str] = field(init=False)
    lines: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.arrays = self.store.arrays
        self.found = [f"{name}: {getattr(function, '__name__', name)}" for name, function in self.functions.items()]

    @property
    def loss(self) -> str | None:
        """The loss, if there is one."""
        return "loss" if "loss" in self.functions else None

    def run(
        self,
        arrays: Arrays,
        batch: Batch,
        form: Form,
        *,
        backward: bool = True,
        loss: bool = True,
        rate: float = TINY_RATE,  # noqa: ARG002 - gradients are returned
    ) -> Run:
        """Call the functions, each with fresh copies."""
        outputs = self.functions["forward"](self.store.filled(arrays), form.give_x(batch))
        parts = outputs if isinstance(outputs, (list, tuple)) else [outputs]
        rows = [shaped for part in parts if (shaped := form.rows(part, batch)) is not None]
        found = Run(rows[-1] if rows else None)
        x, y = form.give_x(batch), form.give_y(batch)
        if loss and self.loss:
            found.loss = number(self.functions["loss"](self.store.filled(arrays), x, y))
        if backward:
            value = self.functions["gradients"](self.store.filled(arrays), form.give_x(batch), form.give_y(batch))
            shapes = {name: array.shape for name, array in self.arrays.items()}
            found.gradients = found_in.in_value(value, names_of(self.functions["gradients"]), shapes, self.layout)
            if not found.gradients:
                raise UnreadableError(f"gradients returned nothing for {', '.join(shapes)}")
        return found


def source_of(functions: dict[str, Function]) -> Source:
    """Return the file of the functions, without running it; an empty one if it is not known, as in a notebook."""
    with suppress(OSError, TypeError, SyntaxError):
        return Source(Path(inspect.getsourcefile(functions["gradients"]) or ""))
    return Source(Path("functions"), text="")


def candidates(functions: dict[str, Function], parameters: Any) -> Iterator[Given]:
    """Yield the ways in which the arrays of the parameters are layers; UnreadableError if there is none."""
    root = list(parameters) if isinstance(parameters, tuple) else parameters
    every = leaves(root, lambda value: hasattr(value, "__dict__"))
    found = layouts({leaf.name: leaf.get(root) for leaf in every})
    if not found:
        shapes = ", ".join(f"{leaf.name} {np.shape(leaf.get(root))}" for leaf in every)
        raise UnreadableError(
            f"parameters: got {shapes or 'no arrays of floats'}, expected the weights of layers in order"
        )
    for layout in found:
        store = Store(root, tuple(leaf for leaf in every if leaf.name in layout.names), "container")
        yield Given(functions, store, layout)
