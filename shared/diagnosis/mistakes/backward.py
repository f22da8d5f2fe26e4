"""Wrong gradients: equations (4) to (7)."""

from typing import Final

import numpy as np

from impls.numpy_scratch import ACTIVATIONS
from shared.diagnosis.answers import GRADIENTS
from shared.diagnosis.mistakes.catalogue import Planted, depth, has_bias, hidden, output, plant, usual
from shared.interface import Array, Labels
from shared.layers import SOFTMAX
from shared.spec import NetworkSpec

ONE_NUMBER: Final = "bias gradient is one number"
SMOOTH = ("sigmoid", "tanh")
"""Activations whose derivative at f(z) differs from that at z; for the ReLUs it is the same."""


def is_smooth(activations: list[str]) -> bool:
    """Return whether one of these has a different derivative at f(z) than at z."""
    return any(activation in SMOOTH for activation in activations)


@plant(
    "W transposed", GRADIENTS, "(5)", "a matrix is transposed by mistake; the shapes match only if layers are square",
    "with W of shape (n_out, n_in): z = a W^T, d_l = d_{l+1} W, dW = d^T a",
    r"^(?!.*\+).*((@|,) ?(self\.)?([Ww]\w*|parameters|params|theta)(\[[^]]*\])*\.T\b|"
    r"\b(a|act\w*|x)\d*(\[[^]]*\])?\.T ?(@|,))",
)  # fmt: skip
class TransposedBack(Planted):
    dense_only = True

    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return depth(spec) > 1

    def back(self, d: Array, l: int) -> Array:
        W, _ = self.layers[l]
        return d @ (W.T if W.shape[0] == W.shape[1] else W)


@plant("W transposed", GRADIENTS)
class TransposedGradient(Planted):
    dense_only = True

    def weight_gradient(self, d: Array, a: Array) -> Array:
        dW = d.T @ a
        return dW.T if dW.shape[0] == dW.shape[1] else dW


