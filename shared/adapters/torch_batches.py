"""Which batches the torch.nn.Module of a file takes: the shape of its inputs, and the form of its targets."""

import copy
from collections.abc import Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np

from shared.adapters.loops import why_not
from shared.adapters.port import FORMS, IMAGES, Figures, Named, PortError
from shared.adapters.torch_file import TorchFile
from shared.interface import Array

UNKNOWN_TARGETS: Final = (
    "its targets are not known, and are taken as (n, 1); if they are (n,), every prediction is compared with every "
    "target of the batch"
)


class TorchBatches(TorchFile):
    """A file that was loaded in the first dtype in which a step of it works, with batches of ours as it takes them."""

    def __init__(
        self,
        path: Path,
        dtypes: Sequence[str] = ("float64", "float32"),
        named: Named = Named(),  # noqa: B008
    ) -> None:
        super().__init__(path, named)
        for dtype in dtypes:
            self.load(dtype)
            if self.criterion is None and self.loop is None:
                raise PortError(f"{path.name}: found {self.words} and no criterion; add one, such as "
                                "criterion = nn.CrossEntropyLoss(), the training loop, or --criterion")  # fmt: skip
            if self._settle():
                return
        raise PortError(f"{path.name}: a step of {self.words} fails: {self.failure}")

    def step(self, x: Array, y: Array) -> Figures:
        """Take a step."""
        raise NotImplementedError

    def _settle(self) -> bool:
        """Find the shapes of a batch with which a step works; of several the one without a warning."""
        self.failure = "no shape of inputs fits"
        for shape in self._input_shapes():
            self.inputs, self.flat = shape, False
            try:
                with self.torch.no_grad():
                    outputs = copy.deepcopy(self.module).eval()(self.as_inputs(np.zeros((2, *self.inputs))))
            except Exception as error:  # noqa: BLE001 - it is a stranger's file
                self.failure = why_not(error)
                continue
            if outputs.ndim not in (1, 2):
                raise PortError(f"{self.path.name}: {self.words} gives outputs of shape {tuple(outputs.shape)}")
            self.n_out = 1 if outputs.ndim == 1 else outputs.shape[1]
            return self._settle_targets()
        return False

    def _settle_targets(self) -> bool:
        works, quiet, failures = list[tuple[bool, str]](), list[tuple[bool, str]](), list[str]()
        known = self._known_form()
        for flat, self.form in product((False, True), (known,) if known else FORMS):
            self.flat = flat
            if (flat and len(self.inputs) == 1) or (self.form in ("column", "numbers") and self.n_out > 1):
                continue
            before = len(self.caught)
            y = np.arange(4.0) / 4 if self.n_out == 1 else np.arange(4) % self.n_out
            try:
                self.restart()
                if np.isfinite(self.step(np.random.default_rng(1).random((4, *self.inputs)), y).loss):
                    works.append((flat, self.form))
                    quiet += [works[-1]] if len(self.caught) == before else []
            except Exception as error:  # noqa: BLE001 - it is a stranger's file
                failures.append(why_not(error))
            if not known:
                del self.caught[before:]
        for self.flat, self.form in [*quiet, *works][:1]:
            forms = {form for _, form in works} - {form for _, form in quiet}
            if self.n_out == 1 and not known and self.form in ("column", "rows") and "numbers" in forms:
                self.notes.append(UNKNOWN_TARGETS)
            return True
        self.failure = failures[0] if failures else self.failure
        return False

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
        shape = (len(x), *((-1,) if getattr(self, "flat", False) else self.inputs))
        return self.torch.tensor(x.reshape(shape), dtype=getattr(self.torch, self.dtype))

    def as_targets(self, y: Array) -> Any:
        """Return labels, or numbers, (n,) as the criterion takes them."""
        if self.form == "labels":
            return self.torch.tensor(y.round().astype(np.int64))
        if self.n_out > 1:
            y = np.eye(self.n_out)[y.astype(int)]
        found = self.torch.tensor(y, dtype=getattr(self.torch, self.dtype))
        return found.reshape(-1, 1) if self.form in ("column", "rows") and self.n_out == 1 else found
