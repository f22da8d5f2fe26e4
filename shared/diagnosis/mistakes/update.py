"""Correct gradients, wrong step: equation (8)."""

import numpy as np

from shared.diagnosis.answers import PARAMETERS
from shared.diagnosis.mistakes.catalogue import Planted, has_bias, plant
from shared.interface import Array, Labels
from shared.spec import NetworkSpec


class WrongUpdate(Planted):
    """The gradients are correct, the step is not."""

    def move(self, g: Array) -> Array:
        """Return what is subtracted from theta."""
        return np.asarray(self.eta * g)

    def step(self, x: Array, y: Array, i: Labels) -> None:
        self.gradients(x[i], y[i], len(i))
        self.theta -= self.move(self.g)


@plant(
    "learning rate applied twice", PARAMETERS, "(8)", "the step contains the square of the learning rate",
    "theta <- theta - eta g: multiply by eta once",
    r"(eta|lr|rate|alpha)\b.*\*.*\b(self\.|training\.)?(learning_)?(eta|lr|rate|alpha)\b|(eta|lr|rate|alpha) ?\*\* ?2",
)  # fmt: skip
class RateTwice(WrongUpdate):
    def move(self, g: Array) -> Array:
        return np.asarray(self.eta * self.eta * g)


@plant(
    "learning rate missing", PARAMETERS, "(8)", "the step is the gradient itself", "theta <- theta - eta g",
    r"^(?!.*(eta|lr|rate|alpha)).*(-= ?\w*(d[Wb]|grad)|= ?\w+ ?- ?(d[Wb]|grad))",
)  # fmt: skip
class NoRate(WrongUpdate):
    def move(self, g: Array) -> Array:
        return g


@plant(
    "update with the wrong sign", PARAMETERS, "(8)", "the step adds the gradient instead of subtracting it",
    "theta <- theta - eta g",
    r"\+= ?.*(eta|lr|rate|alpha)\b|\+ ?(self\.)?(learning_)?(eta|lr|rate|alpha)\b",
)  # fmt: skip
class UphillUpdate(WrongUpdate):
    def move(self, g: Array) -> Array:
        return np.asarray(-self.eta * g)


@plant(
    "update divided by the batch size", PARAMETERS, "(8)",
    "the step is divided by the batch size, but the 1/n is already in g",
    "theta <- theta - eta g",
    r"(eta|lr|rate|alpha) ?/ ?\(?(n\b|m\b|len|batch|self)",
)  # fmt: skip
class UpdateOverN(WrongUpdate):
    def step(self, x: Array, y: Array, i: Labels) -> None:
        self.gradients(x[i], y[i], len(i))
        self.theta -= self.eta * self.g / len(i)


@plant(
    "biases not updated", PARAMETERS, "(8)", "training does not change the biases",
    "theta contains all weights and all biases",
    r"^\s*(b\w*) ?= ?\1 ?- ",
)  # fmt: skip
class BiasesStay(WrongUpdate):
    moves = "W"

    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return has_bias(spec)

    def step(self, x: Array, y: Array, i: Labels) -> None:
        self.gradients(x[i], y[i], len(i))
        gradients = self.to_parameters(self.g)
        for name, tensor in self.to_parameters(self.theta).items():
            tensor -= self.eta * gradients[name] * (name[0] == self.moves)


@plant(
    "weights not updated", PARAMETERS, "(8)", "training does not change the weights",
    "theta contains all weights and all biases",
    r"^\s*([Ww]\w*) ?= ?\1 ?- ",
)  # fmt: skip
class WeightsStay(BiasesStay):
    moves = "b"


@plant(
    "parameters not updated", PARAMETERS, "(8)", "training does not change any parameter",
    "theta <- theta - eta g, in the arrays that the forward pass uses",
    r"^\s*(\w+) ?= ?\1 ?- ",
)  # fmt: skip
class NothingMoves(WrongUpdate):
    def move(self, g: Array) -> Array:
        return 0 * g


@plant(
    "update before all gradients are computed", PARAMETERS, "(5)",
    "W_{l+1} is updated before delta is propagated back through it",
    "compute all gradients first, then update", r"-= ?|= ?\w+ - ",
)  # fmt: skip
class UpdateTooEarly(WrongUpdate):
    dense_only = True

    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return len(spec.layers) > 1

    def step(self, x: Array, y: Array, i: Labels) -> None:
        self.z, self.a = z, a = self.forward(x[i])
        _, d = self.loss(z[-1], y[i], len(i))
        for l in reversed(range(len(a))):
            W, b = self.layers[l]
            W -= self.eta * d.T @ a[l]
            if self.spec.layers[l].bias:
                b -= self.eta * d.sum(axis=0)
            if l > 0:
                d = self.back(d, l) * self.slope(z[l - 1], a[l], l)


@plant(
    "last batch dropped", PARAMETERS, "(8)", "the examples of the smaller last batch are skipped",
    "take a step on the smaller last batch too",
    r"// ?(self\.|training\.)*(batch|size|n\b)|range\(.* - (self\.|training\.)*(batch|size)",
)  # fmt: skip
class LastBatchDropped(Planted):
    def train(self, order: Labels) -> None:
        size = self.training.batch_size
        super().train(order[: len(order) // size * size])


@plant(
    "last batch divided by the full size", PARAMETERS, "(4)",
    "the smaller last batch is divided by the full batch size",
    "divide by the number of examples in the batch",
    r"/ ?(self\.|training\.)*(batch_)?size\b",
)  # fmt: skip
class LastBatchOverFullSize(WrongUpdate):
    def step(self, x: Array, y: Array, i: Labels) -> None:
        self.gradients(x[i], y[i], len(i))
        self.theta -= self.eta * self.g * len(i) / self.training.batch_size


@plant(
    "order ignored", PARAMETERS, "(8)", "the examples are used in their stored order, not in the given order",
    "batch k is x[order[k n : (k + 1) n]]",
    r"\bx\[\w+ ?: ?\w+|arange\(\w*start",
)  # fmt: skip
class OrderIgnored(Planted):
    def train(self, order: Labels) -> None:
        super().train(np.sort(order))


@plant(
    "batches in reverse order", PARAMETERS, "(8)", "the batches are taken from the end of the order",
    "take the batches from the start of the order",
    r"order\[::-1\]|reversed\(range\(0",
)  # fmt: skip
class BatchesBackwards(Planted):
    def train(self, order: Labels) -> None:
        size = self.training.batch_size
        for start in reversed(range(0, len(order), size)):
            super().train(order[start : start + size])


@plant(
    "only the first batch is used", PARAMETERS, "(8)", "training stops after the first batch",
    "take a step for each batch of the order",
    r"^\s*break\b",
)  # fmt: skip
class FirstBatchOnly(Planted):
    def train(self, order: Labels) -> None:
        super().train(order[: self.training.batch_size])


@plant(
    "one step for all batches", PARAMETERS, "(8)", "the whole order is used as one batch",
    "take a step for each `batch_size` indices",
    r"\[order\]",
)  # fmt: skip
class OneStep(Planted):
    def train(self, order: Labels) -> None:
        self.step(self.x, self.y, order)


@plant(
    "momentum in plain SGD", PARAMETERS, "(8)", "a step also contains the previous steps",
    "sgd: theta <- theta - eta g, without a velocity",
    r"momentum|velocity|0\.9\b",
)  # fmt: skip
class Momentum(WrongUpdate):
    velocity: Array | float = 0.0

    def move(self, g: Array) -> Array:
        self.velocity = 0.9 * self.velocity + g
        return np.asarray(self.eta * self.velocity)
