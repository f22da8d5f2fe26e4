"""Wrong convolutions and wrong max pooling: equations (1) and (5) to (7)."""

from typing import Any

import numpy as np

from impls import numpy_scratch
from shared import layers
from shared.diagnosis.answers import GRADIENTS, OUTPUTS
from shared.diagnosis.mistakes.catalogue import MISTAKES, Planted, plant
from shared.interface import Array
from shared.spec import NetworkSpec


class WrongKind(Planted):
    """The reference with other kinds of layers; a mistake names those that it replaces."""

    Dense: type = numpy_scratch.Dense
    Conv: type = numpy_scratch.Conv
    MaxPool: type = numpy_scratch.MaxPool
    where = slice(None)
    """which of the layers of these kinds: all, the first or the last"""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        for l in self.wrong_layers(self.spec):
            layer = self.spec.layers[l]
            self.kinds[l] = getattr(self, type(layer).__name__)(layer)

    @classmethod
    def every_layer(cls, spec: NetworkSpec) -> list[int]:
        """Return the indices of the layers in which the mistake can be made."""
        replaced = [kind for kind, right in numpy_scratch.KINDS.items() if getattr(cls, kind.__name__) is not right]
        return [l for l, layer in enumerate(spec.layers) if type(layer) in replaced]

    @classmethod
    def wrong_layers(cls, spec: NetworkSpec) -> list[int]:
        """Return the indices of the layers in which it is made."""
        return cls.every_layer(spec)[cls.where]


def plant_in_one(mistake: type[WrongKind]) -> type[WrongKind]:
    """Add a network that makes the mistake in its first layer of the kind only, and one that does so in its last."""
    every = [(entry.name, variant) for entry in MISTAKES.values() for variant in entry.variants]
    name, wrong = next((name, variant.wrong) for name, variant in every if variant.network is mistake)

    def applies(cls: type[WrongKind], spec: NetworkSpec) -> bool:
        return mistake.applies(spec) and len(cls.every_layer(spec)) > 1

    for suffix, where in (("InFirst", slice(0, 1)), ("InLast", slice(-1, None))):
        one = type(mistake.__name__ + suffix, (mistake,), {"where": where, "applies": classmethod(applies)})
        plant(name, wrong)(one)
    return mistake


def convolutions(spec: NetworkSpec) -> list[layers.Conv]:
    """Return the convolutions of a network."""
    return [layer for layer in spec.layers if isinstance(layer, layers.Conv)]


def pools_above_weights(spec: NetworkSpec) -> bool:
    """Return whether a gradient that matters passes through a pool."""
    kinds = [type(layer) for layer in spec.layers]
    return any(kind is layers.MaxPool and set(kinds[:l]) - {layers.MaxPool} for l, kind in enumerate(kinds))


class Padded(WrongKind):
    @classmethod
    def every_layer(cls, spec: NetworkSpec) -> list[int]:
        return [l for l, layer in enumerate(spec.layers) if isinstance(layer, layers.Conv) and layer.kernel > 1]

    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return bool(cls.every_layer(spec))


class SentBack(Padded):
    @classmethod
    def every_layer(cls, spec: NetworkSpec) -> list[int]:
        first = next((l for l, layer in enumerate(spec.layers) if layers.has_weights(layer)), 0)
        return [l for l in super().every_layer(spec) if l > first]


class Pooled(WrongKind):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return pools_above_weights(spec)


# ---- Forward: (1) ------------------------------------------------------------------------------------------


@plant(
    "kernel turned in the forward pass", OUTPUTS, "(1)",
    "the kernel is turned by 180 degrees: a convolution in the mathematical sense, where networks have a correlation",
    "correlate: scipy.signal.correlate2d, or convolve2d with W[..., ::-1, ::-1]", r"convolve|\[::-1|flip|rot90",
)  # fmt: skip
class TurnedForward(Padded):
    class Conv(numpy_scratch.Conv):
        def matrix(self, W: Array) -> Array:
            return super().matrix(W[:, :, ::-1, ::-1])

        def kernels(self, matrix: Array) -> Array:
            return super().kernels(matrix)[:, :, ::-1, ::-1]


def patches_within(conv: numpy_scratch.Conv, padded: Array, shape: tuple[int, ...]) -> Array:
    """Return the patches of images of this shape, with a rim of any kind around them: what padding has made of them."""
    windows = numpy_scratch.Conv.patches(conv, padded).reshape(*padded.shape[:3], -1)
    inner = windows[:, conv.p : conv.p + shape[1], conv.p : conv.p + shape[2]]
    return np.ascontiguousarray(inner).reshape(-1, windows.shape[3])


def one_sided(a: Array, p: int) -> Array:
    """Return images with all zeros below and to the right."""
    return np.pad(a, ((0, 0), (0, 2 * p), (0, 2 * p), (0, 0)))


