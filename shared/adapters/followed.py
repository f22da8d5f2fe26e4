"""What a file does to its data before its training, and in the loop itself, for all frameworks."""

from typing import Any, NamedTuple

import numpy as np

from shared.adapters.forms import form_of, labels_of
from shared.adapters.layout import channels_first
from shared.adapters.loop_data import LoopData, TrainingData
from shared.adapters.loops import Loop
from shared.adapters.pipelines import Order
from shared.adapters.preparation import Preparation
from shared.adapters.scaling import Scaling, scaling_of
from shared.adapters.stand_ins import UnfollowedError, pixels
from shared.interface import Array, Parameters
from shared.reading.source import Source


class Way(NamedTuple):
    """In which form a loop, or the usual step, takes its batches."""

    shape: tuple[int, ...]
    """of an example"""
    form: str
    """of the targets: one of `FORMS`"""
    is_odd: bool = False
    """arrays of NumPy for a module of PyTorch; for one of JAX, an axis of batches before that of the examples"""


class Followed:
    """A file whose data are followed to its model."""

    dtype: str
    scope: dict[str, Any]
    loop: Loop | None = None
    inputs: tuple[int, ...]
    """shape of an example, channels first"""
    n_out: int
    followed: Way | None = None
    """in which form the loop gets the file's own data"""
    preparation: Preparation | None = None
    """what the file does to its data before its training"""
    trains: TrainingData | None = None
    source: Source
    own_count = 0
    """the number of the file's own examples; 0 if it is not known"""
    unfollowed = ""
    within = Scaling()
    """what the loop itself does to the pixels"""
    rows = (0.0, 1.0)
    """numbers of other classes and of the right one, in targets that are rows"""

    def probe(self, x: Array, y: Array) -> Array:
        """Take a step from the start with examples and labels, or numbers; return what the model gets of them."""
        raise NotImplementedError

    def names(self) -> set[str]:
        """Return the names of the model."""
        raise NotImplementedError

    def training_data(self) -> TrainingData | None:
        """Return what the training takes its batches from; None without a loop."""
        return LoopData(self.loop, self.names()) if self.loop else None

    def _follow(self) -> Way | None:
        """Repeat what the file does to its data before its training; return in which form its loop then gets them."""
        self.preparation, self.trains = None, self.training_data()
        if self.trains is None:
            return None
        self.own_count = self.trains.own_count() if self.trains.taken else 0
        x, y = self._examples()
        try:
            made = self.trains.preparation(self.scope, self.inputs, self.n_out, self.dtype)
            if made is None:
                return None
            inputs, targets = made(x, y)
            form = self._form(targets)
            self._reached(inputs, targets)
        except UnfollowedError as error:
            self.unfollowed = f"what it does to its data before its training is not followed: {error}"
            return None
        self.preparation = made
        return Way(made.shape, form, self._is_odd(made))

    def _form(self, targets: Array) -> str:
        """Return the form of targets, and keep the numbers in their rows."""
        form, self.rows = form_of(targets, self.n_out)
        return form

    def _is_odd(self, made: Preparation) -> bool:
        """Return whether data are in the odd form of a `Way`."""
        del made
        return False

    def _examples(self) -> tuple[Array, Array]:
        rng = np.random.default_rng(2)
        y = rng.random(6) if self.n_out == 1 else np.arange(6.0) % self.n_out
        return pixels(rng, (6, *self.inputs)), y

    def _settle_scaling(self, x: Array, got: Array) -> None:
        """Find what the loop itself does to the pixels, so that the model gets those that it is to be given."""
        found = scaling_of(x, got)
        if found is None:
            self.preparation = None
            self.unfollowed = "what its loop does to its data is no scaling, and is not followed"
        else:
            self.within = found

    def _reached(self, x: Array, y: Array) -> Array:
        """Return what the model gets, (n, size), of examples and targets as the training takes them.

        Raises
        ------
        UnfollowedError
            If that cannot be seen.
        """
        del y
        return channels_first(x, None, x.shape[-1] in (1, 3)) * self.within.factor + self.within.summand

    def order(self) -> Order | None:
        """Return what an epoch of the file's training takes of the examples; None where that is not known."""
        return self.trains.order(self.scope) if self.trains else None

    def data(self, x: Array, y: Array) -> Parameters:
        """Return what the model and the loss get for images from 0 to 1; {} where that is not followed."""
        if self.preparation is None:
            return {}
        try:
            inputs, targets = self.preparation(x.reshape(len(x), -1), y)
            return {"x": self._reached(inputs, targets), "y": labels_of(targets, self.n_out)}
        except UnfollowedError:
            return {}
