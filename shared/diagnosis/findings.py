"""What a check finds, as data; `words.sentence` puts it into words."""

from dataclasses import dataclass
from typing import Any, Final

RAISED: Final = "raised"
MISSING: Final = "missing"
DTYPE: Final = "dtype"
SHAPE: Final = "shape"
CHANGED: Final = "changed"
"""an array that was given"""
NOT_REPEATED: Final = "not repeated"
OFF: Final = "off"
NOT_A_NUMBER: Final = "not a number"
FACTOR: Final = "factor"
"""of the loss"""
NOT_ZERO: Final = "not zero"
OWN_LOSS: Final = "own loss"
STEP: Final = "step"
NOT_FINITE: Final = "not finite"
ROUGH: Final = "rough"
"""further off than float32 explains"""


@dataclass(frozen=True)
class Finding:
    """One thing that a right network would do otherwise."""

    kind: str
    """one of those above"""
    scene: str = ""
    tensor: str = ""
    """dW1, db1, ..., W1, b1, ..., a_L, C, x, y, order"""
    error: float = 0.0
    """relative: to the tensor, and with a step to what it should have moved"""
    got: Any = None
    expected: Any = None


Findings = tuple[Finding, ...]
"""What a check finds: nothing where it holds."""