@plant(
    "padding on one side only", OUTPUTS, "(1)",
    "all zeros are added below and to the right, so that each window starts at its place instead of around it",
    "p = (k - 1) / 2 zeros on each side: np.pad(a, ((0, 0), (0, 0), (p, p), (p, p)))",
    r"pad",
)  # fmt: skip
class PaddedOnOneSide(Padded):
    class Conv(numpy_scratch.Conv):
        def patches(self, a: Array) -> Array:
            return patches_within(self, one_sided(a, self.p), a.shape)


@plant(
    "rim filled with copies instead of zeros", OUTPUTS, "(1)",
    "the input is extended by its own values at the rim (edge, reflect, wrap), not by zeros",
    "np.pad(..., mode=\"constant\"), or boundary=\"fill\"", r"pad|mode|boundary",
)  # fmt: skip
class EdgePadding(Padded):
    class Conv(numpy_scratch.Conv):
        mode = "edge"

        def patches(self, a: Array) -> Array:
            around = ((0, 0), (self.p, self.p), (self.p, self.p), (0, 0))
            return patches_within(self, np.pad(a, around, self.mode), a.shape)  # type: ignore[call-overload]


@plant("rim filled with copies instead of zeros", OUTPUTS)
class WrapPadding(Padded):
    class Conv(EdgePadding.Conv):
        mode = "wrap"


@plant(
    "channels swapped", OUTPUTS, "(1)",
    "the kernel of the pair (k, c) is used for (c, k); the shapes fit only if both have equally many channels",
    "W is (c_out, c_in, k, k): sum over the second axis", r"einsum|tensordot|transpose|swapaxes|for ",
)  # fmt: skip
class ChannelsSwapped(WrongKind):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return any(layer.channels > 1 for layer in convolutions(spec))

    class Conv(numpy_scratch.Conv):
        def matrix(self, W: Array) -> Array:
            return super().matrix(W.swapaxes(0, 1) if W.shape[0] == W.shape[1] else W)

        def kernels(self, matrix: Array) -> Array:
            dW = super().kernels(matrix)
            return dW.swapaxes(0, 1) if dW.shape[0] == dW.shape[1] else dW

        def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:
            turned = W[:, :, ::-1, ::-1]
            turned = turned if W.shape[0] == W.shape[1] else turned.swapaxes(0, 1)
            return (self.patches(d) @ super().matrix(turned).T).reshape(a.shape)


@plant(
    "images flattened in another order", OUTPUTS, "(1)",
    "the dense layer takes the values of an image with the channel last (height, width, channel)",
    "the order of W is (channel, height, width): a.transpose(0, 3, 1, 2).reshape(n, -1), or permute W",
    r"reshape|flatten|ravel|Flatten",
)  # fmt: skip
class FlattenedChannelLast(WrongKind):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        shapes = zip(spec.layers, spec.shapes, strict=False)
        return any(isinstance(layer, layers.Dense) and len(shape) == 3 and shape[0] > 1 for layer, shape in shapes)

    class Dense(numpy_scratch.Dense):
        def ordered(self, a: Array) -> Array:
            """(n, height, width, c) -> (n, size), in the wrong order."""
            return a.reshape(len(a), -1)

        def forward(self, a: Array, W: Array, b: Array) -> Array:
            return super().forward(self.ordered(a), W, b)

        def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:
            return (d @ W).reshape(a.shape)

    def weight_gradient(self, d: Array, a: Array) -> Array:
        kind = self.kinds[self.l]
        return super().weight_gradient(d, kind.ordered(self.a[self.l]) if isinstance(kind, self.Dense) else a)


@plant(
    "images flattened column by column", OUTPUTS, "(1)",
    "the dense layer takes the values of an image with rows and columns swapped",
    "reshape in C order, row by row", r"order ?= ?.F|\.T\b|transpose|swapaxes",
)  # fmt: skip
class FlattenedByColumns(FlattenedChannelLast):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        shapes = zip(spec.layers, spec.shapes, strict=False)
        return any(
            isinstance(layer, layers.Dense) and len(shape) == 3 and min(shape[1:]) > 1 for layer, shape in shapes
        )

    class Dense(FlattenedChannelLast.Dense):
        def ordered(self, a: Array) -> Array:
            return a if a.ndim == 2 else a.transpose(0, 3, 2, 1).reshape(len(a), -1)

        def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:
            if a.ndim == 2:
                return super().back(d, a, z, W)
            n, height, width, channels = a.shape
            return (d @ W).reshape(n, channels, width, height).transpose(0, 3, 2, 1)


