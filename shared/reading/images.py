"""Read whole networks with convolutions: functions, methods and layer objects that take images, one or a batch."""

import ast
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Final

import numpy as np

from shared.reading.batch import IMAGES, Batch, Form
from shared.reading.calls import Calls
from shared.reading.functions import methods, own_functions
from shared.reading.plans import Plan, plans
from shared.reading.program import UnreadableError
from shared.reading.source import Source
from shared.reading.stores import Store, stores
from shared.reading.structure import Layout

HEIGHTS: Final = (6, 8, 12, 16, 20, 28, 32)
"""Small images, where the file lets us, and then those of MNIST and of CIFAR."""
MISMATCH: Final = r": (\d+) \(dim \d+\) != (\d+) \(dim \d+\)|\(size (\d+) is different from (\d+)\)"
"""What NumPy says where as many numbers as a smaller image has meet the weights for a larger one."""
WHOLE: Final = 28
"""From this height on nothing is too small."""
WHITE: Final = 255.0
SECONDS: Final = 4.0
"""CPU time in which sizes of images are sought."""
PLACES: Final = 4
"""At least so many places of each filter reach the dense layers: with fewer, windows do not overlap below them."""
MOST_MISMATCHES: Final = 2


def candidates(source: Source) -> Iterator[Calls]:
    """Yield the ways to read a file by its functions or methods, with images that fit."""
    known = dict[tuple[int, int, str | None], Calls | None]()
    """number of a store, of a layout, and what is called first -> a way of calling it with images that fit"""
    spent = 0.0
    for number, (store, found) in enumerate(stores(source)):
        layouts = [layout for layout in found if _kernels(store, layout) and layout.sizes[0] == max(layout.sizes)]
        if not layouts:
            continue
        callables = own_functions(source) | (methods(store.root) if store.kind == "object" else {})
        first = methods(store.root) if store.kind == "object" else callables
        for plan in plans(callables, first, store):
            for i, layout in enumerate(layouts):
                way, begun = (number, i, plan.forward or plan.backward or plan.train), time.process_time()
                if way not in known and spent < SECONDS:
                    known[way] = _fitted(source, store, layout, plan)
                    spent += time.process_time() - begun
                if (fitted := known.get(way)) is not None:
                    yield replace(fitted, plan=plan)


def _kernels(store: Store, layout: Layout) -> list[tuple[int, ...]]:
    """Return the shapes of the kernels."""
    return [store.arrays[name].shape for name, _ in layout.layers if store.arrays[name].ndim > 2]


def shapes(kernels: list[tuple[int, ...]], height: int) -> list[tuple[int, ...]]:
    """Return the shapes of images to which such kernels can be applied."""
    found: dict[tuple[int, ...], None] = {}
    for kernel in kernels:
        if len(kernel) == 3:
            found |= dict.fromkeys([(height, height), (1, height, height), (height, height, 1)])
            continue
        first, second, third, fourth = kernel
        found |= {(second, height, height): None} if third == fourth else {}
        found |= {(height, height, third): None} if first == second else {}
        found |= {(height, height, fourth): None} if second == third else {}
        found |= {(height, height): None} if 1 in kernel else {}
    return list(found)


def _fitted(source: Source, store: Store, layout: Layout, plan: Plan) -> Calls | None:
    """Return a way of calling with the smallest images that it takes; None if it takes none."""
    for height in HEIGHTS:
        for shape in shapes(_kernels(store, layout), height):
            for form in (form.of_images(shape) for form in IMAGES):
                with suppress(Exception, SystemExit):
                    found = _resized(Calls(source, store, replace(layout, image=shape), plan), form)
                    if height < WHOLE and _inputs(found) < PLACES * _filters(_kernels(store, layout)[-1]):
                        continue
                    return replace(found, brightest=_brightest(found))
    return None


def _inputs(program: Calls) -> int:
    """Return the number of inputs of the first dense layer."""
    name = next(name for name, _ in program.layout.layers if program.arrays[name].ndim == 2)
    return int(program.arrays[name].shape[program.layout.out_first])


def _filters(kernel: tuple[int, ...]) -> int:
    """Return the number of filters of a kernel."""
    return kernel[-1] if len(kernel) == 4 and kernel[0] == kernel[1] != kernel[2] else kernel[0]


def _brightest(program: Calls) -> float:
    """Return the brightest pixel: 255 where a function that is called divides by it."""
    definitions = [
        ast.unparse(node) for node in program.source.functions.values() if node.lineno in program.lines.values()
    ]
    return WHITE if any(re.search(r"/=? ?\(?255", text) for text in definitions) else 1.0


def _resized(program: Calls, form: Form) -> Calls:
    """Return a program whose first dense layer has weights for images of this size; what does not fit is raised."""
    for _ in range(MOST_MISMATCHES):
        layout, store = program.layout, program.store
        n_in, n_out = int(np.prod(form.image)), layout.sizes[-1]
        batch = Batch(np.random.default_rng(1).random((2, n_in)), np.arange(2) % max(2, n_out), n_out)
        try:
            part, loss = form.parts(batch)[0], program.plan.forward is None
            run = program.run(program.arrays, part, form, backward=False, loss=loss)
            if run.outputs is None and run.loss is None:
                raise UnreadableError("neither outputs nor a loss")
            return replace(program, layout=replace(layout, sizes=(n_in, *layout.sizes[1:])))
        except ValueError as error:
            said = re.search(MISMATCH, str(error))
            if said is None:
                raise
            sizes = {int(number) for number in said.groups() if number}
            name = next(name for name, _ in layout.layers if program.arrays[name].ndim == 2)
            shape = program.arrays[name].shape
            wanted = sizes - {layout.sizes[0]}
            if len(wanted) != 1 or layout.sizes[0] not in sizes:
                raise
            n = wanted.pop()
            array = np.ones([n if size == layout.sizes[0] else size for size in shape]) / n
            made = replace(store, root=store.filled({name: array}))
            program = replace(program, store=made, layout=replace(layout, sizes=(n, *layout.sizes[1:])))
    raise UnreadableError("no size of images fits")
