"""What every way of reading a file offers: its arrays, and one run of them on a batch."""

from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np

from shared.reading.batch import Batch, Form
from shared.reading.structure import Arrays, Layout

TINY_RATE: Final = 2.0**-20
"""The learning rate of a step from which gradients are taken: (theta - theta') / rate."""
RATE: Final = 0.1
"""The learning rate where gradients are returned: one that is seen if it is within them."""
DECAY: Final = 0.05
"""What a function gets for its `reg` or `lambda`."""


MANY, MOST, LIKE_ADAM = 8, 0.8, 1e-3
"""Of so many changes, more than this share have the same size, to this precision: they are no gradients."""


HIDDEN: Final = "the gradients show only in a step"


class UnreadableError(Exception):
    """A file, or a way of reading it, does not fit; the message says why, and `fits` how it does, if that is known."""

    def __init__(self, message: str, fits: str = "") -> None:
        super().__init__(message)
        self.fits = fits


@dataclass
class Run:
    """One run of a person's network on a batch."""

    outputs: np.ndarray | None = None
    """(n, n_out)"""
    loss: Any = None
    """a float; complex in a complex step"""
    gradients: dict[str, Any] = field(default_factory=dict)
    """parameter -> gradient, as it was found; without those that were not"""
    after: Arrays = field(default_factory=dict)
    """the parameters after an update of the file's own; {} if it has none"""
    rate: float = 1.0
    """of that update"""


def from_step(before: Arrays, after: Arrays, rate: float) -> Arrays:
    """Return the gradients of a step of gradient descent; UnreadableError for one that moves everything alike."""
    found = {name: (before[name] - after[name]) / rate for name in before}
    sizes = np.concatenate([np.abs(np.ravel(gradient)) for gradient in found.values()])
    sizes = sizes[sizes > 0]
    if len(sizes) >= MANY and np.mean(np.abs(sizes / np.median(sizes) - 1) < LIKE_ADAM) > MOST:
        raise UnreadableError(
            f"{HIDDEN} that moves all parameters by the same, as the first one of Adam or RMSProp does; give them "
            "names such as dW1, or return them"
        )
    return found


class Program(Protocol):
    """A file with a way of calling it."""

    layout: Layout
    arrays: Arrays
    """the parameters, with any values, in the file's layout"""
    found: list[str]
    """what is called, for the person"""
    lines: dict[str, int]
    """"forward", "backward", "loss", "update" -> the first line of what is called"""

    def run(self, arrays: Arrays, batch: Batch, form: Form, *, backward: bool = True, loss: bool = True) -> Run:
        """Run the network; the arrays are copied first. Any exception of the file's code is passed on.

        Without `backward` no gradients are needed, and without `loss` nothing that takes labels.
        """