@plant(
    "f'(a) instead of f'(z)", GRADIENTS, "(5)", "the derivative is taken at the activation instead of at z",
    "f'(z) of the sigmoid is a (1 - a) with a = f(z) from the forward pass: do not apply f again",
    r"(prime|deriv\w*)\w*\(\s*(a\d*|a\[[^]]*\]|act\w*|hidden\w*)\b|"
    r"\bd(sigmoid|tanh)\w*\(a|sigmoid\(a\w*(\[[^]]*\])?\) ?\* ?\(1",
)  # fmt: skip
class SlopeOfActivation(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return is_smooth(hidden(spec)) or (spec.loss == "quadratic" and is_smooth([output(spec)]))

    def slope(self, z: Array, a: Array, l: int) -> Array:
        return np.asarray(self.df[l - 1](a, self.f[l - 1](a)))

    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        a = self.output(z)
        d = (a - y) / n
        return super().loss(z, y, n)[0], d * self.df[-1](a, self.f[-1](a)) if self.spec.loss == "quadratic" else d


@plant("f'(a) instead of f'(z)", GRADIENTS)
class SlopeOfActivationHidden(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return is_smooth(hidden(spec))

    def slope(self, z: Array, a: Array, l: int) -> Array:
        return np.asarray(self.df[l - 1](a, self.f[l - 1](a)))


@plant("f'(a) instead of f'(z)", GRADIENTS)
class SlopeOfActivationAtOutput(SlopeOfActivation):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return spec.loss == "quadratic" and is_smooth([output(spec)])

    def slope(self, z: Array, a: Array, l: int) -> Array:
        return np.asarray(self.df[l - 1](z, a))


@plant(
    "f' missing at the output", GRADIENTS, "(4)", "d_L lacks the factor f'(z_L) of the quadratic loss",
    "d_L = (a_L - y) * f'(z_L) / n; only the cross-entropies have no f'",
    r"^(?!.*(prime|deriv|1 ?-)).*= ?\(?\w+(\[-1\])? ?- ?(y|t|target\w*|one_hot\w*|encode\w*)\b",
)  # fmt: skip
class NoSlopeAtOutput(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return spec.loss == "quadratic" and output(spec) != "identity"

    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        return super().loss(z, y, n)[0], (self.output(z) - y) / n


@plant(
    "extra f' at the output", GRADIENTS, "(4)", "d_L has a factor f'(z_L), which cancels with a cross-entropy",
    "d_L = (a_L - y) / n: the derivatives of softmax (or sigmoid) and of the logarithm cancel",
    r"^\s*(\w*delta|\w*err|d[za]?_?\d?\b)\w*(\[-1\])? ?\*?= .*(prime|deriv|\(1(\.0?)? ?- ?)",
)  # fmt: skip
class SlopeAtOutput(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return spec.loss != "quadratic"

    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        loss, d = super().loss(z, y, n)
        a = self.output(z)
        return loss, d * a * (1 - a)


@plant("extra f' at the output", GRADIENTS)
class ActivationSlopeAtOutput(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return spec.loss != "quadratic" and usual(spec) != "identity"

    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        loss, d = super().loss(z, y, n)
        f, df = ACTIVATIONS[usual(self.spec)]
        return loss, d * df(z, f(z))


@plant(
    "softmax applied twice in the loss", GRADIENTS, "(3)",
    "the outputs are a softmax already, and the loss takes the softmax of them once more",
    "a loss such as PyTorch's cross_entropy contains the softmax: give it z_L; by hand, d_L = (a_L - y) / n",
    r"softmax\(a\b|softmax\(\w*(act|out|prob|pred|hat|softmax)|cross_entropy\(|CrossEntropyLoss\(|from_logits ?= ?True",
)  # fmt: skip
class SoftmaxTwice(Planted):
    """The gradients are those of this loss."""

    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return output(spec) == SOFTMAX and spec.n_out > 1

    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        a = self.output(z)
        loss, d = super().loss(a, y, n)
        return loss, self.through(a, d)

    def through(self, a: Array, d: Array) -> Array:
        """Return the derivative by z of a function of a = softmax(z) whose derivative by a is d."""
        return np.asarray(a * (d - (d * a).sum(axis=1, keepdims=True)))


@plant("softmax applied twice in the loss", GRADIENTS)
class SoftmaxTwiceInDelta(SoftmaxTwice):
    """d_L = (softmax(a_L) - y) / n."""

    def through(self, a: Array, d: Array) -> Array:
        return d


@plant(
    "f' missing in a hidden layer", GRADIENTS, "(5)", "d_l of a hidden layer lacks the factor f'(z_l)",
    "d_l = (d_{l+1} W_{l+1}) * f'(z_l)",
    r"^(?!.*(prime|deriv|\(1))\s*(\w*delta|\w*err|d[zah]?_?\d)\w*(\[[^]]*\])? ?= ?.*(@|dot\(|matmul)",
)  # fmt: skip
class NoSlopeHidden(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return any(activation != "identity" for activation in hidden(spec))

    def slope(self, z: Array, a: Array, l: int) -> Array:
        return np.ones_like(z)


@plant("f' missing in a hidden layer", GRADIENTS)
class NoSlopeInFirst(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return hidden(spec)[:1] not in ([], ["identity"])

    def slope(self, z: Array, a: Array, l: int) -> Array:
        return np.ones_like(z) if l == 1 else super().slope(z, a, l)


@plant("f' missing in a hidden layer", GRADIENTS)
class NoSlopeInLastHidden(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return hidden(spec)[-1:] not in ([], ["identity"])

    def slope(self, z: Array, a: Array, l: int) -> Array:
        return np.ones_like(z) if l == len(self.layers) - 1 else super().slope(z, a, l)


class NoSlopeInOne(Planted):
    layer = 0

    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return cls.layer < len(hidden(spec)) and hidden(spec)[cls.layer - 1] != "identity"

    def slope(self, z: Array, a: Array, l: int) -> Array:
        return np.ones_like(z) if l == self.layer else super().slope(z, a, l)


@plant("f' missing in a hidden layer", GRADIENTS)
class NoSlopeInSecond(NoSlopeInOne):
    layer = 2


@plant("f' missing in a hidden layer", GRADIENTS)
class NoSlopeInThird(NoSlopeInOne):
    layer = 3


@plant("f' missing in a hidden layer", GRADIENTS)
class NoSlopeInFourth(NoSlopeInOne):
    layer = 4


@plant("f' missing in a hidden layer", GRADIENTS)
class NoSlopeInFifth(NoSlopeInOne):
    layer = 5


@plant(
    "f' of the output missing on the way down", GRADIENTS, "(5)",
    "the error sent to the hidden layers lacks the slope f' of the output layer, which dW_L and db_L have",
    "send d_L down, with its factor f'(z_L), instead of a_L - y: d_{L-1} = (d_L W_L) * f'(z_{L-1})",
    r"(dot|matmul|einsum)\(.*err|@.*err|err\w*(\.T)? ?@",
)  # fmt: skip
class NoOutputSlopeDown(Planted):
    """As in articles that send the error, not delta, to the hidden layer: W.T @ (a - y)."""

    everywhere = False

    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return spec.loss == "quadratic" and output(spec) != "identity" and depth(spec) > 1

    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        right = self.df
        self.df = (*right[:-1], ACTIVATIONS["identity"][1])
        _, self.error = super().loss(z, y, n)
        self.df = right
        return super().loss(z, y, n)

    def back(self, d: Array, l: int) -> Array:
        if l < len(self.layers) - 1 and not self.everywhere:
            return super().back(d, l)
        self.error = super().back(self.error, l)
        return self.error


@plant("f' of the output missing on the way down", GRADIENTS)
class NoSlopeDown(NoOutputSlopeDown):
    """The error passes every layer without its slope; each layer applies its own to what it keeps."""

    everywhere = True

    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return super().applies(spec) and any(activation != "identity" for activation in hidden(spec)[1:])


@plant(
    "1/n twice below the last layer", GRADIENTS, "(5)",
    "the gradients of the hidden layers are divided by the number of examples once more; the last layer's are right",
    "divide only in d_L: every other delta is propagated from it and has its 1/n already",
    r"(@|dot\(|matmul).*(/ ?(n|m|N|batch\w*)\b|/ ?len\()",
)  # fmt: skip
class OverNBelow(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return depth(spec) > 1

    def divides(self, l: int) -> bool:
        """Return whether the delta sent to layer l is divided."""
        return l == len(self.layers) - 1

    def back(self, d: Array, l: int) -> Array:
        return super().back(d, l) / (len(d) if self.divides(l) else 1)


@plant("1/n twice below the last layer", GRADIENTS)
class OverNInEveryLayer(OverNBelow):
    def divides(self, l: int) -> bool:
        return True


@plant(
    "dW in place of W", GRADIENTS, "(5)", "delta is propagated through the gradient dW_{l+1} instead of W_{l+1}",
    "d_l = (d_{l+1} W_{l+1}) * f'(z_l): use the weights, not their gradient",
    r"(@|dot\(.*,|matmul\(.*,) ?\w*(\[.*\]\.)?(d_?[Ww]|grad\w*_?[Ww]|nabla_w)",
)  # fmt: skip
class ThroughGradient(Planted):
    dense_only = True

    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return depth(spec) > 1

    def back(self, d: Array, l: int) -> Array:
        dW, _ = self.gradient_layers[l]
        return d @ dW


@plant(
    "the last layer's delta in every layer", GRADIENTS, "(5)",
    "the delta of the last layer is used for the layers before it; the shapes match only if layers have equal sizes",
    "propagate delta from layer to layer: d_l = (d_{l+1} W_{l+1}) * f'(z_l)", r"\.T ?@|dot\(\w+\.T|\.sum\(|np\.sum\(",
)  # fmt: skip
class LastDeltaEverywhere(Planted):
    dense_only = True

    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return depth(spec) > 1

    def fits(self, l: int) -> bool:
        """Return whether a_l has as many units as a_L."""
        return len(self.layers[l - 1][1]) == len(self.layers[-1][1])

    def back(self, d: Array, l: int) -> Array:
        return self.deltas[-1] if self.fits(l) else super().back(d, l)

    def slope(self, z: Array, a: Array, l: int) -> Array:
        return np.ones_like(z) if self.fits(l) else super().slope(z, a, l)


@plant("the last layer's delta in every layer", GRADIENTS)
class LastDeltaThroughEveryLayer(LastDeltaEverywhere):
    """It is multiplied by the weights and the slope of each layer, but never replaced by the product."""

    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return depth(spec) > 2

    def back(self, d: Array, l: int) -> Array:
        W, _ = self.layers[l]
        return self.deltas[-1] @ W if self.fits(l + 1) else super(LastDeltaEverywhere, self).back(d, l)

    def slope(self, z: Array, a: Array, l: int) -> Array:
        return super(LastDeltaEverywhere, self).slope(z, a, l)


@plant(
    "delta through the wrong weights", GRADIENTS, "(5)", "delta is propagated through the weights of a wrong layer",
    "d_l = (d_{l+1} W_{l+1}) * f'(z_l): use the weights of the next layer, which a_l is multiplied by",
    r"^\s*(\w*delta|\w*err|d[zah]?_?\d)\w*(\[[^]]*\])? ?= ?.*(@|dot\(|matmul)",
)  # fmt: skip
class DeltaThroughLayerBelow(Planted):
    dense_only = True

    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return depth(spec) > 1

    def back(self, d: Array, l: int) -> Array:
        return self.through(d, l, l - 1)

    def through(self, d: Array, l: int, wrong: int) -> Array:
        """Return d W with the W of a wrong layer, if its shape fits."""
        right, _ = self.layers[l]
        W = self.layers[wrong][0] if wrong < len(self.layers) else right
        return d @ (W if W.shape == right.shape else right)


@plant("delta through the wrong weights", GRADIENTS)
class DeltaThroughLayerAbove(DeltaThroughLayerBelow):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return depth(spec) > 2

    def back(self, d: Array, l: int) -> Array:
        return self.through(d, l, l + 1)


@plant(
    "gradients of the last layer only", GRADIENTS, "(5)", "the gradients of all layers before the last are zero",
    "propagate delta back to every layer",
    r"detach|stop_gradient|no_grad|\b0(\.0)? ?\*|\* ?0(\.0)?$",
)  # fmt: skip
class LastLayerOnly(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return depth(spec) > 1

    def back(self, d: Array, l: int) -> Array:
        return 0 * super().back(d, l)


@plant(
    "bias gradient is a mean", GRADIENTS, "(7)", "the bias gradients are divided by the number of examples once more",
    "sum delta over the batch: its 1/n is in d_L already",
    r"^\s*\S*b\w*\S* ?=.*(mean\(|average\()|(append|insert|return)\b.*mean\(",
)  # fmt: skip
class BiasMean(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return has_bias(spec)

    def bias_gradient(self, d: Array) -> Array:
        return np.asarray(d.mean(axis=0))


@plant(
    ONE_NUMBER, GRADIENTS, "(7)",
    "the bias gradient of a layer is one number, summed over all its units",
    "sum delta over the batch only, axis 0 of (n, n_out): db has one number for each unit",
    r"(sum|mean|average)\([^,()=]*\)",
)  # fmt: skip
class BiasOneNumber(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        """One unit has one number, and delta of a softmax sums to 0; where layers are square, all have n_out units."""
        last = len(spec.layers)
        return any(
            layer.bias and max(shape[0], spec.n_out) > 1 and not (l == last and output(spec) == SOFTMAX)
            for l, (layer, shape) in enumerate(zip(spec.layers, spec.shapes[1:], strict=True), 1)
        )

    def bias_gradient(self, d: Array) -> Array:
        return np.full(d.shape[1], d.sum())


@plant(ONE_NUMBER, GRADIENTS)
class BiasMeanOfAll(BiasOneNumber):
    """The mean over examples and units of a delta that has its 1/n already."""

    def bias_gradient(self, d: Array) -> Array:
        return np.full(d.shape[1], d.mean())


@plant(ONE_NUMBER, GRADIENTS)
class BiasMeanOfUnits(BiasOneNumber):
    """The mean over examples and units of a delta without 1/n."""

    def bias_gradient(self, d: Array) -> Array:
        return np.full(d.shape[1], d.sum() / d.shape[1])


@plant(
    "bias gradient missing", GRADIENTS, "(7)", "the bias gradients are zero or missing",
    "db = the sum of delta over the batch",
    r"^(?!.* for )\s*\S*b\w*\S* ?= ?(np\.zeros|None)",
)  # fmt: skip
class NoBiasGradient(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return has_bias(spec)

    def bias_gradient(self, d: Array) -> Array:
        return np.zeros(d.shape[1])


@plant(
    "only the first example is used", GRADIENTS, "(6)",
    "the gradients are those of the first example of the batch only",
    "sum over all examples of the batch: dW = d^T a, db = the sum of d",
    r"\[:1\]|\[0:1\]|\[0, ?:\]",
)  # fmt: skip
class FirstExample(Planted):
    examples = slice(0, 1)

    def gradients(self, x: Array, y: Array, n: int) -> float:
        loss = super().gradients(x, y, n)
        super().gradients(x[self.examples], y[self.examples], 1)
        return loss


@plant("only the first example is used", GRADIENTS)
class FirstExampleOverN(FirstExample):
    def gradients(self, x: Array, y: Array, n: int) -> float:
        loss = super().gradients(x, y, n)
        self.g /= n
        return loss


@plant(
    "only the last example is used", GRADIENTS, "(6)", "the gradients are those of the last example of the batch only",
    "add the gradients of the examples instead of overwriting them: dW = d^T a, db = the sum of d",
    r"^\s*(nabla|grad|d)\w*(\[[^]]*\])? ?= ?.*outer\(",
)  # fmt: skip
class LastExample(FirstExample):
    examples = slice(-1, None)


@plant("only the last example is used", GRADIENTS)
class LastExampleOverN(FirstExampleOverN):
    examples = slice(-1, None)


@plant("only the last example is used", GRADIENTS)
class LastExampleInHiddenLayers(Planted):
    """The last layer adds the gradients of the examples, the others overwrite them."""

    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return depth(spec) > 1

    def gradients(self, x: Array, y: Array, n: int) -> float:
        loss = super().gradients(x, y, n)
        last = [tensor.copy() for tensor in self.gradient_layers[-1]]
        super().gradients(x[-1:], y[-1:], n)
        for tensor, whole in zip(self.gradient_layers[-1], last, strict=True):
            tensor[:] = whole
        return loss


@plant(
    "bias gradient of one example", GRADIENTS, "(7)", "the bias gradients are those of one example of the batch",
    "db = the sum of delta over the batch",
    r"^\s*\S*b\w*\S* ?=.*\[(0|-1)(, ?:)?\]\s*$",
)  # fmt: skip
class BiasOfFirst(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return has_bias(spec)

    def bias_gradient(self, d: Array) -> Array:
        return np.asarray(d[0])


@plant("bias gradient of one example", GRADIENTS)
class BiasOfLast(Planted):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return has_bias(spec)

    def bias_gradient(self, d: Array) -> Array:
        return np.asarray(d[-1])


@plant(
    "one-hot labels off by one", GRADIENTS, "(4)", "the 1 in the one-hot labels is one position off",
    "label y has its 1 at index y, counted from 0",
    r"\b(y|labels?|targets?) ?[-+] ?1\b",
)  # fmt: skip
class OneHotTooFar(Planted):
    shift = 1

    def one_hot(self, y: Labels) -> Array:
        return np.roll(super().one_hot(y), self.shift, axis=1)


@plant("one-hot labels off by one", GRADIENTS)
class OneHotTooNear(OneHotTooFar):
    shift = -1


@plant(
    "labels used as numbers", GRADIENTS, "(4)", "the label itself is subtracted from every output",
    "convert the labels to one-hot vectors: (n,) -> (n, n_out)",
    r"^(?!.*==).*(\by\[:, ?(None|np\.newaxis)\]|\by\.reshape\(-1, ?1\))",
)  # fmt: skip
class LabelsAsNumbers(Planted):
    def one_hot(self, y: Labels) -> Array:
        return np.repeat(y[:, None], self.spec.n_out, axis=1).astype(self.theta.dtype)

    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        with np.errstate(all="ignore"):
            return super().loss(z, y, n)


@plant(
    "integer division", GRADIENTS, "(4)", "a division discards the fraction", "divide with / instead of //", r"//",
)  # fmt: skip
class FloorDivision(Planted):
    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        loss, d = super().loss(z, y, n)
        return loss, np.floor(d)


@plant("integer division", GRADIENTS)
class FloorOfGradients(Planted):
    def gradients(self, x: Array, y: Array, n: int) -> float:
        loss = super().gradients(x, y, n)
        np.floor(self.g, out=self.g)
        return loss


@plant(
    "integer dtype", GRADIENTS, "(1)", "values are stored in an integer array, which discards their fraction",
    "use float64 or float32 arrays throughout",
    r"^(?!.*\b(y|labels?|targets?)\b).*(astype\((np\.)?u?int|dtype ?= ?(np\.)?u?int)",
)  # fmt: skip
class IntegerGradients(Planted):
    def gradients(self, x: Array, y: Array, n: int) -> float:
        loss = super().gradients(x, y, n)
        np.trunc(self.g, out=self.g)
        return loss


@plant("integer dtype", GRADIENTS)
class IntegerInputs(Planted):
    def gradients(self, x: Array, y: Array, n: int) -> float:
        return super().gradients(np.trunc(x), y, n)
