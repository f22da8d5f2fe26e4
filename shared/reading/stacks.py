"""Read a list of layer objects: x goes through `forward` of each, and the loss's derivative back through `backward`."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from shared.reading import plans
from shared.reading.batch import IMAGES, ONE_HOT, Batch, Form
from shared.reading.functions import own_classes, own_functions, ranked, signature
from shared.reading.images import HEIGHTS, shapes
from shared.reading.layer_objects import seen
from shared.reading.names import has_role
from shared.reading.program import TINY_RATE, Run, UnreadableError
from shared.reading.scalars import number
from shared.reading.source import Source
from shared.reading.stores import Store, store_of
from shared.reading.structure import Arrays, Layout, Leaf

FEWEST: Final = 3
"""Layers of a stack."""


@dataclass
class Stack:
    """A list of layers with a loss and its derivative."""

    source: Source
    store: Store
    layout: Layout
    loss: str
    derivative: str
    arrays: Arrays = field(init=False)
    found: list[str] = field(init=False)
    lines: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.arrays = self.store.arrays
        kinds = ", ".join(type(layer).__name__ for layer in self.store.root)
        self.found = [f"{self.store.words} = [{kinds}]", self.loss, self.derivative]
        self.lines = {"loss": own_functions(self.source)[self.loss].__code__.co_firstlineno}

    def run(self, arrays: Arrays, batch: Batch, form: Form, *, backward: bool = True, loss: bool = True) -> Run:  # noqa: ARG002
        """Go forward and back."""
        layers = self.store.filled(arrays)
        out = form.give_x(batch)
        for layer in layers:
            out = layer.forward(out)
        found = Run(form.rows(out if out.ndim == 2 and not form.is_single else out.reshape(-1), batch))
        y = np.asarray(form.give_y(batch), float)
        if form.y != ONE_HOT or y.size != out.size:
            raise UnreadableError("the loss takes targets of the outputs' size")
        y, functions = y.reshape(out.shape), own_functions(self.source)
        found.loss = number(functions[self.loss](**_by_role(functions[self.loss], y, out)))
        if backward:
            grad = functions[self.derivative](**_by_role(functions[self.derivative], y, out))
            for i, layer in reversed(list(enumerate(layers))):
                leaves = _of_layer(self.store.leaves, i)
                before = {leaf.name: np.array(leaf.get(layer)) for leaf in leaves}
                grad = layer.backward(grad, **_rates(layer.backward))
                found.gradients |= seen(layer, leaves, before)
        return found


def _of_layer(leaves: tuple[Leaf, ...], i: int) -> list[Leaf]:
    """Return the arrays of a layer, by their paths within it."""
    return [Leaf(leaf.name, leaf.path[1:]) for leaf in leaves if leaf.path[0][1] == i]


def _rates(method: Callable[..., Any]) -> dict[str, float]:
    return {name: TINY_RATE for name in list(signature(method).parameters)[1:] if has_role(name, "rate")}


def _by_role(function: Callable[..., Any], y: np.ndarray, out: np.ndarray) -> dict[str, Any]:
    """Return the arguments of a loss: the targets, and the outputs."""
    names = list(signature(function).parameters)[:2]
    first = has_role(names[0], "y") and not re.search("pred|hat|out", names[0])
    return dict(zip(names, (y, out) if first else (out, y), strict=True))


def candidates(source: Source) -> Iterator[Stack]:
    """Yield the lists of layers in a file, with its losses, and images that fit."""
    own, functions = tuple(own_classes(source).values()), own_functions(source)
    values = ranked(functions, plans.LOSS, plans.NOT_LOSS)
    pairs = [(one, other) for one in values for other in functions if other != one and plans.is_derivative(other, one)]
    for name, value in list(source.namespace.items()):
        layers = (
            value if isinstance(value, list) else getattr(value, "layers", None) if isinstance(value, own) else None
        )
        if not isinstance(layers, list) or len(layers) < FEWEST or not all(isinstance(each, own) for each in layers):
            continue
        store, found = store_of(layers, "container", source, name)
        for loss, derivative in pairs:
            for layout in found:
                yield from _fitted(Stack(source, store, layout, loss, derivative))


def _fitted(stack: Stack) -> Iterator[Stack]:
    """Yield the stack with the smallest images that it takes."""
    kernels = [array.shape for array in stack.arrays.values() if array.ndim > 2]
    for height in HEIGHTS if kernels else ():
        for shape in shapes(kernels, height):
            for form in (form.of_images(shape) for form in IMAGES if form.y == ONE_HOT):
                n_in, n_out = int(np.prod(shape)), stack.layout.sizes[-1]
                batch = Batch(np.random.default_rng(1).random((2, n_in)), np.arange(2) % max(2, n_out), n_out)
                fitted = replace(
                    stack, layout=replace(stack.layout, image=shape, sizes=(n_in, *stack.layout.sizes[1:]))
                )
                with suppress(Exception, SystemExit):
                    fitted.run(stack.arrays, form.parts(batch)[0], form, backward=False)
                    yield fitted
                    return