@plant(
    "average instead of maximum", OUTPUTS, "(1)", "the pool takes the mean of each window, not its largest value",
    "z = the maximum of the four values", r"mean|average|avg|/ ?4|0\.25",
)  # fmt: skip
class AveragePool(WrongKind):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        return any(isinstance(layer, layers.MaxPool) for layer in spec.layers)

    class MaxPool(numpy_scratch.MaxPool):
        def forward(self, a: Array, W: Array, b: Array) -> Array:
            return np.asarray(np.mean(self.corners(a), axis=0, dtype=a.dtype))

        def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:
            return np.repeat(np.repeat(d / 4, 2, axis=1), 2, axis=2)


@plant(
    "stride without a maximum", OUTPUTS, "(1)",
    "the pool keeps the first value of each window, a[..., ::2, ::2], whatever the others are",
    "z = the maximum of the four values of each window", r"::2",
)  # fmt: skip
class Subsampled(AveragePool):
    class MaxPool(numpy_scratch.MaxPool):
        def forward(self, a: Array, W: Array, b: Array) -> Array:
            return a[:, ::2, ::2].copy()

        def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:
            back = np.zeros_like(a)
            back[:, ::2, ::2] = d
            return back


@plant(
    "overlapping windows", OUTPUTS, "(1)",
    "the windows of the pool move by 1 before every second one is kept, or are 3x3: they overlap",
    "2x2 windows with stride 2: a[..., 2i:2i+2, 2j:2j+2]", r"stride|range\(|\+ ?[23]",
)  # fmt: skip
class OverlappingPool(AveragePool):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        """Windows of 3x3 in a 2x2 image are those of 2x2."""
        pairs = zip(spec.layers, spec.shapes, strict=False)
        return any(isinstance(layer, layers.MaxPool) and max(shape[1:]) > 2 for layer, shape in pairs)

    class MaxPool(numpy_scratch.MaxPool):
        def windows(self, a: Array) -> Array:
            """(n, height, width, c) -> the nine values of every window, each (n, height/2, width/2, c)."""
            low = np.pad(a, ((0, 0), (0, 1), (0, 1), (0, 0)), constant_values=-np.inf)
            height, width = a.shape[1:3]
            return np.stack([low[:, u : u + height : 2, v : v + width : 2] for u in range(3) for v in range(3)])

        def forward(self, a: Array, W: Array, b: Array) -> Array:
            return np.asarray(self.windows(a).max(axis=0))

        def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:
            largest = self.windows(a).argmax(axis=0)
            back = np.zeros((len(a), a.shape[1] + 1, a.shape[2] + 1, a.shape[3]), a.dtype)
            for place in range(9):
                u, v = divmod(place, 3)
                back[:, u : u + a.shape[1] : 2, v : v + a.shape[2] : 2] += d * (largest == place)
            return back[:, :-1, :-1]


# ---- Back: (5) ---------------------------------------------------------------------------------------------


@plant_in_one
@plant(
    "kernel not turned", GRADIENTS, "(5)",
    "d is correlated with the kernels as they are; on the way back each value goes to where it came from",
    "correlate d with W[:, :, ::-1, ::-1], or add W d to the window that was read",
    r"correlate|convolve|@|einsum|dot\(",
)  # fmt: skip
class NotTurned(SentBack):
    class Conv(numpy_scratch.Conv):
        def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:
            return super().back(d, a, z, W[:, :, ::-1, ::-1])


@plant_in_one
@plant(
    "padding forgotten in (5)", GRADIENTS, "(5)",
    "the gradient of the padded input is cut off at its end: [:height, :width] instead of [p:-p, p:-p]",
    "cut p rows and columns off each side: dx = padded[:, :, p:-p, p:-p]", r"pad",
)  # fmt: skip
class RimKept(SentBack):
    class Conv(numpy_scratch.Conv):
        def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:
            around = ((0, 0), (self.p, self.p), (self.p, self.p), (0, 0))
            padded = super().back(np.pad(d, around), np.pad(a, around), z, W)
            return np.ascontiguousarray(padded[:, : a.shape[1], : a.shape[2]])


@plant("channels swapped", GRADIENTS)
class ChannelsSwappedBack(SentBack):
    class Conv(numpy_scratch.Conv):
        def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:
            return super().back(d, a, z, W.swapaxes(0, 1) if W.shape[0] == W.shape[1] else W)


@plant_in_one
@plant(
    "gradient to every equal maximum", GRADIENTS, "(5)",
    "where several values of a window are equal and the largest, each of them gets the whole gradient",
    "give it to the first one: argmax, not a == a.max()", r"==|>=",
)  # fmt: skip
class EveryMaximum(Pooled):
    class MaxPool(numpy_scratch.MaxPool):
        def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:
            back = np.empty_like(a)
            for corner, to in zip(self.corners(a), self.corners(back), strict=True):
                np.multiply(d, corner == z, out=to)
            return back


