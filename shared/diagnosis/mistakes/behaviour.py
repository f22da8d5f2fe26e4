"""Mistakes detected by a rule, not by numbers: state between calls, side effects, overflow, precision."""

from typing import Any, Final

import numpy as np

from shared.diagnosis.mistakes.catalogue import BEHAVIOUR, Planted, output, plant
from shared.interface import Array, Labels, Parameters
from shared.layers import SOFTMAX
from shared.spec import NetworkSpec

ACCUMULATED: Final = "gradients accumulated"
MODIFIED: Final = "inputs modified in place"
RANDOM: Final = "results are random"
SOFTMAX_OVERFLOWS: Final = "softmax overflows"
ACTIVATION_OVERFLOWS: Final = "activation overflows"
LOG_OF_ZERO: Final = "log of zero"
FLOAT16: Final = "float16 precision"
NOT_RESET: Final = "reset is incomplete"
WEIGHT_DECAY: Final = "weight decay"
LOSS_WRONG: Final = "wrong loss"


@plant(
    ACCUMULATED, BEHAVIOUR, "(6)", "the gradients are added to those of the previous call",
    "start each batch from zero: optimizer.zero_grad() in PyTorch, or = instead of +=", r"\+=|backward\(",
)  # fmt: skip
class Accumulates(Planted):
    def gradients(self, x: Array, y: Array, n: int) -> float:
        before = self.g.copy() if hasattr(self, "has_gradients") else 0.0
        loss = super().gradients(x, y, n)
        self.g += before
        self.has_gradients = True
        return loss


@plant(
    MODIFIED, BEHAVIOUR, "", "an array that was passed in is changed",
    "work on a copy, or write x = x / 2 instead of x /= 2",
    r"[-+*/]=|\bout=|\[:\] ?=|\.sort\(|shuffle",
)  # fmt: skip
class ModifiesInputs(Planted):
    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        found = super().loss_and_gradients(x, y)
        x *= 0.5
        return found


@plant("inputs modified in place", BEHAVIOUR)
class ModifiesLabels(Planted):
    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        found = super().loss_and_gradients(x, y)
        y += 1
        return found


@plant(
    RANDOM, BEHAVIOUR, "", "repeating a call gives different numbers",
    "remove dropout, noise and shuffling; initial parameters and batches are given",
    r"rand|shuffle|dropout|noise",
)  # fmt: skip
class RandomInside(Planted):
    def gradients(self, x: Array, y: Array, n: int) -> float:
        loss = super().gradients(x, y, n)
        self.g *= 1 + 1e-3 * np.random.default_rng().standard_normal(self.g.size)
        return loss


@plant(
    SOFTMAX_OVERFLOWS, BEHAVIOUR, "(2)", "exp overflows for large z_L, and softmax becomes inf / inf = nan",
    "subtract the maximum of each row before exp; the softmax stays the same", r"exp\(",
)  # fmt: skip
class SoftmaxUnstable(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return output(spec) == SOFTMAX

    def output(self, z: Array) -> Array:
        with np.errstate(all="ignore"):
            e = np.exp(z)
            return np.asarray(e / e.sum(axis=1, keepdims=True))


@plant(
    ACTIVATION_OVERFLOWS, BEHAVIOUR, "(2)", "exp overflows for large z, and the activation becomes inf / inf = nan",
    "use 1 / (1 + exp(-z)), which stays finite, instead of exp(z) / (1 + exp(z)); use np.tanh", r"exp\(",
)  # fmt: skip
class ActivationUnstable(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return any(layer.activation in UNSTABLE for layer in spec.layers)

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        layers = zip(self.spec.layers, self.f, strict=True)
        self.f = tuple(UNSTABLE.get(layer.activation, right) for layer, right in layers)


def _sigmoid(z: Array) -> Array:
    with np.errstate(all="ignore"):
        e = np.exp(z)
        return np.asarray(e / (1 + e))


def _tanh(z: Array) -> Array:
    with np.errstate(all="ignore"):
        e = np.exp(z)
        return np.asarray((e - 1 / e) / (e + 1 / e))


UNSTABLE: Final = {"sigmoid": _sigmoid, "tanh": _tanh}


@plant(
    LOG_OF_ZERO, BEHAVIOUR, "(3)", "the loss takes the logarithm of an output that is 0, or divides by it",
    "compute log a_L from z_L: z - log sum exp(z), after subtracting each row's maximum; for sigmoid -log(1 + exp(-z))",
    r"log\(|/ ?a",
)  # fmt: skip
class LogOfZero(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return spec.loss != "quadratic"

    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        loss, d = super().loss(z, y, n)
        a = self.output(z)
        with np.errstate(all="ignore"):
            others = (1 - y) * np.log(1 - a) if self.spec.loss == "binary_cross_entropy" else 0
            loss = float(-(y * np.log(a) + others).sum() / n)
        return loss, d


@plant(
    FLOAT16, BEHAVIOUR, "", "the errors are those of float16 arithmetic, which has three digits",
    "compute in the dtype of the parameters", r"float16|half|bfloat16|autocast",
)  # fmt: skip
class Float16(Planted):
    def gradients(self, x: Array, y: Array, n: int) -> float:
        def cast(tensor: Array) -> Array:
            return tensor.astype(np.float16).astype(self.theta.dtype)

        before = self.theta.copy()
        self.theta[:] = cast(self.theta)
        loss = super().gradients(cast(x), y, n)
        self.g[:] = cast(self.g)
        self.theta[:] = before
        return loss


@plant("float16 precision", BEHAVIOUR)
class Float16ForFloat32(Float16):
    def gradients(self, x: Array, y: Array, n: int) -> float:
        if self.theta.dtype == np.float32:
            return super().gradients(x, y, n)
        return Planted.gradients(self, x, y, n)


@plant(
    NOT_RESET, BEHAVIOUR, "", "after reset(parameters) the network still depends on earlier training",
    "copy the given parameters and create a new optimizer",
    r"def reset\(",
)  # fmt: skip
class ResetDoesNothing(Planted):
    def __init__(self, *given: Any) -> None:
        self.built = False
        super().__init__(*given)
        self.built = True

    def reset(self, parameters: Parameters) -> None:
        if not self.built:
            super().reset(parameters)


@plant(
    WEIGHT_DECAY, BEHAVIOUR, "(6)", "the gradients contain a multiple of the weights",
    "remove the regularisation; it is not part of equation (3)", r"decay|lambda|lmbda|l2|reg",
)  # fmt: skip
class WeightDecay(Planted):
    decay = 0.01

    def gradients(self, x: Array, y: Array, n: int) -> float:
        loss = super().gradients(x, y, n)
        for (W, _), (dW, _) in zip(self.layers, self.gradient_layers, strict=True):
            dW += self.decay * W
        return loss


@plant("weight decay", BEHAVIOUR)
class WeightDecayOverN(WeightDecay):
    def gradients(self, x: Array, y: Array, n: int) -> float:
        self.decay = 1 / n
        return super().gradients(x, y, n)


@plant(
    LOSS_WRONG, BEHAVIOUR, "(3)", "the gradients are correct, but the loss is not that of equation (3)",
    "C = 1/n sum 1/2 |a_L - y|^2, or a cross-entropy: equation (3) in shared/spec.py",
    r"^\s*(loss|cost|C) ?= ?.*(sum|mean|log)",
)  # fmt: skip
class LossTwice(Planted):
    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        loss, d = super().loss(z, y, n)
        return 2 * loss, d


@plant("wrong loss", BEHAVIOUR)
class LossSummed(Planted):
    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        loss, d = super().loss(z, y, n)
        return loss * n, d
