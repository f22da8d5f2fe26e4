"""A file with a keras.Model, compiled or plain, as a model that can be stepped."""

import ast
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np

from shared.adapters.loops import why_not
from shared.adapters.port import About, Figures, PortError, listening, numbered, one_hot
from shared.interface import Array, Parameters
from shared.reading import functions
from shared.reading.source import Inert, Source

HINTS: Final = ("learning_rate", "momentum", "weight_decay", "epsilon", "beta_1", "beta_2", "rho")
SETS: Final = {"mnist": (28, 28), "fashion_mnist": (28, 28), "cifar10": (32, 32, 3), "cifar100": (32, 32, 3)}
"""data set of Keras -> the shape of an image; random ones stand for them, and nothing is downloaded."""
EXAMPLES: Final = 70
FEATURES: Final = (784, 6)
"""Inputs of a model that takes any number."""


class KerasPort:
    """The model of a file, stepped as `fit` does it: `compute_loss` under a tape, then its optimizer."""

    def __init__(self, path: Path) -> None:
        sys.modules.setdefault("jax", None)  # type: ignore[arg-type]
        self.keras: Any = __import__("keras")
        self.tf: Any = __import__("tensorflow")
        self.path, self.caught, self.notes = path, list[str](), list[str]()
        self._without_downloads()
        self._flattened: dict[int, tuple[int, ...]] = {}
        self._watch_flatten()
        for self.dtype in ("float64", "float32"):
            try:
                self._load()
                rng = np.random.default_rng(1)
                y = rng.random(4) if self.n_out == 1 else np.arange(4.0) % self.n_out
                self.step(rng.random((4, *self.inputs)), y)
                break
            except PortError:
                raise
            except Exception as error:  # noqa: BLE001 - it is a stranger's file
                self.failure = why_not(error)
        else:
            raise PortError(f"{path.name}: a step of its keras.Model fails: {self.failure}")

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

    def _load(self) -> None:
        self.keras.config.set_floatx(self.dtype)
        self.source = Source(self.path, real=frozenset({"keras", "tensorflow"}))
        with listening(self.path, self.caught):
            self.source.load()
        self.scope = self.source.namespace
        self.model, self.words = self._model()
        if not self.model.built:
            self._build()
        policy = str(self.model.dtype_policy.name)
        if policy not in ("float32", "float64"):
            self.notes.append(f"it computes in {policy}")
        self.inputs, self.n_out = self._shapes()
        self.modes = self._modes()
        self.optimizer = self._optimizer()
        self.optimizer.build(self.model.trainable_variables)
        self.loss = self._loss()
        self.own = self.parameters()
        every = [*self.model.variables, *self.optimizer.variables]
        self._start = [(v, v.numpy()) for v in every]

    # ---- What the file holds --------------------------------------------------------------------------------

    def _model(self) -> tuple[Any, str]:
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
        for layer in self.model._flatten_layers():
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
        self.notes.append("no optimizer: SGD with rate 0.01 here")
        return self.keras.optimizers.SGD(0.01)

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
        raise PortError(f"{self.path.name}: found no loss; expected model.compile(loss=...), or a loss in the file")

    # ---- Parameters -----------------------------------------------------------------------------------------

    def _layers(self) -> list[Any]:
        return [layer for layer in self.model._flatten_layers() if not isinstance(layer, self.keras.Model)
                and layer.trainable_variables]  # fmt: skip

    def _variables(self) -> list[Any]:
        return [variable for layer in self._layers() for variable in layer.trainable_variables]

    def _images(self) -> dict[int, tuple[int, ...]]:
        """Return the shape (h, w, c) of what was flattened before a dense layer, by id of the layer."""
        found: dict[int, tuple[int, ...]] = {}
        image = None
        for layer in self.model._flatten_layers():
            if type(layer).__name__ == "Flatten" and len(shape := self._flattened.get(id(layer), ())) == 3:
                image = shape
            elif type(layer).__name__ == "Dense" and image is not None:
                found[id(layer)], image = image, None
        return found

    def _names(self) -> list[str]:
        kinds: list[tuple[str, ...]] = []
        of = {"kernel": "W", "bias": "b", "gamma": "gamma", "beta": "beta"}
        for layer in self._layers():
            names = [variable.name for variable in layer.trainable_variables]
            if set(names) - set(of) or any(word in type(layer).__name__ for word in ("Transpose", "Depthwise")):
                raise PortError(f"{self.path.name}: the parameters of {type(layer).__name__} ({', '.join(names)}) "
                                "cannot be mapped")  # fmt: skip
            kinds.append(tuple(of[name] for name in names))
        return numbered(kinds)

    def _taken(self, arrays: list[Any]) -> Parameters:
        """Return arrays of the model's shapes as those that all frameworks share."""
        images, found = self._images(), []
        owners = [layer for layer in self._layers() for _ in layer.trainable_variables]
        for layer, array in zip(owners, arrays, strict=True):
            tensor = np.asarray(array)
            if tensor.ndim == 2 and (image := images.get(id(layer))) is not None:
                tensor = tensor.reshape(*image, -1).transpose(2, 0, 1, 3).reshape(tensor.shape)
            axes = (*range(tensor.ndim - 1, -1, -1),)[:2] + tuple(range(tensor.ndim - 2))
            found.append(tensor.transpose(axes).copy() if tensor.ndim > 1 else tensor.copy())
        return dict(zip(self._names(), found, strict=True))

    def give(self, parameters: Parameters) -> None:
        """Start again from these parameters: kernels transposed, flattened images in the order of Keras."""
        for variable, value in self._start:
            variable.assign(value)
        images = self._images()
        owners = [(layer, variable) for layer in self._layers() for variable in layer.trainable_variables]
        for (layer, variable), tensor in zip(owners, parameters.values(), strict=True):
            if tensor.ndim > 1:
                tensor = tensor.transpose(*range(2, tensor.ndim), 1, 0)
            if tensor.ndim == 2 and (image := images.get(id(layer))) is not None:
                h, w, c = image
                tensor = tensor.reshape(c, h, w, -1).transpose(1, 2, 0, 3).reshape(tensor.shape)
            variable.assign(tensor.astype(self.dtype))

    # ---- Steps ----------------------------------------------------------------------------------------------

    def about(self) -> About:
        """Return what was found."""
        shapes = {name: list(tensor.shape) for name, tensor in self.own.items()}
        settings = self.optimizer.get_config()
        hints = {name: float(settings[name]) for name in HINTS if isinstance(settings.get(name), (int, float))}
        if "epsilon" in hints:
            hints["eps"] = hints["epsilon"]
        loss = self.loss if isinstance(self.loss, str) else getattr(self.loss, "name", None) or "its own loss"
        words = [self.words, str(getattr(self.loss, "__name__", loss)), type(self.optimizer).__name__]
        return About("keras.Model", words, shapes, list(self.inputs), self.n_out, self.dtype, hints, self.own,
                     self.notes, self.modes, has_update=True)  # fmt: skip

    def _batch(self, x: Array, y: Array) -> tuple[Any, Any]:
        images = x.reshape(len(x), *self.inputs)
        if len(self.inputs) == 3:
            images = images.transpose(0, 2, 3, 1)
        name = self.loss if isinstance(self.loss, str) else type(self.loss).__name__ + getattr(self.loss, "name", "")
        is_sparse = "sparse" in str(name).lower() or "sparse" in getattr(self.loss, "__name__", "")
        target = y.astype(np.int64) if is_sparse else one_hot(y, self.n_out, self.dtype)
        return images.astype(self.dtype), target

    def parameters(self) -> Parameters:
        """Return copies."""
        return self._taken([variable.numpy() for variable in self._variables()])

    def step(self, x: Array, y: Array) -> Figures:
        """Take a step as `fit` does."""
        images, target = self._batch(x, y)
        with listening(self.path, self.caught), self.tf.GradientTape() as tape:
            outputs = self.model(images, training=True)
            value = self._value(images, target, outputs)
        variables = self._variables()
        found = tape.gradient(value, variables)
        found = [np.zeros(v.shape) if g is None else g for g, v in zip(found, variables, strict=True)]
        gradients = self._taken([np.asarray(g) for g in found])
        self.optimizer.apply_gradients(list(zip(map(self.tf.convert_to_tensor, found), variables, strict=True)))
        after = self.parameters()
        return Figures(np.asarray(outputs), float(value), gradients, gradients, after, 0.0)

    def _value(self, images: Any, target: Any, outputs: Any) -> Any:
        if getattr(self.model, "compiled", False) and getattr(self.model, "loss", None) is not None:
            return self.model.compute_loss(x=images, y=target, y_pred=outputs, training=True)
        loss = self.keras.losses.get(self.loss) if isinstance(self.loss, str) else self.loss
        return self.tf.reduce_mean(loss(target, outputs))
