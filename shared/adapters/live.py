"""Models that are there, as objects of a script or a notebook, which stay as they are."""

import copy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from shared.adapters.equinox_modules import Equinox
from shared.adapters.flax_modules import Linen, Nnx
from shared.adapters.jax_model import JaxPort
from shared.adapters.jax_modules import Modules
from shared.adapters.keras_model import KerasPort
from shared.adapters.port import Named, PortError
from shared.adapters.torch_module import TorchPort
from shared.interface import Array


class Live(NamedTuple):
    """A model with what belongs to it."""

    model: Any
    criterion: Any
    """an object or a name; None for what a compiled model has"""
    optimizer: Any
    """of its parameters; or a function of them, such as a class; or a name; None for what a compiled model has"""
    x: Array
    y: Array


def is_model(value: Any) -> bool:
    """Return whether a value is a torch.nn.Module, a keras.Model, or a module of Flax or Equinox."""
    return _kind(value) != ""


def _kind(value: Any) -> str:
    bases = {f"{cls.__module__.partition('.')[0]}.{cls.__name__}" for cls in type(value).__mro__}
    kinds = {"torch.Module": "torch", "keras.Model": "keras", "flax.Module": "jax", "equinox.Module": "jax"}
    return next((kind for base, kind in kinds.items() if base in bases), "")


def port(live: Live) -> TorchPort | KerasPort | JaxPort:
    """Return a port to a copy of a model.

    Raises
    ------
    PortError
        If it cannot be copied or stepped; the message says why.
    """
    kinds: dict[str, Any] = {"torch": LiveTorch, "keras": LiveKeras, "jax": LiveJax}
    return kinds[_kind(live.model)](live)  # type: ignore[no-any-return]


def _named(live: Live) -> Named:
    criterion, optimizer = (each if isinstance(each, str) else "" for each in (live.criterion, live.optimizer))
    return Named(criterion, optimizer)


class LiveTorch(TorchPort):
    """A copy of a torch.nn.Module, with its optimizer."""

    def __init__(self, live: Live) -> None:
        self.live = live
        named = _named(live)
        torch: Any = __import__("torch")
        default = torch.get_default_dtype()
        try:
            super().__init__(Path(type(live.model).__name__), named=named)
        finally:
            torch.set_default_dtype(default)

    def read(self) -> None:
        """Copy the objects; there is no file, and no loop."""
        given = [None if isinstance(each, str) else each for each in self.live[1:3]]
        try:
            self.module, criterion, optimizer = copy.deepcopy([self.live.model, *given])
        except Exception as error:
            raise PortError(f"{self.path}: its module cannot be copied: {error}") from error
        self.loop, self.source, self.words = None, None, str(self.path)  # type: ignore[assignment]
        if optimizer is not None and not isinstance(optimizer, self.torch.optim.Optimizer):
            optimizer = optimizer(self.module.parameters())
        found = {"model": self.module, "criterion": criterion, "optimizer": optimizer}
        self.scope = {name: value for name, value in found.items() if value is not None}

    def _sample(self) -> Any:
        """Return the examples as they were given."""
        x, y = (self.torch.as_tensor(np.asarray(each)) for each in (self.live.x, self.live.y))
        return x, y


class LiveKeras(KerasPort):
    """A copy of a keras.Model, in its own precision."""

    def __init__(self, live: Live) -> None:
        self.live = live
        named = _named(live)
        super().__init__(Path(live.model.name), ("own",), named)

    def _without_downloads(self) -> None:
        """Leave the data sets of Keras as they are: no file is run."""

    def read(self) -> None:
        """Copy the model with its weights, and compile the copy as the model is."""
        model = self.live.model
        self.dtype = str(model.compute_dtype) if model.compute_dtype == "float64" else "float32"
        if not model.built:
            model(np.asarray(self.live.x[:1]))
        try:
            self.model = self.keras.models.clone_model(model)
            self.model.set_weights(model.get_weights())
        except Exception as error:
            raise PortError(f"{self.path}: it cannot be copied ({error}); give its file instead") from error
        self.words, self.source = type(model).__name__, None  # type: ignore[assignment]
        loss, optimizer = (None if isinstance(each, str) else each for each in self.live[1:3])
        if getattr(model, "compiled", False):  # what it has itself comes first
            loss, optimizer = model.loss, model.optimizer
        if optimizer is not None:
            optimizer = type(optimizer).from_config(optimizer.get_config())
            self.model.compile(optimizer=optimizer, loss=loss)
        self.scope = {"loss": loss, "optimizer": optimizer}


class LiveJax(JaxPort):
    """A module of Flax or Equinox, of which everything is a copy; one of linen holds no parameters, and gets some."""

    def __init__(self, live: Live) -> None:
        self.live = live
        super().__init__(Path(type(live.model).__name__), named=_named(live))

    def kind_of_modules(self) -> type[Modules]:
        """Return the kind of the module."""
        modules = {cls.__module__ for cls in type(self.live.model).__mro__ if cls.__name__ == "Module"}
        is_nnx = any(name.startswith("flax.nnx") for name in modules)
        return Nnx if is_nnx else Linen if any(name.startswith("flax") for name in modules) else Equinox

    def read(self) -> None:
        """Take the objects; there is no file, and no loop."""
        criterion, optimizer = (None if isinstance(each, str) else each for each in self.live[1:3])
        if optimizer is not None and not isinstance(optimizer, self.optax.GradientTransformation):
            optimizer = optimizer(0.001)
        self.text, self.loop, self.function, self.source = "", None, "", None  # type: ignore[assignment]
        self.model, self.words = self.modules.own(self.live.model), str(self.path)
        found = {"criterion": criterion, "optimizer": optimizer}
        self.scope = {name: value for name, value in found.items() if value is not None}

    def _input_shapes(self) -> Iterator[tuple[int, ...]]:
        yield tuple(np.shape(self.live.x)[1:])
        yield from super()._input_shapes()

    def _known_form(self) -> str:
        is_row = np.ndim(self.live.y) > 1
        return ("column" if is_row else "numbers") if self.n_out == 1 else "rows" if is_row else ""


@contextmanager
def settings_kept() -> Iterator[None]:
    """Put back the settings of JAX, which hold for the whole process: live models are compared in float64."""
    names = ("jax_enable_x64", "jax_disable_most_optimizations")
    jax = sys.modules.get("jax")
    before = {name: jax.config.values[name] for name in names} if jax is not None else {}
    try:
        yield
    finally:
        for name, value in before.items():
            sys.modules["jax"].config.update(name, value)
