"""Read a file whose class `Network` is made from (spec, training, parameters), as in `shared/interface.py`.

Parameters and gradients may also be lists of pairs (W, b).
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from shared.reading import gradients
from shared.reading.batch import Batch, Form
from shared.reading.program import RATE, TINY_RATE, Run, UnreadableError
from shared.reading.scalars import number
from shared.reading.source import Source
from shared.reading.structure import Arrays, Layout
from shared.spec import NetworkSpec, TrainingSpec


def follows(source: Source) -> bool:
    """Return whether a file has a class `Network` that is made from spec, training and parameters."""
    found = source.namespace.get("Network")
    if not isinstance(found, type):
        return False
    with suppress(TypeError, ValueError):
        return len(inspect.signature(found).parameters) == 3 and hasattr(found, "loss_and_gradients")
    return False


@dataclass
class Contract:
    """A class `Network`, for one specification."""

    source: Source
    spec: NetworkSpec
    layout: Layout = field(init=False)
    arrays: Arrays = field(init=False)
    found: list[str] = field(init=False)
    lines: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        layers = tuple((f"W{l}", f"b{l}" if layer.bias else None) for l, layer in enumerate(self.spec.layers, 1))
        self.layout = Layout(layers, out_first=True, sizes=self.spec.sizes)
        self.arrays = {name: np.zeros(shape) for name, shape in self.spec.parameter_shapes.items()}
        self.found = ["class Network, by the contract of shared/interface.py"]
        network = self.source.namespace["Network"]
        parts = {"forward": "predict", "backward": "loss_and_gradients", "train": "train"}
        codes = {part: getattr(getattr(network, name, None), "__code__", None) for part, name in parts.items()}
        self.lines = {part: code.co_firstlineno for part, code in codes.items() if code is not None}

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
        """Run the network."""
        if form.x != "rows" or form.y != "labels":
            raise UnreadableError("the contract takes rows and labels")
        training = TrainingSpec(dtype="float64", batch_size=len(batch.y), learning_rate=RATE)
        network = self._made(training, {name: np.array(array) for name, array in arrays.items()})
        found = Run(np.asarray(network.predict(batch.x.copy())))
        if loss or backward:
            value, tensors = network.loss_and_gradients(batch.x.copy(), batch.y.copy())
            found.loss = None if value is None else number(value)
            named = self._by_name(tensors)
            found.gradients = {name: named[name] for name in self.arrays if named.get(name) is not None}
        return found

    def walk(
        self, arrays: Arrays, batch: Batch, form: Form, count: int, prepare: Callable[[], None]
    ) -> tuple[list[Arrays], float]:
        """Return the parameters before and after consecutive steps, and the learning rate."""
        training = TrainingSpec(dtype="float64", batch_size=len(batch.y), learning_rate=RATE)
        network, path = self._made(training, {name: np.array(array) for name, array in arrays.items()}), [arrays]
        for _ in range(count if hasattr(network, "train") and form.x == "rows" else 0):
            prepare()
            self._step(network, batch)
            path.append({name: np.array(array) for name, array in self._by_name(network.parameters()).items()})
        return path, RATE

    def _made(self, training: TrainingSpec, arrays: Arrays) -> Any:
        """Return a network of these parameters: a dict, or a list of pairs where it takes that."""
        network = self.source.namespace["Network"]
        try:
            return network(self.spec, training, arrays)
        except (AttributeError, TypeError, ValueError):
            return network(
                self.spec, training, [(arrays[W], arrays[b]) for W, b in self.layout.layers if b is not None]
            )

    def _by_name(self, tensors: Any) -> dict[str, Any]:
        if isinstance(tensors, Mapping):
            return dict(tensors)
        shapes = {name: array.shape for name, array in self.arrays.items()}
        return gradients.in_value(tensors, [], shapes, self.layout)

    def _step(self, network: object, batch: Batch) -> None:
        """Take one step, by `load` and `train(order)`, or by `train(x, y, order)` as it once was."""
        order = np.arange(len(batch.y))
        if hasattr(network, "load"):
            network.load(batch.x.copy(), batch.y.copy())
            network.train(order)  # type: ignore[attr-defined]
        else:
            network.train(batch.x.copy(), batch.y.copy(), order)  # type: ignore[attr-defined]


def candidates(source: Source, spec: NetworkSpec) -> Iterator[Contract]:
    """Yield the class `Network` of a file."""
    if follows(source):
        yield Contract(source, spec)
