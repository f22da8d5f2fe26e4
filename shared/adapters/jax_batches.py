"""The shapes of examples and targets that a module of Flax or Equinox and its file may take, and a batch in them."""

import math
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from shared.adapters.flax_modules import Linen
from shared.adapters.followed import Way
from shared.adapters.jax_file import JaxFile
from shared.adapters.port import IMAGES
from shared.interface import Array


class Tensor(np.ndarray):
    """An array that stands for a tensor of a DataLoader."""

    def numpy(self) -> Array:
        """Return the array."""
        return np.asarray(self)


class JaxBatches(JaxFile):
    """A file whose batches have a shape: `given` as the module takes it, `way` as the data."""

    given: tuple[int, ...]
    takes_epochs = False
    """whether a call of the step, being timed, takes one step after the other"""

    def _input_shapes(self) -> Iterator[tuple[int, ...]]:
        """Yield shapes of an example as the module may take it: first that with which linen was initialised."""
        modules = self.modules
        last = modules.channels_last
        images = [(*s[1:], s[0]) if last else s for s in IMAGES]
        if isinstance(modules, Linen):
            yield from (shape for module, shape, _ in modules.inits if module == self.model)
            if not modules.inits:
                yield from ((784,), *images)
            return
        kernels = [leaf for leaf in modules.leaves(modules.tree()) if np.ndim(leaf) > 1 and min(np.shape(leaf)) > 0]
        for size in dict.fromkeys(np.shape(kernel)[0 if last else 1] for kernel in kernels if kernel.ndim == 2):
            yield (int(size),)
            yield from (shape for shape in images if math.prod(shape) == size)
        yield from images

    def _data_shapes(self) -> list[tuple[int, ...]]:
        """Return shapes of an example of the file's data: what its step makes of them may be another one."""
        whole = (math.prod(self.given),)
        image = next(((*s[1:], s[0]) for s in IMAGES if math.prod(s) == whole[0]), whole)
        first = (image[2], *image[:2]) if len(image) == 3 else image
        flat = image[:2] if len(image) == 3 and image[2] == 1 else image
        return list(dict.fromkeys((self.given, whole, image, first, flat)))

    def _ways(self, forms: Sequence[str]) -> Iterator[Way]:
        stacked = (False, True) if self.is_scanned else (False,)
        forms = [form for form in forms if self.n_out > 1 or form != "labels"]
        for is_stacked, shape, form in product(stacked, self._data_shapes(), forms):
            yield Way(shape, form, is_stacked)

    def _unknown(self, works: Sequence[Way], quiet: Sequence[Way]) -> str:
        del quiet
        return "its targets are not known, and are taken as (n, 1)" if len({way.form for way in works}) > 1 else ""

    def _known_form(self) -> str:
        """Return the form of the targets in the file's own data; "" if it is not known."""
        of = self.loop.data_names(self.names())[1] if self.loop else set()
        values = [self.scope.get(name) for name in of if name not in self.source.stand_ins]
        known: list[Any] = [value for value in values if isinstance(getattr(value, "dtype", None), np.dtype)]
        if not known or not np.issubdtype(known[0].dtype, np.floating) or self.n_out > 1:
            return ""
        return "numbers" if known[0].ndim == 1 else "column"

    def numbers(self, values: Array) -> Any:
        """Return numbers as an array of JAX."""
        return self.jax.numpy.asarray(values, self.dtype)

    def as_data(self, values: Array) -> Any:
        """Return data as the file has it: a tensor of PyTorch where it makes arrays of such."""
        array = np.asarray(values, values.dtype if values.dtype.kind == "i" else self.dtype)
        return array.view(Tensor) if ".numpy()" in self.text else self.jax.numpy.asarray(array)

    def as_inputs(self, x: Array, shape: tuple[int, ...]) -> Any:
        """Return examples (n, *inputs), channels first, in the shape that the module or the data have."""
        if len(self.inputs) == 3 and self.modules.channels_last:
            x = x.reshape(len(x), *self.inputs).transpose(0, 2, 3, 1)
        if len(shape) == 3 and x.ndim == 4 and shape == tuple(x.shape[i] for i in (3, 1, 2)) != x.shape[1:]:
            x = x.transpose(0, 3, 1, 2)
        return self.as_data(x.reshape(len(x), *shape))

    def as_targets(self, y: Array) -> Any:
        """Return labels, or numbers, (n,) as the loss takes them; rows (n, n_out) as they are."""
        if y.ndim > 1:
            return self.as_data(y)
        if self.way.form == "labels":
            return self.as_data(y.round().astype(np.int32))
        if self.n_out > 1:
            return self.as_data(np.eye(self.n_out)[y.astype(int)])
        return self.as_data(y.reshape(-1, 1) if self.way.form in ("column", "rows") else y)
