"""The kinds of layers: their output shapes, their parameters and their notation.

A new kind is a new class here and an entry in `KINDS`.
"""

import math
import re
from dataclasses import dataclass
from typing import Final

from shared.errors import SpecError, check_choice, check_whole, nearest

Shape = tuple[int, ...]

ACTIVATIONS: Final = ("sigmoid", "tanh", "relu", "leaky_relu", "identity")
SOFTMAX: Final = "softmax"
"""Only the activation of an output layer with the cross-entropy loss."""
NO_BIAS: Final = "_nobias"


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
        shapes: dict[str, Shape] = {"W": (self.n_out, math.prod(input_shape))}
        return shapes | {"b": (self.n_out,)} if self.bias else shapes

    @classmethod
    def parse(cls, text: str, activation: str) -> "Dense | None":
        """Read 30, 30tanh, 30_nobias or 30tanh_nobias; `activation` is used if the text names none."""
        found = re.fullmatch(rf"(\d+)([a-z_]*?)({NO_BIAS})?", text)
        if not found:
            return None
        named = found[2] or activation
        if named not in (*ACTIVATIONS, SOFTMAX):
            words = (*ACTIVATIONS, SOFTMAX)
            raise SpecError(
                "network", text, f"units and one of {', '.join(words)}, such as 30tanh{nearest(named, words)}"
            )
        if int(found[1]) < 1:
            raise SpecError("network", text, "a layer with at least 1 unit")
        return cls(int(found[1]), named, bias=found[3] is None)

    def text(self, activation: str | None = None) -> str:
        """Return the notation that `parse` reads; the activation is left out if it is this one."""
        named = "" if self.activation == activation else self.activation
        return f"{self.n_out}{named}{'' if self.bias else NO_BIAS}"


Layer = Dense
"""Any kind of layer."""
KINDS: Final = (Dense,)


def parse_layer(text: str, activation: str) -> Layer:
    """Return the layer that a part of the notation describes; SpecError if it describes none."""
    found = (kind.parse(text, activation) for kind in KINDS)
    layer = next((layer for layer in found if layer is not None), None)
    if layer is None:
        raise SpecError("network", text, "a layer such as 30, 30tanh or 30tanh_nobias")
    return layer
