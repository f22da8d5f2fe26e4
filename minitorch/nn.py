"""Layers: functions of a tensor with parameters."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from minitorch import functional
from minitorch.tensor import Tensor


class Module:
    """A function of a tensor; its parameters are its own and those of its modules, in order."""

    def __call__(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def parameters(self) -> Iterator[Tensor]:
        """Yield every tensor to be learned."""
        for value in vars(self).values():
            if isinstance(value, Tensor) and value.requires_grad:
                yield value
            for part in value if isinstance(value, tuple) else (value,):
                if isinstance(part, Module):
                    yield from part.parameters()


class Linear(Module):
    """x W^T + b, from (n, n_in) to (n, n_out); without b if there is no bias.

    The initial weights and biases are those of PyTorch: uniform between -1/sqrt(n_in) and 1/sqrt(n_in).
    """

    def __init__(
        self,
        n_in: int,
        n_out: int,
        bias: bool = True,
        dtype: Any = np.float32,
        generator: np.random.Generator | None = None,
    ) -> None:
        bound, draw = n_in**-0.5, (generator or np.random.default_rng()).uniform
        self.weight = Tensor(draw(-bound, bound, (n_out, n_in)).astype(dtype), requires_grad=True)
        self.bias = Tensor(draw(-bound, bound, n_out).astype(dtype), requires_grad=True) if bias else None

    def __call__(self, x: Tensor) -> Tensor:
        z = x @ self.weight.T
        return z if self.bias is None else z + self.bias


class Conv2d(Module):
    """A convolution that keeps the size, from (n, c_in, height, width) to (n, c_out, height, width).

    The initial weights and biases are those of PyTorch: uniform between -1/sqrt(c_in k k) and 1/sqrt(c_in k k).
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel: int,
        bias: bool = True,
        dtype: Any = np.float32,
        generator: np.random.Generator | None = None,
    ) -> None:
        bound, draw = (c_in * kernel**2) ** -0.5, (generator or np.random.default_rng()).uniform
        weight = draw(-bound, bound, (c_out, c_in, kernel, kernel)).astype(dtype)
        self.weight = Tensor(weight, requires_grad=True)
        self.bias = Tensor(draw(-bound, bound, c_out).astype(dtype), requires_grad=True) if bias else None

    def __call__(self, x: Tensor) -> Tensor:
        z = functional.conv2d(x, self.weight)
        return z if self.bias is None else z + self.bias.reshape(-1, 1, 1)


class MaxPool2d(Module):
    """`functional.max_pool2d`."""

    def __call__(self, x: Tensor) -> Tensor:
        return functional.max_pool2d(x)


class Flatten(Module):
    """`functional.flatten`."""

    def __call__(self, x: Tensor) -> Tensor:
        return functional.flatten(x)


class Activation(Module):
    """An elementwise function as a module."""

    def __init__(self, function: Callable[..., Tensor], *arguments: float) -> None:
        self.function, self.arguments = function, arguments

    def __call__(self, x: Tensor) -> Tensor:
        return self.function(x, *self.arguments)


class Sigmoid(Activation):
    """`functional.sigmoid`."""

    def __init__(self) -> None:
        super().__init__(functional.sigmoid)


class Tanh(Activation):
    """`functional.tanh`."""

    def __init__(self) -> None:
        super().__init__(functional.tanh)


class ReLU(Activation):
    """`functional.relu`."""

    def __init__(self) -> None:
        super().__init__(functional.relu)


class LeakyReLU(Activation):
    """`functional.leaky_relu`."""

    def __init__(self, slope: float = 0.01) -> None:
        super().__init__(functional.leaky_relu, slope)


class Softmax(Activation):
    """`functional.softmax`."""

    def __init__(self) -> None:
        super().__init__(functional.softmax)


class Identity(Module):
    """The identity function."""

    def __call__(self, x: Tensor) -> Tensor:
        return x


class Sequential(Module):
    """Modules applied one after another."""

    def __init__(self, *modules: Module) -> None:
        self.modules = modules

    def __call__(self, x: Tensor) -> Tensor:
        for module in self.modules:
            x = module(x)
        return x
