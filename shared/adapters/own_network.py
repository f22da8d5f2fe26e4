"""A class `Network`, of the earlier contract or of today's, or functions, as a model that can be stepped."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from shared import implementations, interface
from shared.adapters.functions import builder
from shared.adapters.port import About, Figures, PortError, listening
from shared.boundary import told
from shared.initial import cast, draw_parameters
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec

THREADS = 1
"""Of the libraries of its process, as its environment says."""


class Pair(NamedTuple):
    """The parameters of a layer in the earlier contract, where a tuple of such pairs was handed over."""

    W: Any
    b: Any


class NetworkPort:
    """A class `Network` or functions.

    Parameters
    ----------
    name : an implementation or a file.
    kind : as `kind_of`.
    spec : of the network; None to take it from the file's constants.
    training : the rate and the batch size that the class is given.
    """

    def __init__(self, name: str, kind: str, spec: NetworkSpec | None, training: TrainingSpec) -> None:
        self.path, self.kind, self.caught = Path(name), kind, list[str]()
        if kind == "earlier":
            interface.__dict__.setdefault("Layer", Pair)  # what such files import
        with listening(self.path, self.caught):
            self.module = implementations.load_module(name)
        if hasattr(self.module, "set_threads"):
            self.module.set_threads(THREADS)
        self.spec = spec or network_of(vars(self.module))
        self.own = self._own_start()
        self.training = training
        self.network, self.dtype = self._made()

    def _own_start(self) -> Parameters:
        """Return the initial parameters of a model of PyTorch or Keras that the file holds beside its class; or {}."""
        for value in list(vars(self.module).values()):
            if callable(getattr(value, "named_parameters", None)) and not isinstance(value, type):
                tensors = [p.detach().double().numpy().copy() for _, p in value.named_parameters()]
            elif callable(getattr(value, "get_weights", None)) and hasattr(value, "layers"):
                tensors = [np.asarray(w, float).T.copy() for w in value.get_weights()]
            else:
                continue
            shapes = self.spec.parameter_shapes
            if [tensor.shape for tensor in tensors] == list(shapes.values()):
                return dict(zip(shapes, tensors, strict=True))
        return {}

    def _made(self) -> tuple[Any, str]:
        """Build the network in float64, or in float32 if it knows nothing else."""
        self.make: Callable[..., Any] = builder(self.module) if self.kind == "functions" else self.module.Network
        reasons = []
        for dtype in ("float64", "float32"):
            training = replace(self.training, dtype=dtype)
            start = draw_parameters(self.spec, training)
            x = np.random.default_rng(1).random((2, int(np.prod(self.spec.shapes[0])))).astype(dtype)
            try:
                with listening(self.path, self.caught), np.errstate(all="ignore"):
                    network = self.make(self.spec, training, self.given(start))
                    network.loss_and_gradients(x, np.arange(2) % self.spec.n_out)
                    network.reset(self.given(start))
                return network, dtype
            except Exception as error:  # noqa: BLE001 - it is a stranger's file
                reasons.append(told(error))
        raise PortError(f"{self.path.name}: neither float64 nor float32 works: {reasons[0]}; {reasons[1]}")

    def given(self, parameters: Parameters) -> Any:
        """Return parameters in the form that the file takes."""
        if self.kind != "earlier":
            return parameters
        biases = {name[1:] for name in parameters if name[0] == "b"}
        every = [name[1:] for name in parameters if name[0] == "W"]
        return tuple(Pair(parameters[f"W{l}"], parameters[f"b{l}"] if l in biases else None) for l in every)

    def _taken(self, found: Any) -> Parameters:
        if isinstance(found, dict):
            return {name: np.array(tensor) for name, tensor in found.items()}
        numbers = [name[1:] for name in self.spec.parameter_shapes if name[0] == "W"]
        pairs = dict(zip(numbers, found, strict=True))
        return {name: np.array(pairs[name[1:]]["Wb".index(name[0])]) for name in self.spec.parameter_shapes}

    def about(self) -> About:
        """Return what the class is given."""
        shapes = {name: list(shape) for name, shape in self.spec.parameter_shapes.items()}
        is_class = self.kind != "functions"
        words = [str(self.spec)]
        words += [f"given the learning rate {self.training.learning_rate:g}"] if is_class else []
        kind = "class Network" if is_class else "functions forward and gradients"
        hints = {"learning_rate": self.training.learning_rate}
        sizes = [int(np.prod(self.spec.shapes[0]))]
        return About(kind, words, shapes, sizes, self.spec.n_out, self.dtype,
                     hints, self.own, [], {}, is_class)  # fmt: skip

    def give(self, parameters: Parameters) -> None:
        """Reset the network."""
        with listening(self.path, self.caught):
            self.network.reset(self.given(cast(parameters, self.dtype)))

    def parameters(self) -> Parameters:
        """Return copies."""
        return self._taken(self.network.parameters())

    def step(self, x: Array, y: Array) -> Figures:
        """Ask for everything, then train on the batch."""
        x, labels = x.astype(self.dtype), y.astype(np.int64)
        with listening(self.path, self.caught), np.errstate(all="ignore"):
            outputs = np.array(self.network.predict(x))
            loss, found = self.network.loss_and_gradients(x, labels)
            gradients = self._taken(found)
            if self.kind != "functions":
                self._train(x, labels, np.arange(len(y)))
        after = self.parameters() if self.kind != "functions" else {}
        return Figures(outputs, float("nan") if loss is None else float(loss), gradients, gradients, after, 0.0)

    def layers(self, x: Array) -> Parameters:
        """Return z and a of each layer, a of the last left out, of a class with `trace`; else {}."""
        if self.kind or not hasattr(self.network, "trace") or self.spec.has_convolutions:
            return {}
        found = self.network.trace(x.reshape(len(x), -1).astype(self.dtype), np.zeros(len(x), np.int64))
        numbers = range(1, len(self.spec.layers) + 1)
        names = [name for l in numbers for name in (f"z{l}", f"a{l}")][:-1]
        return {name: np.asarray(found[name]) for name in names if name in found}

    def _train(self, x: Array, y: Labels, order: Labels) -> None:
        if self.kind == "earlier":
            self.network.train(x, y, order)
        else:
            self.network.load(x, y)
            self.network.train(order)

    def epoch(self, x: Array, y: Array) -> Parameters:
        """Train on all these examples in one call, as an epoch does, and return the parameters; {} of functions."""
        if self.kind == "functions":
            return {}
        with listening(self.path, self.caught), np.errstate(all="ignore"):
            self._train(x.astype(self.dtype), y.astype(np.int64), np.arange(len(y)))
        return self._taken(self.network.parameters())


def network_of(constants: Mapping[str, Any]) -> NetworkSpec:
    """Return the network that a file's constants NETWORK, or SIZES, ACTIVATION and LOSS, say; 784-30-10 without."""
    activation, loss = constants.get("ACTIVATION"), constants.get("LOSS")
    if isinstance(text := constants.get("NETWORK"), str):
        return NetworkSpec.parse(text, activation or "", loss or "")
    sizes = tuple(constants.get("SIZES", (784, 30, 10)))
    return NetworkSpec.dense(sizes, activation or "sigmoid", loss or "quadratic")
