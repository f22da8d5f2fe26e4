"""What a network answered, scene by scene."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

Tensors = dict[str, Any]

OUTPUTS: Final = "outputs"
GRADIENTS: Final = "gradients"
PARAMETERS: Final = "parameters"
"""The kinds of tensors that are compared; parameters are those after training."""


@dataclass(frozen=True)
class Trouble:
    """An exception, or a warning."""

    message: str
    line: int | None
    """of the user's file, from 1; None where it was raised elsewhere"""


@dataclass
class Answer:
    """What came of a scene; what was not asked for is empty."""

    loss: Any = None
    gradients: Tensors = field(default_factory=dict)
    """dW1, db1, ...; None for one that is missing"""
    earlier: list[Tensors] = field(default_factory=list)
    """the gradients of the calls before, of the same network"""
    outputs: Tensors = field(default_factory=dict)
    """a_L"""
    parameters: Tensors = field(default_factory=dict)
    """W1, b1, ..."""
    difference: float | None = None
    """between the gradients and the differences of the network's own loss, relative"""
    trouble: Trouble | None = None
    modified: list[str] = field(default_factory=list)
    """names of given arrays that were changed"""
    warnings: list[Trouble] = field(default_factory=list)
    """NumPy's"""

    def tensors(self, kind: str) -> Tensors:
        """Return the gradients, outputs or parameters, as they are compared."""
        return comparable(self.gradients) if kind == GRADIENTS else dict(vars(self)[kind])

    def not_finite(self) -> list[str]:
        """Return the names of the loss, gradients and outputs that are not finite."""
        asked = {"C": self.loss, **self.gradients, **self.outputs}
        arrays = {name: tensor for name, tensor in asked.items() if tensor is not None and tensor.dtype.kind == "f"}
        return [name for name, tensor in arrays.items() if not np.isfinite(tensor).all()]


Answers = dict[str, Answer]
"""scene -> what came of it"""


def comparable(gradients: Tensors) -> Tensors:
    """Return gradients with bias gradients of one axis; a missing one counts as 0."""
    rows = {name[2:]: np.shape(tensor)[:1] for name, tensor in gradients.items() if name.startswith("dW")}
    return {
        name: np.zeros(rows[name[2:]]) if tensor is None else tensor.reshape(-1) if name.startswith("db") else tensor
        for name, tensor in gradients.items()
    }
