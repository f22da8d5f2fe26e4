"""Which batches the torch.nn.Module of a file takes: the shape of its inputs, and the form of its targets."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import product
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from shared.adapters.forms import form_of, labels_of
from shared.adapters.loop_data import preparation
from shared.adapters.loops import why_not
from shared.adapters.port import FORMS, IMAGES, Figures, Named, PortError
from shared.adapters.preparation import Preparation
from shared.adapters.scaling import Scaling, scaling_of
from shared.adapters.stand_ins import UnfollowedError
from shared.adapters.torch_file import TorchFile
from shared.interface import Array, Parameters

UNKNOWN_TARGETS: Final = (
    "its targets are not known, and are taken as (n, 1); if they are (n,), every prediction is compared with every "
    "target of the batch"
)


class Way(NamedTuple):
    """In which form a loop, or the usual step, takes its batches."""

    shape: tuple[int, ...]
    """of an example"""
    is_tensor: bool
    """or an array of NumPy"""
    form: str
    """of the targets: one of `FORMS`"""


class TorchBatches(TorchFile):
    """A file that was loaded in the first dtype in which a step of it works, with batches of ours as it takes them."""

    def __init__(
        self,
        path: Path,
        dtypes: Sequence[str] = ("float64", "float32"),
        named: Named = Named(),  # noqa: B008
    ) -> None:
        super().__init__(path, named)
        self.unfollowed, self.reached, self.rows = "", np.zeros(0), (0.0, 1.0)
        self.preparation: Preparation | None = None
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
            self.inputs = shape
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
        works, quiet, failures = list[Way](), list[Way](), list[str]()
        known = self._known_form()
        for way in self._ways((known,) if known else FORMS):
            self.way = way
            if self.way.form in ("column", "numbers") and self.n_out > 1:
                continue
            if works and self.way.is_tensor != works[0].is_tensor:
                break
            before = len(self.caught)
            y = np.arange(4.0) / 4 if self.n_out == 1 else np.arange(4) % self.n_out
            try:
                self.restart()
                if np.isfinite(self.step(np.random.default_rng(1).random((4, *self.inputs)), y).loss):
                    works.append(self.way)
                    quiet += [works[-1]] if len(self.caught) == before else []
            except Exception as error:  # noqa: BLE001 - it is a stranger's file
                failures.append(why_not(error))
            if not (known or self.way == self.followed):
                del self.caught[before:]
            if works and self.way == self.followed:
                self._settle_scaling()
                return True
        self.preparation = None
        for self.way in [*quiet, *works][:1]:
            forms = {way.form for way in works} - {way.form for way in quiet}
            if self.n_out == 1 and not known and self.way.form in ("column", "rows") and "numbers" in forms:
                self.notes.append(UNKNOWN_TARGETS)
            return True
        self.failure = failures[0] if failures else self.failure
        return False

    def _ways(self, forms: Sequence[str]) -> Iterator[Way]:
        """Yield in which shapes and forms a loop may take its batches; first as the file's own data come to it."""
        self.within, self.followed = Scaling(), self._follow()
        if self.followed:
            yield self.followed
        shapes = dict.fromkeys([self.inputs, (int(np.prod(self.inputs)),)])
        for is_tensor, shape, form in product((True, False) if self.loop else (True,), shapes, forms):
            yield Way(shape, is_tensor, form)

    def _follow(self) -> Way | None:
        """Repeat what the file does to its data before its loop; return in which form its loop then gets them."""
        self.preparation = None
        if self.loop is None:
            return None
        size = int(np.prod(self.inputs))
        x, y = self._examples(size)
        try:
            made = preparation(self.loop, self.names(), self.scope, size, self.n_out, self.dtype)
            if made is None:
                return None
            _, targets = made(x, y)
            form, self.rows = form_of(targets, self.n_out)
        except UnfollowedError as error:
            self.unfollowed = f"what it does to its data before its loop is not followed: {error}"
            return None
        self.preparation = made
        return Way(made.shape, made.is_tensor, form)

    def _examples(self, size: int) -> tuple[Array, Array]:
        rng = np.random.default_rng(2)
        y = rng.random(6) if self.n_out == 1 else np.arange(6.0) % self.n_out
        return rng.random((6, size)), y

    def _settle_scaling(self) -> None:
        """Find what the loop itself does to the pixels, so that the module gets those that it is to be given."""
        x, y = self._examples(int(np.prod(self.inputs)))
        self.restart()
        self.step(x, y)
        found = scaling_of(x, self.reached)
        if found is None:
            self.preparation = None
            self.unfollowed = "what its loop does to its data is no scaling, and is not followed"
        else:
            self.within = found

    def data(self, x: Array, y: Array) -> Parameters:
        """Return what the module and the criterion get for images from 0 to 1; {} where that is not followed."""
        if self.preparation is None:
            return {}
        try:
            inputs, targets = self.preparation(x.reshape(len(x), -1), y)
        except UnfollowedError:
            return {}
        reached = inputs.reshape(len(x), -1) * self.within.factor + self.within.summand
        return {"x": reached, "y": labels_of(targets, self.n_out)}

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
        return self.torch.tensor(values, dtype=getattr(self.torch, self.dtype)) if self.way.is_tensor else (
            values.astype(self.dtype))  # fmt: skip

    def as_targets(self, y: Array) -> Any:
        """Return labels, or numbers, (n,) as the criterion takes them; rows (n, n_out) as they are."""
        found: Any = self._targets(y)
        return found if self.way.is_tensor or self.loop is None else found.numpy()

    def _targets(self, y: Array) -> Any:
        form = self.way.form
        if form == "labels" and y.ndim == 1:
            return self.torch.tensor(y.round().astype(np.int64))
        if self.n_out > 1 and y.ndim == 1:
            low, high = self.rows
            y = low + (high - low) * np.eye(self.n_out)[y.astype(int)]
        found = self.torch.tensor(y, dtype=getattr(self.torch, self.dtype))
        return found.reshape(-1, 1) if form in ("column", "rows") and self.n_out == 1 else found
