"""Mistakes that people make in backprop, planted in the reference one at a time: each check must catch them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from impls import numpy_scratch
from shared.interface import Array, Labels


class Correct(numpy_scratch.Network):
    """No mistake: the control."""


class GradientTimes1001(Correct):
    def gradients(self, x: Array, y: Array) -> float:
        loss = super().gradients(x, y)
        self.g *= 1.001
        return loss


class MissingOneOverN(Correct):
    def loss(self, z: Array, y: Array) -> tuple[float, Array]:
        loss, d = super().loss(z, y)
        return loss, d * len(y)


class MeanOverOutputs(Correct):
    def loss(self, z: Array, y: Array) -> tuple[float, Array]:
        loss, d = super().loss(z, y)
        return loss / y.shape[1], d / y.shape[1]


class Backward(Correct):
    """Equations (5)-(7) once more, with places for mistakes; `weight` and `derivative` are right here."""

    def weight(self, W: Array) -> Array:
        return W

    def derivative(self, z: Array, a: Array) -> Array:
        return self.df(z, a)

    def gradients(self, x: Array, y: Array) -> float:
        z, a = self.forward(x)
        loss, d = self.loss(z[-1], y)
        for l in reversed(range(len(a))):
            dW, db = self.gradient_layers[l]
            dW[:], db[:] = d.T @ a[l], d.sum(axis=0)
            if l > 0:
                d = (d @ self.weight(self.layers[l].W)) * self.derivative(z[l - 1], a[l])
        return loss


class TransposedSquareWeight(Backward):
    def weight(self, W: Array) -> Array:
        return W.T if W.shape[0] == W.shape[1] else W


class DerivativeOfActivation(Backward):
    """f'(a) for f'(z)."""

    def derivative(self, z: Array, a: Array) -> Array:
        return self.df(a, self.f(a))


class BiasNeverUpdated(Correct):
    def step(self, x: Array, y: Array, i: Labels) -> None:
        before = [b.copy() for _, b in self.layers]
        super().step(x, y, i)
        for (_, b), b_0 in zip(self.layers, before, strict=True):
            b[:] = b_0


class OtherBatchOrder(Correct):
    def train(self, x: Array, y: Labels, order: Labels) -> None:
        super().train(x, y, order[::-1])


class DroppedLastBatch(Correct):
    def train(self, x: Array, y: Labels, order: Labels) -> None:
        super().train(x, y, order[: len(order) // self.training.batch_size * self.training.batch_size])


class LastBatchDividedByBatchSize(Correct):
    def loss(self, z: Array, y: Array) -> tuple[float, Array]:
        loss, d = super().loss(z, y)
        return loss, d * (len(y) / self.training.batch_size)


class LearningRateOffBy1e4(Correct):
    """In float32 this is too close to rounding to be told after 100 steps at a small learning rate."""

    def step(self, x: Array, y: Array, i: Labels) -> None:
        self.gradients(x[i], y[i])
        self.theta -= self.training.learning_rate * (1 + 1e-4) * self.g


class LossTwice(Correct):
    def loss(self, z: Array, y: Array) -> tuple[float, Array]:
        loss, d = super().loss(z, y)
        return 2 * loss, d


class OppositePredictions(Correct):
    def predict(self, x: Array) -> Array:
        return -super().predict(x)


class OtherSummationOrder(Correct):
    """Right: the same sums with the examples of a batch in reverse."""

    def gradients(self, x: Array, y: Array) -> float:
        return super().gradients(x[::-1], y[::-1])


class TransposedLayout(Correct):
    """Right: the same products on arrays in Fortran's order."""

    def forward(self, x: Array) -> tuple[list[Array], list[Array]]:
        return super().forward(np.asfortranarray(x))


FAULTS: list[Callable[..., Any]] = [
    GradientTimes1001,
    MissingOneOverN,
    MeanOverOutputs,
    TransposedSquareWeight,
    DerivativeOfActivation,
    BiasNeverUpdated,
    OtherBatchOrder,
    DroppedLastBatch,
    LastBatchDividedByBatchSize,
    LossTwice,
    OppositePredictions,
]
CONTROLS: list[Callable[..., Any]] = [Correct, Backward, OtherSummationOrder, TransposedLayout]
WRONG_GRADIENTS = FAULTS[:5]