@plant_in_one
@plant(
    "gradient shared among equal maxima", GRADIENTS, "(5)",
    "where several values of a window are equal and the largest, each of them gets a part of the gradient, or the last "
    "one all of it: possible, but other than equation (5) and than every framework",
    "give it to the first one, row by row: argmax", r"==|>=|sum\(|count",
)  # fmt: skip
class SharedMaximum(Pooled):
    class MaxPool(numpy_scratch.MaxPool):
        def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:
            equal = [corner == z for corner in self.corners(a)]
            part = d / np.sum(equal, axis=0)
            back = np.empty_like(a)
            for here, to in zip(equal, self.corners(back), strict=True):
                np.multiply(part, here, out=to)
            return back


@plant("gradient shared among equal maxima", GRADIENTS)
class LastMaximum(Pooled):
    class MaxPool(numpy_scratch.MaxPool):
        def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:
            d, a, z = (part[:, ::-1, ::-1] for part in (d, a, z))
            return np.ascontiguousarray(super().back(d, a, z, W)[:, ::-1, ::-1])


@plant_in_one
@plant(
    "gradient spread over the window", GRADIENTS, "(5)",
    "every value of a window gets the gradient of its maximum, or a quarter of it: that of an average",
    "only the maximum gets it: the others do not change the output", r"repeat|kron|upsample|/ ?4|tile",
)  # fmt: skip
class SpreadOverWindow(Pooled):
    class MaxPool(AveragePool.MaxPool):
        forward = numpy_scratch.MaxPool.forward


@plant("gradient spread over the window", GRADIENTS)
class WholeOverWindow(Pooled):
    class MaxPool(SpreadOverWindow.MaxPool):
        def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:
            return super().back(4 * d, a, z, W)


@plant_in_one
@plant(
    "gradient to the first of each window", GRADIENTS, "(5)",
    "the gradient goes to the first place of each window, d[..., ::2, ::2], wherever the maximum was",
    "remember where the maximum was, or compare with it", r"::2",
)  # fmt: skip
class FirstOfWindow(Pooled):
    class MaxPool(Subsampled.MaxPool):
        forward = numpy_scratch.MaxPool.forward


# ---- Weights and biases: (6), (7) --------------------------------------------------------------------------


@plant_in_one
@plant(
    "padding forgotten in (6)", GRADIENTS, "(6)",
    "dW is computed from the input without the zeros around it: each window starts at its place",
    "correlate the padded input with d", r"d_?W|grad",
)  # fmt: skip
class UnpaddedGradient(Padded):
    class Conv(numpy_scratch.Conv):
        def forward(self, a: Array, W: Array, b: Array) -> Array:
            z = super().forward(a, W, b)
            self.rows = patches_within(self, one_sided(a, self.p), a.shape)
            return z


@plant_in_one
@plant(
    "dW turned", GRADIENTS, "(6)", "the gradient of every kernel is turned by 180 degrees",
    "(6) is a correlation of the input with d, without turning either", r"convolve|\[::-1|flip|rot90",
)  # fmt: skip
class TurnedGradient(Padded):
    class Conv(numpy_scratch.Conv):
        def kernels(self, matrix: Array) -> Array:
            return super().kernels(matrix)[:, :, ::-1, ::-1]


@plant_in_one
@plant(
    "bias gradient not summed over the places", GRADIENTS, "(7)",
    "the bias gradient of a channel is the mean over its places, or that of one place: the batch alone is summed",
    "db = d.sum(axis=(0, 2, 3)): over the batch and all places", r"^\s*\S*b\w*\S* ?=|sum\(|mean\(",
)  # fmt: skip
class BiasOverBatchOnly(WrongKind):
    @classmethod
    def applies(cls, spec: NetworkSpec) -> bool:
        shapes = zip(spec.layers, spec.shapes, strict=False)
        return any(isinstance(each, layers.Conv) and each.bias and shape[1:] != (1, 1) for each, shape in shapes)

    def of_places(self, d: Array) -> Array:
        """(n, places, c) -> (c,)."""
        return np.asarray(d.sum(axis=0).mean(axis=0))

    @classmethod
    def every_layer(cls, spec: NetworkSpec) -> list[int]:
        return [l for l, layer in enumerate(spec.layers) if isinstance(layer, layers.Conv) and layer.bias]

    def bias_gradient(self, d: Array) -> Array:
        if self.l not in self.wrong_layers(self.spec):
            return super().bias_gradient(d)
        return self.of_places(d.reshape(len(self.z[-1]), -1, d.shape[1]))


@plant_in_one
@plant("bias gradient not summed over the places", GRADIENTS)
class BiasOfFirstPlace(BiasOverBatchOnly):
    def of_places(self, d: Array) -> Array:
        return np.asarray(d[:, 0].sum(axis=0))
