"""Which batches the torch.nn.Module of a file takes: the shape of its inputs, and the form of its targets."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import product
from types import MappingProxyType
from typing import Any, Final

import numpy as np

from shared.adapters.followed import Way
from shared.adapters.layout import from_kernel, to_kernel
from shared.adapters.port import IMAGES, Figures, PortError
from shared.adapters.preparation import Preparation
from shared.adapters.torch_file import TorchFile
from shared.adapters.torch_flattening import Image, flattened_last
from shared.interface import Array

UNKNOWN_TARGETS: Final = (
    "its targets are not known, and are taken as (n, 1); if they are (n,), every prediction is compared with every "
    "target of the batch"
)


class TorchBatches(TorchFile):
    """A file that was loaded in the first dtype in which a step of it works, with batches of ours as it takes them."""

    reached: Array
    """what the module got of the last examples"""
    flattened: dict[str, Image]
    """the weights of dense layers that get an image flattened with the channels last -> its (h, w, c)"""
    images: Mapping[str, Image] = MappingProxyType({})
    """those of them that are mapped"""

    def step(self, x: Array, y: Array) -> Figures:
        """Take a step."""
        raise NotImplementedError

    def _settle(self) -> bool:
        if self.criterion is None and self.loop is None:
            raise PortError(f"{self.path.name}: found {self.words} and no criterion; add one, such as "
                            "criterion = nn.CrossEntropyLoss(), the training loop, or --criterion")  # fmt: skip
        return super()._settle()

    def map_flattened(self) -> None:
        """From now on, let the weights that belong to flattened images be in the order of channels first.

        Another framework's model has them in an order of its own, so that they are no copies of these; between two
        modules of PyTorch they are, and another order is a difference.
        """
        self.images = self.flattened
        self.own = {name: self.shared(name, tensor) for name, tensor in self.own.items()}

    def shared(self, name: str, tensor: Array) -> Array:
        """Return a parameter of the module, or its gradient, in the layout that all frameworks share."""
        return from_kernel(tensor.T, self.images[name]) if name in self.images else tensor.copy()

    def native(self, name: str, tensor: Array) -> Array:
        """Return a parameter in the layout of the module."""
        tensor = to_kernel(tensor, self.images[name]).T if name in self.images else tensor
        return np.ascontiguousarray(tensor)

    def _take_shape(self, shape: tuple[int, ...]) -> None:
        self.inputs = shape
        copied = copy.deepcopy(self.module).eval()
        with self.torch.no_grad(), flattened_last(copied) as images:
            outputs = copied(self.as_inputs(np.zeros((2, *shape))))
        weights = {id(self.module.get_submodule(name).weight): image for name, image in images.items()}
        self.flattened = {name: weights[id(t)] for name, t in self.tensors().items() if id(t) in weights}
        if outputs.ndim not in (1, 2):
            raise PortError(f"{self.path.name}: {self.words} gives outputs of shape {tuple(outputs.shape)}")
        self.n_out = 1 if outputs.ndim == 1 else outputs.shape[1]

    def probe(self, x: Array, y: Array) -> Array:
        """Take a step from the start; return what the module gets of the examples."""
        self.afresh()
        if not np.isfinite(self.step(x, y).loss):
            raise PortError("its loss is not finite")
        return self.reached

    def _ways(self, forms: Sequence[str]) -> Iterator[Way]:
        shapes = dict.fromkeys([self.inputs, (int(np.prod(self.inputs)),)])
        for is_array, shape, form in product((False, True) if self.loop else (False,), shapes, forms):
            yield Way(shape, form, is_array)

    def _is_odd(self, made: Preparation) -> bool:
        return not made.is_tensor

    def _unknown(self, works: Sequence[Way], quiet: Sequence[Way]) -> str:
        noisy = {way.form for way in works} - {way.form for way in quiet}
        return UNKNOWN_TARGETS if self.way.form in ("column", "rows") and "numbers" in noisy else ""

    def _input_shapes(self) -> list[tuple[int, ...]]:
        first = next(p for p in self.module.parameters() if p.ndim > 1)
        sample = self._sample()
        known = [tuple(sample[0].shape[1:])] if sample is not None and sample[0].ndim > 1 else []
        if first.ndim == 2:
            flat = [(first.shape[1],)]
            images = [shape for shape in IMAGES if np.prod(shape) == first.shape[1]]
            return [*known, *flat, *images]
        return [*known, *((first.shape[1], *shape[1:]) for shape in IMAGES)]

    def _sample(self) -> Any:
        """Return a batch (x, y) of the file's own data, if it loaded any."""
        loaders = [v for v in self.scope.values() if isinstance(v, self.torch.utils.data.DataLoader)]
        with suppress(Exception):
            batch = next(iter(loaders[0])) if loaders else None
            if isinstance(batch, (tuple, list)) and len(batch) == 2:
                return batch
        if self.loop:
            x, y = self.loop.data_names(self.names())
            of_x = [self.scope.get(n) for n in x if n not in self.source.stand_ins]
            of_y = [self.scope.get(n) for n in y if n not in self.source.stand_ins]
            tensors: list[list[Any]] = [[v for v in of if isinstance(v, self.torch.Tensor)] for of in (of_x, of_y)]
            if all(tensors):
                return tensors[0][0], tensors[1][0]
        return None

    def _known_form(self) -> str:
        """Return the form of the targets in the file's own data; "" if it is not known."""
        if (sample := self._sample()) is None:
            return ""
        y = sample[1]
        if not y.is_floating_point():
            return "labels" if y.ndim == 1 and self.n_out > 1 else ""
        if y.ndim == 1:
            return "numbers" if self.n_out == 1 else ""
        return "column" if y.shape[1] == 1 else "rows"

    def as_inputs(self, x: Array) -> Any:
        """Return examples (n, *inputs) as the module takes them."""
        return self.torch.tensor(x.reshape(len(x), *self.inputs), dtype=getattr(self.torch, self.dtype))

    def as_taken(self, x: Array) -> Any:
        """Return examples (n, *inputs) as the loop takes them, so that the module gets just these."""
        if self.loop is None:
            return self.as_inputs(x)
        values = self.within.undone(x).reshape(len(x), *self.way.shape)
        return values.astype(self.dtype) if self.way.is_odd else self.torch.tensor(
            values, dtype=getattr(self.torch, self.dtype))  # fmt: skip

    def as_targets(self, y: Array) -> Any:
        """Return labels, or numbers, (n,) as the criterion takes them; rows (n, n_out) as they are."""
        found: Any = self._targets(y)
        return found.numpy() if self.way.is_odd and self.loop is not None else found

    def _targets(self, y: Array) -> Any:
        form = self.way.form
        if form == "labels" and y.ndim == 1:
            return self.torch.tensor(y.round().astype(np.int64))
        if self.n_out > 1 and y.ndim == 1:
            low, high = self.rows
            y = low + (high - low) * np.eye(self.n_out)[y.astype(int)]
        found = self.torch.tensor(y, dtype=getattr(self.torch, self.dtype))
        return found.reshape(-1, 1) if form in ("column", "rows") and self.n_out == 1 else found
