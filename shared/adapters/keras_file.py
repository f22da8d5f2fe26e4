"""What a file with a keras.Model holds: the model, compiled or plain, its loss and its optimizer."""

import ast
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import numpy as np

from shared.adapters.file_port import FilePort
from shared.adapters.keras_data import KerasData
from shared.adapters.loop_finding import training_loop
from shared.adapters.named_models import named_model
from shared.adapters.port import PortError, by_name, listening
from shared.boundary import told
from shared.interface import Array, Parameters
from shared.reading import functions
from shared.reading.source import Inert, Source

SETS: Final = {"mnist": (28, 28), "fashion_mnist": (28, 28), "cifar10": (32, 32, 3), "cifar100": (32, 32, 3)}
"""data set of Keras -> the shape of an image; random ones stand for them, and nothing is downloaded."""
EXAMPLES: Final = 70
FEATURES: Final = (784, 6)
"""Inputs of a model that takes any number."""


def layers_of(model: Any) -> list[Any]:
    """Return the layers of a model, and those within them, in order; Keras's own list has the inner ones reversed."""
    found: dict[int, Any] = {}
    for layer in model._layers:
        for each in (layer, *layers_of(layer)):
            found.setdefault(id(each), each)
    return list(found.values())


class KerasFile(FilePort):
    """A file that is loaded without its training; its loop is the one that asks a GradientTape for gradients."""

    class_weights: Array | None = None
    """of `fit`"""

    def begin(self) -> None:
        """Import Keras, with TensorFlow and without JAX; nothing is downloaded from now on."""
        sys.modules.setdefault("jax", None)  # type: ignore[arg-type]
        self.keras: Any = __import__("keras")
        self.tf: Any = __import__("tensorflow")
        self._without_downloads()
        self._flattened: dict[int, tuple[int, ...]] = {}
        self._watch_flatten()

    def parameters(self) -> Parameters:
        """Return copies by the names that all frameworks share."""
        raise NotImplementedError

    def _variables(self) -> list[Any]:
        """Return the parameters, those of frozen layers too."""
        raise NotImplementedError

    def _without_downloads(self) -> None:
        rng = np.random.default_rng(1)
        for name, shape in SETS.items():
            images = rng.integers(0, 256, (EXAMPLES, *shape)).astype(np.uint8)
            labels = (np.arange(EXAMPLES) % 10).astype(np.uint8).reshape((-1, 1) if "cifar" in name else (-1,))
            pair = (images, labels)
            getattr(self.keras.datasets, name).load_data = lambda *_, pair=pair, **__: (pair, pair)

    def _watch_flatten(self) -> None:
        """Keep the shapes of what is flattened; a layer of a subclassed model does not know its input."""
        layer_class, seen = self.keras.layers.Flatten, self._flattened
        call = layer_class.call

        def recorded(layer: Any, inputs: Any, *arguments: Any, **named: Any) -> Any:
            seen[id(layer)] = tuple(inputs.shape[1:])
            return call(layer, inputs, *arguments, **named)

        layer_class.call = recorded

    def load(self, dtype: str) -> None:
        """Run its definitions, and find what it holds; the model computes in this dtype from now on."""
        self.dtype = dtype
        self.read()
        if not self.model.built:
            self._build()
        policy = str(self.model.dtype_policy.name)
        if policy not in ("float32", "float64"):
            self.notes.append(f"it computes in {policy}")
        self.inputs, self.n_out = self._shapes()
        self.modes = self._modes()
        self.optimizer = self._optimizer()
        self.optimizer.build(self.model.trainable_variables)
        count, of = len(self.model.trainable_variables), len(self._variables())
        self.notes += [f"its optimizer updates {count} of {of} tensors"] if count < of else []
        self.loss = self._loss()
        self.class_weights = self._class_weights()
        self.own = self.parameters()
        every = [*self.model.variables, *self.optimizer.variables]
        self._start = [(v, v.numpy()) for v in every]

    def read(self) -> None:
        """Load the file, and find its model."""
        self.keras.config.set_floatx(self.dtype)
        self.source = Source(self.path, real=frozenset({"keras", "tensorflow"}))
        with listening(self.path, self.caught):
            self.source.load()
        self.scope = self.source.namespace
        self.loop = training_loop(self.source, ("GradientTape",), self.named.model)
        self.model, self.words = self._model()

    # ---- What the file holds --------------------------------------------------------------------------------

    def _model(self) -> tuple[Any, str]:
        if self.named.model:
            return named_model(self.source, self.scope, self.named.model, self.keras.Model)
        found = [(v, k) for k, v in self.scope.items() if isinstance(v, self.keras.Model)]
        found.sort(key=lambda each: not getattr(each[0], "compiled", False))
        if found:
            return found[0]
        for name, made in self._made():
            if isinstance(made, self.keras.Model):
                return made, f"{name}()"
        why = "; ".join(self.source.troubles()[:2])
        raise PortError(f"{self.path.name}: found no keras.Model{f' ({why})' if why else ''}; expected one, such as "
                        "model = keras.Sequential([...]), or a function that makes it without arguments")  # fmt: skip

    def _made(self) -> Iterator[tuple[str, Any]]:
        """Yield what functions and classes of the file make without arguments."""
        for name, node in self.source.functions.items():
            required = len(node.args.args) - len(node.args.defaults)
            if "." not in name and required <= 0 and not re.search(r"\.fit\(|GradientTape", ast.unparse(node)):
                with suppress(Exception):
                    yield name, self.scope[name]()
        for name, cls in functions.own_classes(self.source).items():
            if issubclass(cls, self.keras.Model):
                with suppress(Exception):
                    yield name, cls()

    def _build(self) -> None:
        for features in (*FEATURES, 28):
            with suppress(Exception):
                shape = (2, features) if features != 28 else (2, 28, 28)
                self.model(np.zeros(shape, self.dtype))
                return
        raise PortError(f"{self.path.name}: the shape of the inputs of {self.words} is not known; add keras.Input(...)")

    def _shapes(self) -> tuple[tuple[int, ...], int]:
        shape = getattr(self.model, "input_shape", None)
        if shape is None:
            inputs = self.model._build_shapes_dict
            shape = next(iter(inputs.values())) if inputs else (None, FEATURES[0])
        self.given = tuple(28 if size is None else int(size) for size in shape[1:])
        channels_first = self.given if len(self.given) != 3 else (self.given[2], *self.given[:2])
        outputs = self.model(np.zeros((2, *self.given), self.dtype))
        if outputs.ndim != 2:
            raise PortError(f"{self.path.name}: {self.words} gives outputs of shape {tuple(outputs.shape)}")
        return channels_first, int(outputs.shape[1])

    def _modes(self) -> dict[str, list[float]]:
        """Return what acts in training alone; dropout is random, and is left out of what is compared."""
        found: dict[str, list[float]] = {}
        for layer in layers_of(self.model):
            if "Dropout" in type(layer).__name__:
                found.setdefault("dropout", []).append(float(layer.rate))
                layer.rate = 0.0
            elif type(layer).__name__ == "BatchNormalization":
                found.setdefault("batch norm epsilon", []).append(float(layer.epsilon))
                found.setdefault("batch norm momentum", []).append(round(1 - float(layer.momentum), 10))
        return found

    def _optimizer(self) -> Any:
        kind = self.keras.optimizers.Optimizer
        if isinstance(own := getattr(self.model, "optimizer", None), kind):
            return own
        found = [v for v in self.scope.values() if isinstance(v, kind)]
        if found:
            return found[-1]
        if self.named.optimizer:
            cls = by_name([self.keras.optimizers], self.named.optimizer)
            if cls is None:
                raise PortError(f"got the optimizer {self.named.optimizer}, expected one of keras.optimizers")
            return cls() if self.named.rate is None else cls(self.named.rate)
        self.notes.append("no optimizer: SGD with rate 0.01 here")
        return self.keras.optimizers.SGD(0.01)

    def _class_weights(self) -> Array | None:
        """Return what `fit` gets as class_weight, (n_out,), or (2,) with one output; None without one."""
        given = KerasData(self.source, None).given if self.source else {}  # a live model has no `fit`
        self.notes += ["the sample_weight of `fit` is left out here"] if "sample_weight" in given else []
        if "class_weight" not in given:
            return None
        try:
            found = eval(compile(ast.Expression(given["class_weight"]), str(self.path), "eval"), dict(self.scope))
            return np.array([found.get(k, 1.0) for k in range(max(2, self.n_out))], float) if found else None
        except Exception as error:  # noqa: BLE001 - it is a stranger's file
            self.notes.append(f"the class_weight of `fit` is left out here: {told(error)}")
            return None

    def _loss(self) -> Any:
        own = getattr(self.model, "loss", None)
        if own is not None:
            return own
        found = [v for v in self.scope.values() if isinstance(v, self.keras.losses.Loss)]
        if found:
            return found[-1]
        for name in ("loss_fn", "loss", "loss_object", "criterion", "loss_function", "cost"):
            value = self.scope.get(name)
            if isinstance(value, str) or (callable(value) and not isinstance(value, Inert)):
                return self.keras.losses.get(value)
        if self.named.criterion:
            try:
                return self.keras.losses.get(self.named.criterion)
            except ValueError as error:
                known = f"got the criterion {self.named.criterion}, expected one of keras.losses"
                raise PortError(known) from error
        raise PortError(f"{self.path.name}: found no loss; expected model.compile(loss=...), a loss in the file, or "
                        "--criterion")  # fmt: skip
