"""The kinds of layers: what each makes of a shape, which parameters it has, how it is written.

A further kind is a further class here, and an entry of `KINDS`.
"""

import math
import re
from dataclasses import dataclass
from typing import Final

from shared.errors import SpecError, check_choice, check_whole, nearest

Shape = tuple[int, ...]

ACTIVATIONS: Final = ("sigmoid", "tanh", "relu", "leaky_relu", "identity")
SOFTMAX: Final = "softmax"
"""The activation of an output layer with the cross-entropy loss, and of no other layer."""
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
        check_whole("sizes", self.n_out, 1)
        if self.activation != SOFTMAX:
            check_choice("activation", self.activation, ACTIVATIONS)

    def output_shape(self, input_shape: Shape) -> Shape:  # noqa: ARG002 - of other kinds it depends on it
        """Return the shape of a_l for one example."""
        return (self.n_out,)

    def parameter_shapes(self, input_shape: Shape) -> dict[str, Shape]:
        """Return {"W": (n_out, n_in), "b": (n_out,)}, without "b" where there is no bias."""
        shapes: dict[str, Shape] = {"W": (self.n_out, math.prod(input_shape))}
        return shapes | {"b": (self.n_out,)} if self.bias else shapes

    @classmethod
    def parse(cls, text: str, activation: str) -> "Dense | None":
        """Read 30, 30tanh, 30_nobias or 30tanh_nobias; `activation` is that of a layer that names none."""
        found = re.fullmatch(rf"(\d+)([a-z_]*?)({NO_BIAS})?", text)
        if not found:
            return None
        named = found[2] or activation
        if named not in (*ACTIVATIONS, SOFTMAX):
            known = f"a number of units and one of {', '.join(ACTIVATIONS)}, such as 30tanh"
            raise SpecError("network", text, known + nearest(named, ACTIVATIONS))
        return cls(int(found[1]), named, bias=found[3] is None)

    def text(self, activation: str | None = None) -> str:
        """Return what `parse` reads; the activation is left out where it is this one."""
        named = "" if self.activation == activation else self.activation
        return f"{self.n_out}{named}{'' if self.bias else NO_BIAS}"


Layer = Dense
"""Any kind of layer."""
KINDS: Final = (Dense,)


def parse_layer(text: str, activation: str) -> Layer:
    """Return the layer that a part of the notation stands for; SpecError where it stands for none."""
    found = (kind.parse(text, activation) for kind in KINDS)
    layer = next((layer for layer in found if layer is not None), None)
    if layer is None:
        raise SpecError("network", text, "a layer such as 30, 30tanh or 30tanh_nobias")
    return layer
