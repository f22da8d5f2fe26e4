"""Read a file by its functions or methods: a forward pass, a backward pass, a loss, a step."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from shared.reading.batch import Batch, Form
from shared.reading.call import Call
from shared.reading.functions import (
    methods,
    own_functions,
    signature,
)
from shared.reading.plans import Plan, plans
from shared.reading.program import TINY_RATE, Run
from shared.reading.source import Source
from shared.reading.stores import Store, stores
from shared.reading.structure import Arrays, Layout


@dataclass
class Calls:
    """A file read by its functions or methods."""

    source: Source
    store: Store
    layout: Layout
    plan: Plan
    brightest: float = 1.0
    """the largest value of a pixel"""
    arrays: Arrays = field(init=False)
    found: list[str] = field(init=False)
    lines: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.arrays = self.store.arrays
        asked = {part: getattr(self.plan, part) for part in ("forward", "backward", "train", "loss")}
        callables = self.callables(self.store.root)
        named = {part: callables[name] for part, name in asked.items() if name}
        texts = [f"{name}{_arguments(callables[name])}" for name in dict.fromkeys(filter(None, asked.values()))]
        self.found = ([self.store.words] if self.store.words else []) + texts
        codes = {part: function.__code__ for part, function in named.items()}
        here = str(self.source.path)
        self.lines = {part: code.co_firstlineno for part, code in codes.items() if code.co_filename == here}

    def callables(self, root: Any) -> dict[str, Callable[..., Any]]:
        """Return the functions of the file, and the methods of the object that holds the parameters."""
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
        call = Call(self, root, batch, form)
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
        return found


def _arguments(function: Callable[..., Any]) -> str:
    return f"({', '.join(signature(function).parameters)})"


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
                    # an array that is no layer's here may be one in another layout
                    layers = tuple(leaf for leaf in store.leaves if leaf.name in layout.names)
                    yield Calls(source, replace(store, leaves=layers), layout, plan)
