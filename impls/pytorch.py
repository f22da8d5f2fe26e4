"""The network in PyTorch: nn.Module, autograd and torch.optim."""

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from shared import layers
from shared.interface import Array, Labels, Parameters
from shared.spec import BETA_1, BETA_2, EPSILON, LEAKY_SLOPE, MOMENTUM, NetworkSpec, TrainingSpec, shares


class Network:
    """Equations (4)-(7) are computed by autograd, (8) by torch.optim; the contract is `shared.interface.Network`."""

    # ---- Parameters ------------------------------------------------------------------------------------

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        self.spec, self.training = spec, training
        self.dtype = torch.from_numpy(next(iter(parameters.values()))).dtype
        modules: list[nn.Module] = [] if isinstance(spec.layers[0], layers.Dense) else [Images(spec.input_shape)]
        for layer, shape in zip(spec.layers, spec.shapes, strict=False):
            modules += KINDS[type(layer)](layer, shape, self.dtype)
            modules += [ACTIVATIONS[layer.activation]()] if layers.has_weights(layer) else []
        *modules, self.f = modules
        self.model = nn.Sequential(*modules)  # up to z_L: f_L belongs to `output`
        self.reset(parameters)

    def reset(self, parameters: Parameters) -> None:
        with torch.no_grad():
            for tensor, given in zip(self.model.parameters(), parameters.values(), strict=True):
                tensor.copy_(torch.from_numpy(given))
        optimizer = OPTIMIZERS[self.training.optimizer]
        self.optimizer = optimizer(self.model.parameters(), lr=self.training.learning_rate)

    def parameters(self) -> Parameters:
        return self.to_parameters(self.model.parameters())

    # ---- Forward (1)-(2) -------------------------------------------------------------------------------

    def forward(self, x: Tensor) -> Tensor:
        """(n, n_in) -> z_L, (n, n_out)."""
        z: Tensor = self.model(x)  # (1)-(2)
        return z

    def output(self, z: Tensor) -> Tensor:
        """z_L -> a_L, (n, n_out)."""
        a: Tensor = self.f(z)  # (2)
        return a

    def predict(self, x: Array) -> Array:
        with torch.no_grad():
            return self.output(self.forward(torch.from_numpy(x))).numpy()

    # ---- Loss and gradients (3)-(7) --------------------------------------------------------------------

    def loss(self, z: Tensor, y: Tensor, n: int) -> Tensor:
        """z_L and one-hot y of a share, n examples in the whole batch -> the share's part of C (3)."""
        if self.spec.loss == "cross_entropy":
            return nn.functional.cross_entropy(z, y, reduction="sum") / n  # (3), softmax included
        if self.spec.loss == "binary_cross_entropy":
            # reduction="mean" would also divide by n_out; sigmoid included
            return nn.functional.binary_cross_entropy_with_logits(z, y, reduction="sum") / n  # (3)
        # The mean of mse_loss would also divide by n_out.
        return nn.functional.mse_loss(self.output(z), y, reduction="sum") / (2 * n)  # (3)

    def gradients(self, x: Tensor, y: Tensor, n: int) -> Tensor:
        """x and one-hot y of a share, n -> its part of C; its parts of dC/dW_l, dC/db_l go to the `grad` of each."""
        self.optimizer.zero_grad()
        if self.training.accumulate == 1:
            return self.micro_batch(x, y, n)
        return torch.stack([self.micro_batch(x[i], y[i], n) for i in shares(len(y), self.training.accumulate)]).sum()

    def micro_batch(self, x: Tensor, y: Tensor, n: int) -> Tensor:
        """As `gradients`, in one piece, and added to what is in `grad`."""
        loss = self.loss(self.forward(x), y, n)
        loss.backward()  # (4)-(7)
        return loss

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        loss = self.gradients(torch.from_numpy(x), self.one_hot(y), len(y))
        return loss.item(), self.to_parameters(tensor.grad for tensor in self.model.parameters())

    # ---- Update (8) ------------------------------------------------------------------------------------

    def step(self, x: Tensor, y: Tensor, i: Tensor) -> None:
        """One optimizer step on the examples i."""
        self.gradients(x[i], y[i], len(i))
        self.optimizer.step()  # (8)

    def train(self, order: Labels) -> None:
        for i in torch.from_numpy(order).split(self.training.batch_size):
            self.step(self.x, self.y, i)

    # ---- Conversion ------------------------------------------------------------------------------------

    def load(self, x: Array, y: Labels) -> None:
        self.x, self.y = torch.from_numpy(x), self.one_hot(y)

    def one_hot(self, y: Labels) -> Tensor:
        """(n,) labels -> (n, n_out), in the dtype of the parameters."""
        return nn.functional.one_hot(torch.from_numpy(y), self.spec.n_out).to(self.dtype)

    def to_parameters(self, theta: Iterable[Tensor | None]) -> Parameters:
        """W_1, b_1, W_2, ... -> NumPy copies by name; torch's layers store W in the shapes of the contract."""
        arrays = [tensor.detach().numpy().copy() for tensor in theta if tensor is not None]
        return dict(zip(self.spec.parameter_shapes, arrays, strict=True))


class Images(nn.Module):
    """(n, n_in) -> (n, channels, height, width)."""

    def __init__(self, input_shape: layers.Shape) -> None:
        super().__init__()
        self.axes = layers.image_axes(input_shape)

    def forward(self, x: Tensor) -> Tensor:
        return x.reshape(len(x), *self.axes).permute(0, 3, 1, 2).contiguous()


def dense(layer: layers.Dense, shape: layers.Shape, dtype: torch.dtype) -> list[nn.Module]:
    linear = nn.Linear(math.prod(shape), layer.n_out, bias=layer.bias, dtype=dtype)
    return [nn.Flatten(), linear] if len(shape) == 3 else [linear]


def conv(layer: layers.Conv, shape: layers.Shape, dtype: torch.dtype) -> list[nn.Module]:
    how: dict[str, Any] = {"padding": layer.padding, "bias": layer.bias, "dtype": dtype}
    return [nn.Conv2d(shape[0], layer.channels, layer.kernel, **how)]


def max_pool(layer: layers.MaxPool, shape: layers.Shape, dtype: torch.dtype) -> list[nn.Module]:
    return [nn.MaxPool2d(layers.WINDOW)]


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
    "softmax": lambda: nn.Softmax(dim=1),
}

OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=MOMENTUM),
    "adam": partial(torch.optim.Adam, betas=(BETA_1, BETA_2), eps=EPSILON),
}


def set_threads(n: int) -> dict[str, int]:
    """Ask torch for n threads; return what it reports. Call it before any computation."""
    torch.set_num_threads(n)
    torch.set_num_interop_threads(n)
    return {"torch": torch.get_num_threads(), "torch interop": torch.get_num_interop_threads()}
