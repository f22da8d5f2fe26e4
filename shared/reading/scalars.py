"""Numbers that a file computes: real ones, and complex ones where its parameters are shifted by a complex step."""

from typing import Any, Final

import numpy as np

REAL_OR_COMPLEX: Final = "fc"
"""Kinds of dtypes."""


def is_number(value: Any) -> bool:
    """Return whether a value is one number: a scalar, or an array of one element and at most one axis."""
    return isinstance(value, (float, complex, np.inexact)) or (
        isinstance(value, np.ndarray) and value.size == 1 and value.dtype.kind in REAL_OR_COMPLEX and value.ndim <= 1
    )


def number(value: Any) -> Any:
    """Return the first number of a value as a float, or as a complex if it is complex."""
    return np.asarray(value).reshape(-1)[0].item() * 1.0
