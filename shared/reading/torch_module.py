"""Read a file by its torch.nn.Module: autograd gives the gradients, the file the loss."""

import math
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from shared.reading import constructions, functions
from shared.reading.batch import Batch, Form
from shared.reading.images import HEIGHTS, shapes
from shared.reading.program import Run, UnreadableError
from shared.reading.source import Source
from shared.reading.structure import Arrays, Layout, kept, layouts


@dataclass
class TorchModule:
    """A module with its criterion."""

    source: Source
    module: Any
    criterion: Any
    words: str
    layout: Layout
    arrays: Arrays = field(init=False)
    found: list[str] = field(init=False)
    lines: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        self.arrays = _arrays(self.module)
        what = type(self.criterion).__name__ if self.criterion is not None else "no criterion"
        self.found = [self.words, what]
        code = type(self.module).forward.__code__
        self.lines = {"forward": code.co_firstlineno} if code.co_filename == str(self.source.path) else {}

    def run(self, arrays: Arrays, batch: Batch, form: Form, *, backward: bool = True, loss: bool = True) -> Run:
        """Run the module in float64."""
        torch = sys.modules["torch"]
        if self.criterion is None:
            raise UnreadableError(f"{self.words} has no criterion, and autograd differentiates any loss")
        if form.is_single or form.x == "columns":
            raise UnreadableError("a module takes batches in rows")
        module = kept(self.module).double().train()
        named = dict(module.named_parameters())
        with torch.no_grad():
            for name, array in arrays.items():
                named[name].copy_(torch.from_numpy(np.array(array, float)))
        y = torch.from_numpy(np.asarray(form.give_y(batch)))
        outputs = module(torch.from_numpy(form.give_x(batch)))
        value = None if self.criterion is None or not loss else self.criterion(outputs, y)
        found = Run(outputs.detach().numpy().astype(float), None if value is None else float(value.detach()))
        if backward and value is not None:
            value.backward()
            found.gradients = {name: named[name].grad.numpy() for name in arrays if named[name].grad is not None}
        return found


def _arrays(module: Any) -> Arrays:
    return {name: parameter.detach().double().numpy().copy() for name, parameter in module.named_parameters()}


def _with_images(module: Any) -> list[Layout]:
    """Return the layouts of a module; of one with convolutions, with the shape of images that it takes."""
    arrays, torch = _arrays(module), sys.modules["torch"]
    every = layouts(arrays)
    kernels = [arrays[name].shape for name, _ in every[0].layers if arrays[name].ndim > 2] if every else []
    torch.set_num_threads(1 if kernels else torch.get_num_threads())  # of so small images more threads only wait
    for height in HEIGHTS if kernels else ():
        for shape in shapes(kernels[:1], height):
            with suppress(Exception):
                kept(module).double()(torch.zeros(2, *shape, dtype=torch.float64))
                return [replace(every[0], image=shape, sizes=(math.prod(shape), *every[0].sizes[1:]))]
    return [] if kernels else every


def candidates(source: Source) -> Iterator[TorchModule]:
    """Yield the modules that the file makes, or that can be made from its classes without arguments."""
    if "torch" not in sys.modules:
        return
    nn = sys.modules["torch"].nn
    _Loss = nn.modules.loss._Loss
    values = list(source.namespace.items())
    modules = [(value, name) for name, value in values if isinstance(value, nn.Module) and not isinstance(value, _Loss)]
    for name, cls in functions.own_classes(source).items():
        if issubclass(cls, nn.Module) and not any(type(value) is cls for value, _ in modules):
            for arguments, words in constructions.constructions(source, cls):
                with suppress(Exception):
                    modules.append((cls(**arguments), f"{name}({words})"))
                    break
    criteria = [value for _, value in values if isinstance(value, _Loss)]
    if not criteria:  # in a function that trains, perhaps
        named = dict.fromkeys(re.findall(r"\b(\w+Loss)\(\)", source.text))
        criteria = [getattr(nn, name)() for name in named if hasattr(nn, name)]
    if not criteria and "cross_entropy" in source.text:
        criteria = [nn.CrossEntropyLoss()]
    for module, words in modules:
        for layout in _with_images(module):
            for criterion in criteria or [None]:
                yield TorchModule(source, module, criterion, words, layout)
