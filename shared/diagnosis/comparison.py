"""The answers of a network and of the reference: their difference, and the dtype whose rounding explains it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np

from impls.numpy_scratch import Network as Reference
from shared.agreement import rounding
from shared.agreement.metrics import norm
from shared.diagnosis.answers import GRADIENTS, OUTPUTS, PARAMETERS, Answers, Tensors
from shared.diagnosis.inputs import Inputs
from shared.diagnosis.limit import OutOfTime, require_time
from shared.diagnosis.scenes import ask_all, inputs_of
from shared.diagnosis.subject import Subject
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec

COLLINEAR: Final = 0.999
"""Rounding errors have random directions; an error with this share of its length along the gradient is a factor."""
COARSE: Final = 0.05
"""The largest error that is still taken for that of float16."""
SCENES_OF: Final = {
    OUTPUTS: ("first", "square", "all square"),
    GRADIENTS: ("first", "equal maxima", "alone", "square", "all square"),
    PARAMETERS: ("one step", "three batches"),
}
"""kind of tensors -> the scenes that have them; not every network has every scene"""
READ_ONLY: Final = "read-only"
"""A scene repeated with read-only arrays, which shows the line that tries to change one."""
PRECISIONS: Final = ("float64", "float32", "float16")


def distance(found: Tensors, expected: Tensors, scale: Tensors | None = None) -> float:
    """Return the largest relative L2 distance of a tensor; inf if names, shapes or finiteness differ.

    A distance is relative to the norm of its tensor, or to a thousandth of the largest norm if that is larger: a
    tensor may be 0.
    """
    if found.keys() != expected.keys():
        return float("inf")
    worst = 0.0
    sizes = {name: norm(np.asarray(tensor, np.float64)) for name, tensor in (scale or expected).items()}
    least = 1e-3 * max(sizes.values(), default=0.0)
    for name, tensor in expected.items():
        if np.shape(found[name]) != np.shape(tensor) or np.asarray(found[name]).dtype.kind not in "fiu":
            return float("inf")
        difference = norm(np.asarray(found[name], np.float64) - tensor)
        if difference > 0 or not np.isfinite(difference):
            size = max(sizes[name], least)
            worst = max(worst, difference / size if size > 0 and np.isfinite(difference) else float("inf"))
    return worst


@dataclass
class Comparison:
    """The answers of a network and of the reference."""

    spec: NetworkSpec
    answers: Answers
    cut: bool = False
    """whether the time limit has cut something off"""

    @contextmanager
    def in_time(self) -> Iterator[None]:
        """Leave the block when the time limit is over."""
        try:
            yield
        except OutOfTime:
            self.cut = True

    @cached_property
    def expected(self) -> Answers:
        """The answers of the reference in the scenes in which they are compared."""
        return ask_all(Subject(Reference), self.spec, set().union(*SCENES_OF.values()))

    @cached_property
    def inputs(self) -> dict[str, Inputs]:
        """The inputs of each scene."""
        return inputs_of(self.spec)

    def both(self, scene: str, kind: str) -> tuple[Tensors, Tensors]:
        """Return the tensors of a kind in a scene, of the network and of the reference.

        The reference is float64, in the scene "float32", too: it has the parameters and the examples of "first", and a
        reference in float32 would round, and underflow, itself.
        """
        reference = "first" if scene == "float32" else scene
        return self.answers[scene].tensors(kind), self.expected[reference].tensors(kind)

    def bounds(self, scene: str, dtype: str) -> dict[str, float]:
        """Return the relative error that rounding explains in dW1, db1, ... and a_L in a scene."""
        inputs = self.inputs[scene]
        return _bounds(inputs, 1 if scene == "alone" else inputs.n, dtype)

    def errors(self, scene: str, kind: str) -> dict[str, float]:
        """Return the relative L2 error of each tensor of a kind."""
        found, expected = self.both(scene, kind)
        return {name: distance({name: found.get(name)}, {name: tensor}) for name, tensor in expected.items()}

    def precision(self, scene: str, kind: str) -> str | None:
        """Return the dtype whose rounding explains all errors of a scene; None if none does."""
        errors = self.errors(scene, kind)
        for dtype in PRECISIONS:
            bounds = self.bounds(scene, dtype)
            if all(error <= bounds[name] for name, error in errors.items()):
                # within the wide bounds of float16 a factor, or another direction, must not count as rounding
                if dtype == "float16" and (max(errors.values()) > COARSE or _collinear(*self.both(scene, kind))):
                    return None
                return dtype
        return None

    def is_off(self, scene: str, kind: str) -> bool:
        """Return whether a scene has errors that float32 does not explain; False if it raised an exception."""
        return not self.answers[scene].trouble and self.precision(scene, kind) not in ("float64", "float32")


@lru_cache(maxsize=64)
def _bounds(inputs: Inputs, n: int, dtype: str) -> dict[str, float]:
    require_time()
    x, y = inputs.data()
    return bounds_at(inputs.spec, inputs.parameters(), x[:n], y[:n], dtype)


def bounds_at(spec: NetworkSpec, parameters: Parameters, x: Array, y: Labels, dtype: str) -> dict[str, float]:
    """Return the relative error that rounding explains in dW1, db1, ... and a_L of a batch."""
    traced = rounding.trace(spec, parameters, x, y, dtype)
    found = {f"d{name}": rounding.relative(*rounded) for name, rounded in rounding.gradients(traced).items()}
    return {**found, "a_L": rounding.relative(*traced[rounding.Quantity("a", len(spec.layers))])}


def _collinear(found: Tensors, expected: Tensors) -> bool:
    """Return whether the errors of all tensors together are a factor instead of rounding."""
    c, r = (np.concatenate([np.ravel(tensors[name]) for name in expected]) for tensors in (found, expected))
    error, size = np.linalg.norm(c - r), float(np.linalg.norm(r))
    return bool(len(r) > 1 and error > 0 and size > 0 and abs((c - r) @ r) / size > COLLINEAR * error)
