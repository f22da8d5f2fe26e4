"""The error budget of gradients: the error of each tensor, the bound that rounding explains, and the headroom."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from shared.agreement import rounding
from shared.agreement.metrics import errors
from shared.agreement.observation import INCONCLUSIVE
from shared.initial import cast
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec


@dataclass(frozen=True)
class Problem:
    """Gradients to compute: a network, its parameters and a batch, in the dtype of `training`."""

    spec: NetworkSpec
    training: TrainingSpec
    parameters: Parameters
    x: Array
    y: Labels

    def in_float64(self) -> "Problem":
        """Return the problem with exactly the same numbers in float64."""
        training = replace(self.training, dtype="float64")
        return Problem(self.spec, training, cast(self.parameters, "float64"), self.x.astype(np.float64), self.y)


@dataclass(frozen=True)
class Entry:
    """One gradient tensor of one implementation."""

    implementation: str
    network: str
    batch_size: int
    dtype: str
    tensor: str
    error: float
    """relative L2 error against the float64 reference; nan if the gradient is not finite"""
    bound: float
    """the error that rounding explains; inf if unknown"""
    ulps: float
    """largest error of an element, in units in the last place of the largest element of the tensor"""

    @property
    def headroom(self) -> float:
        """The bound divided by the error: above 1 for rounding, far below 1 for a mistake."""
        if np.isnan(self.error):
            return 0.0
        return self.bound / self.error if self.error != 0 else float("inf")

    @property
    def verdict(self) -> str:
        """What the error is: "exact", "rounding", "not rounding", or "inconclusive"."""
        if self.error == 0:
            return "exact"
        if not self.bound <= INCONCLUSIVE:
            return "inconclusive"
        return "rounding" if self.error <= self.bound else "not rounding"


def loss_and_gradients(network_class: Any, problem: Problem) -> tuple[float, Parameters]:
    """Compute the loss and the gradients of a problem; called in the process of the implementation."""
    network = network_class(problem.spec, problem.training, problem.parameters)
    with np.errstate(all="ignore"):  # an overflow is found by the comparison and needs no warning
        answer: tuple[float, Parameters] = network.loss_and_gradients(problem.x, problem.y)
    return answer


def entries(implementation: str, problem: Problem, gradients: Parameters, reference: Parameters) -> list[Entry]:
    """Return the error of each tensor of an implementation's gradients; ValueError if a shape differs."""
    exact, dtype = problem.in_float64(), problem.training.dtype
    bounds = rounding.bounds(exact.spec, exact.parameters, exact.x, exact.y, dtype)
    return [
        Entry(
            implementation=implementation,
            network=str(problem.spec),
            batch_size=len(problem.y),
            dtype=dtype,
            tensor=name,
            error=error.relative_l2,
            bound=bounds[name],
            ulps=error.ulps,
        )
        for name, error in errors(gradients, reference).items()
    ]
