"""The findings of checks, as data; `words.sentence` turns them into text."""

from dataclasses import dataclass
from typing import Any, Final

RAISED: Final = "raised"
MISSING: Final = "missing"
DTYPE: Final = "dtype"
SHAPE: Final = "shape"
CHANGED: Final = "changed"
"""a given array"""
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
"""a larger error than float32 explains"""


@dataclass(frozen=True)
class Finding:
    """One difference from a correct network."""

    kind: str
    """one of the constants above"""
    scene: str = ""
    tensor: str = ""
    """dW1, db1, ..., W1, b1, ..., a_L, C, x, y, order"""
    error: float = 0.0
    """relative to the tensor, or for a step to the correct change"""
    got: Any = None
    expected: Any = None


Findings = tuple[Finding, ...]
"""The findings of a check; empty if it holds."""
