"""The network in the small autograd `minitorch/`, used in the same way as `pytorch` uses torch."""

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from minitorch import Tensor, nn, no_grad, optim
from minitorch.functional import binary_cross_entropy, cross_entropy
from shared import layers
from shared.interface import Array, Labels, Parameters
from shared.spec import BETA_1, BETA_2, EPSILON, LEAKY_SLOPE, MOMENTUM, NetworkSpec, TrainingSpec, shares

ON_REQUEST = True  # for reading; numpy_scratch is the NumPy implementation: run by name or with -i all


class Network:
    """Equations (4)-(7) are in minitorch's `backward`, (8) in its optim; the contract is `shared.interface.Network`."""

    # ---- Parameters ------------------------------------------------------------------------------------

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        self.spec, self.training = spec, training
        self.dtype = next(iter(parameters.values())).dtype
        modules: list[nn.Module] = [] if isinstance(spec.layers[0], layers.Dense) else [Images(spec.input_shape)]
        for layer, shape in zip(spec.layers, spec.shapes, strict=False):
            modules += KINDS[type(layer)](layer, shape, self.dtype)
            modules += [ACTIVATIONS[layer.activation]()] if layers.has_weights(layer) else []
        *modules, self.f = modules
        self.model = nn.Sequential(*modules)  # up to z_L: f_L belongs to `output`
        self.reset(parameters)

    def reset(self, parameters: Parameters) -> None:
        for tensor, given in zip(self.model.parameters(), parameters.values(), strict=True):
            tensor.data[:] = given
        optimizer = OPTIMIZERS[self.training.optimizer]
        self.optimizer = optimizer(self.model.parameters(), lr=self.training.learning_rate)

    def parameters(self) -> Parameters:
        return self.to_parameters(tensor.data for tensor in self.model.parameters())

    # ---- Forward (1)-(2) -------------------------------------------------------------------------------

    def forward(self, x: Tensor) -> Tensor:
        """(n, n_in) -> z_L, (n, n_out)."""
        return self.model(x)  # (1)-(2)

    def output(self, z: Tensor) -> Tensor:
        """z_L -> a_L, (n, n_out)."""
        return self.f(z)  # (2)

    def predict(self, x: Array) -> Array:
        with no_grad():
            return self.output(self.forward(Tensor(x))).data

    # ---- Loss and gradients (3)-(7) --------------------------------------------------------------------

    def loss(self, z: Tensor, y: Tensor, n: int) -> Tensor:
        """z_L and one-hot y of a share, n examples in the whole batch -> the share's part of C (3)."""
        if self.spec.loss == "cross_entropy":
            return cross_entropy(z, y, reduction="sum") / n  # (3), softmax included
        if self.spec.loss == "binary_cross_entropy":
            return binary_cross_entropy(z, y, reduction="sum") / n  # (3), sigmoid included
        return ((self.output(z) - y) ** 2).sum() / (2 * n)  # (3)

    def gradients(self, x: Tensor, y: Tensor, n: int) -> float:
        """x and one-hot y of a share, n -> its part of C; its parts of dC/dW_l, dC/db_l go to the `grad` of each."""
        self.optimizer.zero_grad()
        if self.training.accumulate == 1:
            return self.micro_batch(x, y, n)
        return sum(self.micro_batch(x[i], y[i], n) for i in shares(len(y), min(self.training.accumulate, len(y))))

    def micro_batch(self, x: Tensor, y: Tensor, n: int) -> float:
        """As `gradients`, in one piece, and added to what is in `grad`."""
        loss = self.loss(self.forward(x), y, n)
        loss.backward()  # (4)-(7)
        return loss.item()

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        loss = self.gradients(Tensor(x), self.one_hot(y), len(y))
        return loss, self.to_parameters(tensor.grad for tensor in self.model.parameters())

    # ---- Update (8) ------------------------------------------------------------------------------------

    def step(self, x: Tensor, y: Tensor, i: Labels) -> None:
        """One optimizer step on the examples i."""
        self.gradients(x[i], y[i], len(i))
        self.optimizer.step()  # (8)

    def train(self, order: Labels) -> None:
        for start in range(0, len(order), self.training.batch_size):
            self.step(self.x, self.y, order[start : start + self.training.batch_size])

    # ---- Conversion ------------------------------------------------------------------------------------

    def load(self, x: Array, y: Labels) -> None:
        self.x, self.y = Tensor(x), self.one_hot(y)

    def one_hot(self, y: Labels) -> Tensor:
        """(n,) labels -> (n, n_out), in the dtype of the parameters."""
        return Tensor(np.eye(self.spec.n_out, dtype=self.dtype)[y])

    def to_parameters(self, theta: Iterable[Array | None]) -> Parameters:
        """W_1, b_1, W_2, ... -> copies by name; minitorch's layers store W in the shapes of the contract."""
        arrays = [array.copy() for array in theta if array is not None]
        return dict(zip(self.spec.parameter_shapes, arrays, strict=True))


class Images(nn.Module):
    """(n, n_in) -> (n, channels, height, width)."""

    def __init__(self, input_shape: layers.Shape) -> None:
        self.axes = layers.image_axes(input_shape)

    def __call__(self, x: Tensor) -> Tensor:
        return Tensor(x.data.reshape(-1, *self.axes).transpose(0, 3, 1, 2))  # x needs no gradient


def dense(layer: layers.Dense, shape: layers.Shape, dtype: np.dtype[Any]) -> list[nn.Module]:
    linear = nn.Linear(math.prod(shape), layer.n_out, bias=layer.bias, dtype=dtype)
    return [nn.Flatten(), linear] if len(shape) == 3 else [linear]


def conv(layer: layers.Conv, shape: layers.Shape, dtype: np.dtype[Any]) -> list[nn.Module]:
    return [nn.Conv2d(shape[0], layer.channels, layer.kernel, bias=layer.bias, dtype=dtype)]


def max_pool(layer: layers.MaxPool, shape: layers.Shape, dtype: np.dtype[Any]) -> list[nn.Module]:
    return [nn.MaxPool2d()]


KINDS: dict[type, Callable[..., list[nn.Module]]] = {
    layers.Dense: dense,
    layers.Conv: conv,
    layers.MaxPool: max_pool,
}

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky_relu": lambda: nn.LeakyReLU(LEAKY_SLOPE),
    "identity": nn.Identity,
    "softmax": nn.Softmax,
}

OPTIMIZERS: dict[str, Callable[..., optim.Optimizer]] = {
    "sgd": optim.SGD,
    "momentum": partial(optim.SGD, momentum=MOMENTUM),
    "adam": partial(optim.Adam, betas=(BETA_1, BETA_2), eps=EPSILON),
}


def set_threads(n: int) -> dict[str, int]:
    """Ask the BLAS of NumPy for n threads; return what each library reports."""
    threadpool_limits(n)
    return {pool["internal_api"]: pool["num_threads"] for pool in threadpool_info()}
