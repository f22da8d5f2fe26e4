"""What the agreement checks must catch, and what they must not: of the catalogue of mistakes, and a few more."""

from collections.abc import Callable
from typing import Any

import numpy as np

from shared.diagnosis.mistakes import Planted, backward, behaviour, factors, update
from shared.diagnosis.selftest import OtherLayout, OtherOrder
from shared.interface import Array, Labels


class GradientTimes1001(Planted):
    def gradients(self, x: Array, y: Array, n: int) -> float:
        loss = super().gradients(x, y, n)
        self.g *= 1.001
        return loss


class MeanOverOutputs(factors.MeanOverOutputs):
    """The loss is averaged over the outputs, too, so that its differences find nothing wrong."""

    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        loss, d = super().loss(z, y, n)
        return loss / y.shape[1], d


class LearningRateOffBy1e4(update.WrongUpdate):
    """In float32 this is too close to rounding to be seen after 100 steps at a small learning rate."""

    def move(self, g: Array) -> Array:
        return np.asarray(self.eta * (1 + 1e-4) * g)


class OppositePredictions(Planted):
    def predict(self, x: Array) -> Array:
        return -super().predict(x)


class OtherBatchOrder(Planted):
    def train(self, order: Labels) -> None:
        super().train(order[::-1])


FAULTS: list[Callable[..., Any]] = [
    GradientTimes1001,
    factors.MissingOneOverN,
    MeanOverOutputs,
    backward.TransposedBack,
    backward.SlopeOfActivationHidden,
    update.BiasesStay,
    OtherBatchOrder,
    update.LastBatchDropped,
    update.LastBatchOverFullSize,
    behaviour.LossTwice,
    OppositePredictions,
]
CONTROLS: list[Callable[..., Any]] = [Planted, OtherOrder, OtherLayout]
WRONG_GRADIENTS = FAULTS[:5]
