"""The contract between the implementations and everything else: NumPy in, NumPy out."""

from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from shared.spec import NetworkSpec, TrainingSpec

Array = NDArray[np.floating[Any]]
Labels = NDArray[np.integer[Any]]


Parameters = dict[str, Array]
"""The weights and biases by name, in order: "W1", "b1", "W2", ...; gradients have the same form.

Their shapes are `NetworkSpec.parameter_shapes`: W of a dense layer is (n_out, n_in) and b is (n_out,); W of a
convolution is (c_out, c_in, k, k) and b is (c_out,). After images, n_in of a dense layer is c height width, in order.
"""


class Network(Protocol):
    """What a class `Network` in `impls/` must do, in the dtype of the given parameters.

    It uses no randomness: initial parameters and the order of the examples are given. x has one row for each example;
    an image is a row of its pixels, the channels of a pixel next to each other. What an implementation cannot compute
    it says in its file, which is then refused such a network: UNSUPPORTED = {"conv": "why"}, by `kind` of the layer, or
    "accumulate" for micro-batches. A file with DATA_PARALLEL = True takes `workers`, and is timed as several processes.
    No method changes an array that it is given.
    """

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None: ...

    def reset(self, parameters: Parameters) -> None:
        """Start again from these parameters, with a fresh optimizer; compiled code and loaded data are kept."""

    def parameters(self) -> Parameters:
        """Return NumPy copies, after waiting for the device."""

    def predict(self, x: Array) -> Array:
        """(n, n_in) -> output activations a_L, (n, n_out)."""

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        """Mean loss (3) over the batch and its gradients (6)-(7); x: (n, n_in), y: (n,) labels."""

    def load(self, x: Array, y: Labels) -> None:
        """Take over the training set, (n, n_in) and (n,) labels, once: encode it, and copy it to where it is used."""

    def train(self, order: Labels) -> None:
        """Take one optimizer step for each `batch_size` indices of `order`, in order, including a smaller last batch.

        The indices refer to the training set. `order` may be a whole epoch, a part of one, or a single batch.
        """


@runtime_checkable
class Traced(Protocol):
    """What a `Network` may offer in addition: its intermediate results, so that the first difference can be named."""

    def trace(self, x: Array, y: Labels) -> dict[str, Array]:
        """Return z1, ..., zL (1), a1, ..., aL (2) and d1, ..., dL (4)-(5), each (n, size of its layer).

        Images are flattened channel by channel.
        """
