"""The error budget of gradients: what each tensor is off, what rounding explains of it, and the headroom between."""

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
        """Return the problem of the very same numbers in float64."""
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
    """relative L2 error against the float64 reference; nan where the gradient is not finite"""
    bound: float
    """what rounding explains; inf where there is no telling"""
    ulps: float
    """largest error of an element, in units in the last place of the tensor's largest"""

    @property
    def headroom(self) -> float:
        """How many times larger the bound is than the error: above 1 for rounding, far below it for a mistake."""
        if np.isnan(self.error):
            return 0.0
        return self.bound / self.error if self.error != 0 else float("inf")

    @property
    def verdict(self) -> str:
        """Say what the error is: "exact", "rounding", "not rounding", or "inconclusive"."""
        if self.error == 0:
            return "exact"
        if not self.bound <= INCONCLUSIVE:
            return "inconclusive"
        return "rounding" if self.error <= self.bound else "not rounding"


def loss_and_gradients(network_class: Any, problem: Problem) -> tuple[float, Parameters]:
    """Let an implementation solve a problem; called in its process."""
    network = network_class(problem.spec, problem.training, problem.parameters)
    with np.errstate(all="ignore"):  # what overflows is to be found out here, not warned of
        answer: tuple[float, Parameters] = network.loss_and_gradients(problem.x, problem.y)
    return answer


def entries(implementation: str, problem: Problem, gradients: Parameters, reference: Parameters) -> list[Entry]:
    """Return what each tensor of an implementation's gradients is off; ValueError where a shape is another."""
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
