"""The one table of tolerances: relative L2 error per tensor against the float64 reference.

They are never loosened to make a test pass; the largest measured errors are beside each.
"""

from typing import Final, NamedTuple


class Tolerance(NamedTuple):
    """A limit, and the largest errors measured."""

    limit: float
    gradients_measured: float
    """the worst gradient tensor of all specs and implementations in tests/impls/test_contract.py"""
    parameters_measured: float
    """the same for the parameters after 1, 10 and 100 steps"""


# The margin is a factor of 230 in float64 and of 2 in float32. On MNIST with the default spec the worst gradients
# were 1.5e-15 and 8e-7.
TOLERANCES: Final = {
    "float64": Tolerance(limit=1e-12, gradients_measured=2.9e-15, parameters_measured=4.3e-15),
    "float32": Tolerance(limit=1e-5, gradients_measured=8.2e-7, parameters_measured=4.6e-6),
}
