"""The kinds of layers: their output shapes, their parameters and their notation.

A new kind is a new class here and an entry in `KINDS`.
"""

import math
import re
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from shared.errors import SpecError, check_choice, check_whole, nearest

Shape = tuple[int, ...]

ACTIVATIONS: Final = ("sigmoid", "tanh", "relu", "leaky_relu", "identity")
SOFTMAX: Final = "softmax"
"""Only the activation of an output layer with the cross-entropy loss."""
NO_BIAS: Final = "_nobias"
KERNELS: Final = (1, 3, 5)
"""Odd, so that the same number of zeros on each side keeps the size."""
WINDOW: Final = 2
"""Height, width and stride of the windows of max pooling."""


@dataclass(frozen=True)
class Dense:
    """A fully connected layer, equation (1); an input of several axes is flattened, row by row.

    Parameters
    ----------
    n_out : units.
    activation : f_l of equation (2): one of `ACTIVATIONS`, or "softmax".
    bias : whether there is a b_l.

    Raises
    ------
    SpecError
        On any other value.
    """

    kind: ClassVar[str] = "dense"

    n_out: int
    activation: str = "sigmoid"
    bias: bool = True

    def __post_init__(self) -> None:
        check_whole("n_out", self.n_out, 1)
        if self.activation != SOFTMAX:
            check_choice("activation", self.activation, ACTIVATIONS)

    def output_shape(self, input_shape: Shape) -> Shape:  # noqa: ARG002 - other kinds of layers use it
        """Return the shape of a_l for one example."""
        return (self.n_out,)

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return {"W": (n_out, n_in), "b": (n_out,)}, without "b" if there is no bias."""
        return _shapes(self.n_out, (math.prod(input_shape),), self.bias)

    @classmethod
    def parse(cls, text: str, activation: str) -> "Dense | None":
        """Read 30, 30tanh, 30_nobias or 30tanh_nobias; `activation` is used if the text names none."""
        found = re.fullmatch(rf"(\d+)([a-z_]*?)({NO_BIAS})?", text)
        if not found:
            return None
        if int(found[1]) < 1:
            raise SpecError("network", text, "a layer with at least 1 unit")
        return cls(int(found[1]), _named(text, found[2], activation, (*ACTIVATIONS, SOFTMAX)), bias=found[3] is None)

    def text(self, activation: str | None = None) -> str:
        """Return the notation that `parse` reads; the activation is left out if it is this one."""
        return f"{self.n_out}{_suffix(self, activation)}"


@dataclass(frozen=True)
class Conv:
    """A convolution, equation (1): stride 1, and zero padding that keeps the height and the width.

    Parameters
    ----------
    channels : of its output.
    kernel : height and width of the kernels: 1, 3 or 5.
    activation : f_l of equation (2), one of `ACTIVATIONS`.
    bias : whether there is a b_l.

    Raises
    ------
    SpecError
        On any other value.
    """

    kind: ClassVar[str] = "conv"

    channels: int
    kernel: int = 3
    activation: str = "relu"
    bias: bool = True

    def __post_init__(self) -> None:
        check_whole("channels", self.channels, 1)
        if type(self.kernel) is not int or self.kernel not in KERNELS:
            raise SpecError("kernel", self.kernel, "1, 3 or 5: an odd kernel, with zeros around it, keeps the size")
        check_choice("activation", self.activation, ACTIVATIONS)

    @property
    def padding(self) -> int:
        """The rows and columns of zeros on each side."""
        return self.kernel // 2

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of a_l for one example, (channels, height, width)."""
        _, height, width = _image(self.text(self.activation), input_shape)
        return (self.channels, height, width)

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return {"W": (channels, channels of the input, kernel, kernel), "b": (channels,)}."""
        return _shapes(self.channels, (input_shape[0], self.kernel, self.kernel), self.bias)

    @classmethod
    def parse(cls, text: str, activation: str) -> "Conv | None":
        """Read conv32, conv32k5, conv32tanh, conv32k5tanh_nobias; `activation` is used if the text names none."""
        found = re.fullmatch(rf"conv(\d+)(?:k(\d+))?([a-z_]*?)({NO_BIAS})?", text)
        if not found:
            return None
        if int(found[1]) < 1:
            raise SpecError("network", text, "a convolution with at least 1 channel, such as conv32")
        named = _named(text, found[3], activation, ACTIVATIONS)
        return cls(int(found[1]), int(found[2] or cls.kernel), named, bias=found[4] is None)

    def text(self, activation: str | None = None) -> str:
        """Return the notation that `parse` reads; the activation is left out if it is this one."""
        kernel = "" if self.kernel == Conv.kernel else f"k{self.kernel}"
        return f"conv{self.channels}{kernel}{_suffix(self, activation)}"


@dataclass(frozen=True)
class MaxPool:
    """Max pooling over 2x2 windows, equation (1); it has no parameters, and its f_l is the identity."""

    kind: ClassVar[str] = "pool"
    activation: ClassVar[str] = "identity"
    bias: ClassVar[bool] = False

    def output_shape(self, input_shape: Shape) -> Shape:
        """Return the shape of a_l for one example, (channels, height / 2, width / 2)."""
        channels, height, width = _image("pool", input_shape)
        if height % WINDOW or width % WINDOW:
            raise SpecError(
                "network", f"pool of {height}x{width}", "an even height and width, which 2x2 windows divide"
            )
        return (channels, height // WINDOW, width // WINDOW)

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:  # noqa: ARG002 - other kinds of layers use it
        """Return no shapes."""
        return {}

    @classmethod
    def parse(cls, text: str, activation: str) -> "MaxPool | None":  # noqa: ARG003 - other kinds of layers use it
        """Read pool."""
        return cls() if text == "pool" else None

    def text(self, activation: str | None = None) -> str:  # noqa: ARG002 - other kinds of layers use it
        """Return the notation that `parse` reads."""
        return "pool"


Layer = Dense | Conv | MaxPool
"""Any kind of layer."""
KINDS: Final = (Dense, Conv, MaxPool)


def with_activation(layer: Layer, activation: str) -> Layer:
    """Return a layer with another activation; one that has none of its own as it is."""
    return layer if isinstance(layer, MaxPool) else replace(layer, activation=activation)


def has_weights(layer: Layer) -> bool:
    """Return whether a layer has parameters, and an activation of its own."""
    return not isinstance(layer, MaxPool)


def image_axes(input_shape: Shape) -> Shape:
    """Return (height, width, channels) of an input (height, width) or (height, width, channels): the order of x."""
    height, width, channels = (*input_shape, 1)[:3]
    return (height, width, channels)


def image_shape(input_shape: Shape) -> Shape:
    """Return (channels, height, width) of an input (height, width) or (height, width, channels)."""
    if len(input_shape) == 1:
        raise SpecError(
            "network", input_shape[0], "an image, such as 28x28 or 32x32x3, where the first layer is conv or pool"
        )
    height, width, channels = image_axes(input_shape)
    return (channels, height, width)


def parse_layer(text: str, activation: str) -> Layer:
    """Return the layer that a part of the notation describes; SpecError if it describes none."""
    found = (kind.parse(text, activation) for kind in KINDS)
    layer = next((layer for layer in found if layer is not None), None)
    if layer is None:
        raise SpecError("network", text, "a layer such as 30, 30tanh, 30tanh_nobias, conv32, conv32k5tanh or pool")
    return layer


def _shapes(n_out: int, inputs: Shape, bias: bool) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {"W": (n_out, *inputs)}
    return shapes | {"b": (n_out,)} if bias else shapes


def _image(name: str, shape: Shape) -> Shape:
    if len(shape) != 3:
        raise SpecError("network", f"{name} after a dense layer", f"{name} before it: its input must be an image")
    return shape


def _named(text: str, named: str, activation: str, allowed: tuple[str, ...]) -> str:
    """Return the activation that a part of the notation names, or else the given one."""
    if named and named not in allowed:
        such = re.sub(r"[a-z_]+$", "", text.removesuffix(NO_BIAS)) + "tanh"
        raise SpecError(
            "network", text, f"a layer and one of {', '.join(allowed)}, such as {such}{nearest(named, allowed)}"
        )
    return named or activation


def _suffix(layer: Dense | Conv, activation: str | None) -> str:
    named = "" if layer.activation == activation else layer.activation
    return f"{named}{'' if layer.bias else NO_BIAS}"
