"""Gradients that are wrong by a factor."""

from shared.diagnosis.answers import GRADIENTS
from shared.diagnosis.mistakes.catalogue import Planted, plant
from shared.interface import Array


class Scaled(Planted):
    """All gradients are wrong by a factor; the loss may be correct. Two such mistakes multiply their factors."""

    def factor(self, y: Array) -> float:
        """Return the factor for a batch of one-hot labels."""
        return 1.0

    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        loss, d = super().loss(z, y, n)
        return loss, d * self.factor(y)


@plant(
    "missing 1/n", GRADIENTS, "(4)", "the gradients are those of the sum over the batch, not of the mean",
    "divide d_L by the number of examples, once",
    r"^(?!.*/).*= ?\(?\w+(\[-1\])? ?- ?(y|t|target\w*|one_hot\w*|encode\w*)\b",
)  # fmt: skip
class MissingOneOverN(Scaled):
    def factor(self, y: Array) -> float:
        return len(y) * super().factor(y)


@plant(
    "1/n twice", GRADIENTS, "(4)", "the gradients are divided by the number of examples twice",
    "divide only once: in d_L, or in dW and db, or by a mean", r"/ ?(n\b|len)|mean",
)  # fmt: skip
class OneOverNTwice(Scaled):
    def factor(self, y: Array) -> float:
        return super().factor(y) / len(y)


@plant(
    "mean over the outputs", GRADIENTS, "(3)", "the loss is averaged over the outputs as well as over the examples",
    "divide by the number of examples, not by the number of elements",
    r"/ ?\(?.*\.size\b|\.mean\(\)|MSELoss\(|mse_loss\(",
)  # fmt: skip
class MeanOverOutputs(Scaled):
    def factor(self, y: Array) -> float:
        return float(super().factor(y) / y.shape[1])


@plant(
    "factor 2", GRADIENTS, "(3)", "the gradients are twice as large as they should be: the 1/2 of the loss is missing",
    "the loss is 1/2 |a_L - y|^2, so its derivative has no factor 2",
    r"^(?!.*exp)(.*[^*\w.])?(2(\.0?)? ?\*(?!\*)|(?<!\*)\* ?2\b)",
)  # fmt: skip
class FactorTwo(Scaled):
    def factor(self, y: Array) -> float:
        return 2 * super().factor(y)


@plant(
    "factor 1/2", GRADIENTS, "(3)", "the gradients are half of what they should be",
    "the factor 1/2 of the loss cancels in its derivative",
    r"^(?!.*(\*\* ?2|square|norm|vdot|loss|cost)).*(0\.5 ?\*|\* ?0\.5|/ ?2\b|/ ?\(2)",
)  # fmt: skip
class FactorHalf(Scaled):
    def factor(self, y: Array) -> float:
        return super().factor(y) / 2


@plant(
    "wrong sign", GRADIENTS, "(4)", "the gradients have the opposite sign", "d_L starts with a_L - y, not y - a_L",
    r"(\by|\bt|target\w*|encode\(.*\)|one_hot\(.*\)) ?- ?(self\.)?(a|out|pred|y_?hat)",
)  # fmt: skip
class WrongSign(Scaled):
    def factor(self, y: Array) -> float:
        return -super().factor(y)


@plant(
    "mean squared error of a framework", GRADIENTS, "(3)",
    "the loss is the mean of the squares over all outputs: also divided by n_out, and without the 1/2",
    "sum over the outputs and divide by 2 n: mse_loss(a, y, reduction='sum') / (2 * n)",
    r"mse|MSE|MeanSquared|\.mean\(",
)  # fmt: skip
class FrameworksMeanSquaredError(Scaled):
    def factor(self, y: Array) -> float:
        return float(2 * super().factor(y) / y.shape[1])


@plant(
    "learning rate inside the gradient", GRADIENTS, "(8)", "the gradients are multiplied by the learning rate",
    "return the gradients themselves: eta belongs to the step, theta <- theta - eta g",
    r"\b(eta|lr|learning_rate|alpha)\b ?\*|(self|training)\.(eta|lr|rate|learning_rate|alpha) ?\*|"
    r"\* ?(self\.|training\.)?(eta|lr|rate|learning_rate|alpha)\b",
)  # fmt: skip
class RateInside(Scaled):
    def factor(self, y: Array) -> float:
        return float(self.eta * super().factor(y))
