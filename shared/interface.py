"""The contract between the implementations and everything else: NumPy in, NumPy out."""

from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shared.spec import NetworkSpec, TrainingSpec

Array = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]


class Layer(NamedTuple):
    """Weights and biases of one layer, or the gradient of the loss with respect to them."""

    W: Array
    """(n_out, n_in)"""
    b: Array
    """(n_out,)"""


Parameters = tuple[Layer, ...]


class Network(Protocol):
    """What a class `Network` in `impls/` must do; all of it in the dtype of the given parameters.

    There is no randomness inside: initial parameters and the order of the examples come from outside.
    No method changes an array it is given.
    """

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None: ...

    def reset(self, parameters: Parameters) -> None:
        """Start again from these parameters, with a fresh optimizer; what has been compiled is kept."""

    def parameters(self) -> Parameters:
        """Return NumPy copies, once the device is done."""

    def predict(self, x: Array) -> Array:
        """(n, n_in) -> output activations a_L, (n, n_out)."""

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        """Mean loss (3) over the batch and its gradients (6)-(7); x: (n, n_in), y: (n,) labels."""

    def train(self, x: Array, y: Labels, order: Labels) -> None:
        """Take one optimizer step for each `batch_size` indices of `order`, in order, a smaller last batch too."""


@runtime_checkable
class Traced(Protocol):
    """What a `Network` may do besides: tell what it computed on the way, so that a first departure can be named."""

    def trace(self, x: Array, y: Labels) -> dict[str, Array]:
        """Return z1, ..., zL (1), a1, ..., aL (2) and d1, ..., dL (4)-(5), each (n, size of its layer)."""


def named(parameters: Parameters) -> dict[str, Array]:
    """Return the tensors of all layers by name: W1, b1, W2, b2, ..."""
    return {
        f"{name}{l}": tensor for l, layer in enumerate(parameters, 1) for name, tensor in zip("Wb", layer, strict=True)
    }


def tensors_of(parameters: Parameters) -> list[Array]:
    """Return the tensors of all layers in one flat list: W1, b1, W2, b2, ..."""
    return [tensor for layer in parameters for tensor in layer]


def parameters_of(tensors: list[Array]) -> Parameters:
    """Invert `tensors_of`."""
    return tuple(Layer(W, b) for W, b in zip(tensors[::2], tensors[1::2], strict=True))
