"""The answers of a network, scene by scene."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    Tensor = Any  # who compares has found out which are missing
else:
    Tensor = np.ndarray | None  # what may arrive from the network's process
Tensors = dict[str, Tensor]

OUTPUTS: Final = "outputs"
GRADIENTS: Final = "gradients"
PARAMETERS: Final = "parameters"
"""The kinds of tensors that are compared; the parameters are those after training."""


@dataclass(frozen=True)
class Trouble:
    """An exception, or a warning."""

    message: str
    line: int | None
    """line of the user's file, from 1; None if it was raised elsewhere"""


@dataclass
class Answer:
    """The result of a scene; what the scene does not ask for is empty."""

    loss: Tensor = None
    gradients: Tensors = field(default_factory=dict)
    """dW1, db1, ...; None if one is missing"""
    earlier: list[Tensors] = field(default_factory=list)
    """the gradients of earlier calls of the same network"""
    outputs: Tensors = field(default_factory=dict)
    """a_L"""
    parameters: Tensors = field(default_factory=dict)
    """W1, b1, ...; None if one is missing"""
    difference: float | None = None
    """relative difference between the gradients and the finite differences of the network's own loss"""
    trouble: Trouble | None = None
    modified: list[str] = field(default_factory=list)
    """names of the given arrays that were changed"""
    warnings: list[Trouble] = field(default_factory=list)
    """warnings from NumPy"""

    def tensors(self, kind: str) -> Tensors:
        """Return the gradients, outputs or parameters in the form in which they are compared."""
        return comparable(self.gradients) if kind == GRADIENTS else dict(vars(self)[kind])

    def not_finite(self) -> list[str]:
        """Return the names of the loss, gradients and outputs that are not finite."""
        asked = {"C": self.loss, **self.gradients, **self.outputs}
        arrays = {name: tensor for name, tensor in asked.items() if tensor is not None and tensor.dtype.kind == "f"}
        return [name for name, tensor in arrays.items() if not np.isfinite(tensor).all()]


Answers = dict[str, Answer]
"""scene -> answer"""


def comparable(gradients: Tensors) -> Tensors:
    """Return gradients whose bias gradients have one axis; a missing one counts as 0, one number for each unit."""
    rows = {name[2:]: np.shape(tensor)[:1] for name, tensor in gradients.items() if name.startswith("dW")}
    return {
        name: _of_each_unit(tensor, rows[name[2:]])
        if name.startswith("db")
        else np.zeros(())
        if tensor is None
        else tensor
        for name, tensor in gradients.items()
    }


def _of_each_unit(db: Any, rows: tuple[int, ...]) -> Any:
    if db is None:
        return np.zeros(rows)
    return np.full(rows, db.reshape(())) if db.size == 1 else db.reshape(-1)
