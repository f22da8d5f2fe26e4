"""Optimizers: update parameters with the gradients that `backward` has stored in them."""

from collections.abc import Iterable

import numpy as np

from minitorch.tensor import Tensor


class Optimizer:
    """Updates parameters using their `grad`; lr is eta."""

    def __init__(self, parameters: Iterable[Tensor], lr: float) -> None:
        self.theta, self.lr = list(parameters), lr

    def zero_grad(self) -> None:
        """Discard the gradients, since `backward` adds to them."""
        for theta in self.theta:
            theta.grad = None

    def step(self) -> None:
        """Take one step."""
        raise NotImplementedError


class SGD(Optimizer):
    """v <- momentum v + g, theta <- theta - lr v; without momentum, theta <- theta - lr g."""

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float = 0.0) -> None:
        super().__init__(parameters, lr)
        self.momentum = momentum
        self.v = [np.zeros_like(theta.data) for theta in self.theta] if momentum else []

    def step(self) -> None:
        for l, theta in enumerate(self.theta):
            if theta.grad is None:
                continue
            g = theta.grad
            if self.momentum:
                self.v[l] = g = self.momentum * self.v[l] + g
            theta.data -= self.lr * g


class Adam(Optimizer):
    """Kingma and Ba, Algorithm 1."""

    def __init__(
        self, parameters: Iterable[Tensor], lr: float, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8
    ) -> None:
        super().__init__(parameters, lr)
        self.betas, self.eps, self.t = betas, eps, 0
        self.m, self.v = ([np.zeros_like(theta.data) for theta in self.theta] for _ in range(2))

    def step(self) -> None:
        self.t += 1
        beta_1, beta_2 = self.betas
        for theta, m, v in zip(self.theta, self.m, self.v, strict=True):
            if theta.grad is None:
                continue
            g = theta.grad
            m += (1 - beta_1) * (g - m)
            v += (1 - beta_2) * (g * g - v)
            m_hat, v_hat = m / (1 - beta_1**self.t), v / (1 - beta_2**self.t)
            theta.data -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)
