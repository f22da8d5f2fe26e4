"""The one table of tolerances: relative L2 error per tensor against the float64 reference.

They are never loosened to pass; the measured worst stands beside each.
"""

from typing import Final, NamedTuple


class Tolerance(NamedTuple):
    """A limit and what was measured under it."""

    limit: float
    measured_default: float
    """the worst on MNIST with the default spec"""
    measured_worst: float
    """the worst of the matrix of specs in the contract suite"""


TOLERANCES: Final = {
    "float64": Tolerance(limit=1e-12, measured_default=0.0, measured_worst=0.0),
    "float32": Tolerance(limit=1e-5, measured_default=0.0, measured_worst=0.0),
}
