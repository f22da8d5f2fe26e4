"""Wrong outputs: equations (1) and (2)."""

import numpy as np

from impls.numpy_scratch import ACTIVATIONS, Conv, Dense, flat
from shared.diagnosis.answers import OUTPUTS
from shared.diagnosis.mistakes.catalogue import Planted, has_bias, hidden, output, plant, usual
from shared.interface import Array
from shared.layers import SOFTMAX
from shared.spec import NetworkSpec


class WrongForward(Planted):
    """The forward pass is wrong, and the gradients are those of this forward pass."""

    def into(self, x: Array) -> Array:
        """Return the input of the first layer."""
        return x

    def pre(self, a: Array, W: Array, b: Array) -> Array:
        """(1)."""
        return a @ W.T + b

    def post(self, z: Array, l: int) -> Array:
        """(2) of a hidden layer, l = 1..L-1."""
        return np.asarray(self.f[l - 1](z))

    def forward(self, x: Array) -> tuple[list[Array], list[Array]]:
        z: list[Array] = []
        a = [self.to_images(self.into(x))]
        for kind, (W, b) in zip(self.kinds, self.layers, strict=True):
            if z:
                a.append(self.post(z[-1], len(z)))
            if isinstance(kind, Dense):
                z.append(self.pre(flat(a[-1]), W, b))
            elif isinstance(kind, Conv):
                kind.rows = kind.patches(a[-1])
                z.append(self.pre(kind.rows, kind.matrix(W), b).reshape(*a[-1].shape[:3], len(W)))
            else:
                z.append(kind.forward(a[-1], W, b))
        return z, a


@plant(
    "bias missing", OUTPUTS, "(1)", "the bias is not added to z", "z_l = a_{l-1} W_l^T + b_l",
    r"^(?!.*\+)\s*z\w*(\[\w+\])? ?= ?.*(@|dot\(|matmul)",
)  # fmt: skip
class NoBias(WrongForward):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return has_bias(spec)

    def pre(self, a: Array, W: Array, b: Array) -> Array:
        return a @ W.T


@plant(
    "hidden activation missing", OUTPUTS, "(2)", "the hidden layers have no activation function",
    "a_l = f(z_l) in every layer",
    r"\b(a|act\w*)\.append\(z\b|\ba\w* ?= ?z\w*\s*$",
)  # fmt: skip
class LinearHidden(WrongForward):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return any(activation != "identity" for activation in hidden(spec))

    def post(self, z: Array, l: int) -> Array:
        return z


@plant(
    "output activation missing", OUTPUTS, "(2)", "the outputs are z_L: the last layer has no activation function",
    "a_L = f(z_L), or the softmax of z_L with cross-entropy",
    r"return z\w*\[-1\]|\ba\w* ?= ?z\w*\s*$",
)  # fmt: skip
class LinearOutput(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return output(spec) != "identity"

    def output(self, z: Array) -> Array:
        return z


@plant(
    "activation applied twice", OUTPUTS, "(2)", "the output activation is applied to its own result",
    "a_L = f(z_L), once",
    r"(softmax|sigmoid|tanh|\bf)\(\w*\.?(softmax|sigmoid|tanh|a\b|activations?\[-1\])",
)  # fmt: skip
class ActivationTwice(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return output(spec) not in ("relu", "identity")

    def output(self, z: Array) -> Array:
        return super().output(super().output(z))


@plant(
    "softmax over the batch", OUTPUTS, "(2)", "softmax sums over the examples instead of the outputs",
    "sum along axis 1; each row of a_L then sums to 1",
    r"/ ?\(?(np\.)?\w*(\.sum\((axis ?= ?0.*|0.*)?\)|sum\((np\.exp\()?\w+\)?(, ?axis ?= ?0)?\))",
)  # fmt: skip
class SoftmaxOverBatch(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return output(spec) == SOFTMAX

    def output(self, z: Array) -> Array:
        e = np.exp(z - z.max(axis=0, keepdims=True))
        return np.asarray(e / e.sum(axis=0, keepdims=True))


@plant("softmax over the batch", OUTPUTS)
class SoftmaxOverBatchShiftedByRow(SoftmaxOverBatch):
    def output(self, z: Array) -> Array:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(e / e.sum(axis=0, keepdims=True))


@plant("softmax over the batch", OUTPUTS)
class SoftmaxOverAllShiftedByRow(SoftmaxOverBatch):
    def output(self, z: Array) -> Array:
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return np.asarray(e / e.sum())


@plant("softmax over the batch", OUTPUTS)
class SoftmaxOverAll(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return output(spec) == SOFTMAX

    def output(self, z: Array) -> Array:
        e = np.exp(z - z.max())
        return np.asarray(e / e.sum())


@plant(
    "activation instead of softmax", OUTPUTS, "(2)", "the output is not the softmax that cross-entropy requires",
    "a_L = softmax(z_L)",
    r"return (self\.)?(sigmoid|tanh|relu)\(.*z",
)  # fmt: skip
class ActivationForSoftmax(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return output(spec) == SOFTMAX and usual(spec) != "identity"

    def output(self, z: Array) -> Array:
        f, _ = ACTIVATIONS[usual(self.spec)]
        return np.asarray(f(z))

    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        a = self.output(z)
        return super().loss(z, y, n)[0], (a - y) / n


@plant("W transposed", OUTPUTS)
class TransposedForward(WrongForward):
    dense_only = True

    def pre(self, a: Array, W: Array, b: Array) -> Array:
        return a @ (W if W.shape[0] == W.shape[1] else W.T) + b


@plant(
    "inputs scaled twice", OUTPUTS, "(1)", "x is divided by 255, but its values are already from 0 to 1",
    "use x unchanged", r"255",
)  # fmt: skip
class ScaledOnceMore(WrongForward):
    def into(self, x: Array) -> Array:
        return x / 255


@plant("integer dtype", OUTPUTS)
class IntegerForward(WrongForward):
    def into(self, x: Array) -> Array:
        return np.trunc(x)


@plant("integer dtype", OUTPUTS)
class IntegerParameters(WrongForward):
    def pre(self, a: Array, W: Array, b: Array) -> Array:
        return a @ np.trunc(W).T + np.trunc(b)
