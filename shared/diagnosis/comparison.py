"""A network's answers beside the reference's: how far they are apart, and which dtype's rounding explains it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from impls.numpy_scratch import Network as Reference
from shared.agreement import rounding
from shared.diagnosis.answers import GRADIENTS, OUTPUTS, PARAMETERS, Answers, Tensors
from shared.diagnosis.inputs import Inputs
from shared.diagnosis.scenes import ask_all, inputs_of
from shared.diagnosis.subject import Subject
from shared.spec import NetworkSpec

COLLINEAR: Final = 0.999
"""Rounding errors point anywhere; an error that lies along the gradient by so much of its length is a factor."""
SCENES_OF: Final = {
    OUTPUTS: ("first", "square", "all square"),
    GRADIENTS: ("first", "alone", "square", "all square"),
    PARAMETERS: ("one step", "three batches"),
}
"""kind of tensors -> the scenes that have them"""
READ_ONLY: Final = "read-only"
"""A scene once more with arrays that cannot be changed, which gives the line that tries to."""
PRECISIONS: Final = ("float64", "float32", "float16")


def distance(found: Tensors, expected: Tensors, scale: Tensors | None = None) -> float:
    """Return the largest relative L2 distance of a tensor; inf where names, shapes or finiteness differ.

    A tensor is measured by its own size, or by a thousandth of all together where it is smaller: it may be 0.
    """
    if found.keys() != expected.keys():
        return float("inf")
    worst = 0.0
    sizes = {name: float(np.linalg.norm(tensor)) for name, tensor in (scale or expected).items()}
    least = 1e-3 * max(sizes.values(), default=0.0)
    for name, tensor in expected.items():
        if np.shape(found[name]) != np.shape(tensor) or np.asarray(found[name]).dtype.kind not in "fiu":
            return float("inf")
        difference = float(np.linalg.norm(np.asarray(found[name], np.float64) - tensor))
        if difference > 0 or not np.isfinite(difference):
            size = max(sizes[name], least)
            worst = max(worst, difference / size if size > 0 and np.isfinite(difference) else float("inf"))
    return worst


@dataclass
class Comparison:
    """A network's answers beside the reference's."""

    spec: NetworkSpec
    answers: Answers

    @cached_property
    def expected(self) -> Answers:
        """What the reference answers."""
        return ask_all(Subject(Reference), self.spec)

    @cached_property
    def inputs(self) -> dict[str, Inputs]:
        """What was asked with."""
        return inputs_of(self.spec)

    def both(self, scene: str, kind: str) -> tuple[Tensors, Tensors]:
        """Return the tensors of a kind that were found in a scene, and those of the reference."""
        return self.answers[scene].tensors(kind), self.expected[scene].tensors(kind)

    def bounds(self, scene: str, dtype: str) -> dict[str, float]:
        """Return what rounding explains of dW1, db1, ... and a_L in a scene."""
        inputs = self.inputs[scene]
        n = 1 if scene == "alone" else inputs.n
        x, y = inputs.data()
        traced = rounding.trace(inputs.spec, inputs.parameters(), x[:n], y[:n], dtype)
        found = {f"d{name}": rounding.relative(*rounded) for name, rounded in rounding.gradients(traced).items()}
        return {**found, "a_L": rounding.relative(*traced[rounding.Quantity("a", len(inputs.spec.layers))])}

    def errors(self, scene: str, kind: str) -> dict[str, float]:
        """Return the relative L2 error of each tensor of a kind."""
        found, expected = self.both(scene, kind)
        return {name: distance({name: found.get(name)}, {name: tensor}) for name, tensor in expected.items()}

    def precision(self, scene: str, kind: str) -> str | None:
        """Return the dtype whose rounding explains all errors of a scene; None where none of them does."""
        errors = self.errors(scene, kind)
        for dtype in PRECISIONS:
            bounds = self.bounds(scene, dtype)
            if all(error <= bounds[name] for name, error in errors.items()):
                # within float16's wide bounds a factor must not pass for rounding
                return None if dtype == "float16" and _collinear(*self.both(scene, kind)) else dtype
        return None

    def is_off(self, scene: str, kind: str) -> bool:
        """Return whether float32 does not explain what a scene's tensors are off; False for one that raised."""
        return not self.answers[scene].trouble and self.precision(scene, kind) not in ("float64", "float32")


def _collinear(found: Tensors, expected: Tensors) -> bool:
    """Return whether the errors of all tensors together are a factor rather than rounding."""
    c, r = (np.concatenate([np.ravel(tensors[name]) for name in expected]) for tensors in (found, expected))
    error, norm = np.linalg.norm(c - r), float(np.linalg.norm(r))
    return bool(len(r) > 1 and error > 0 and norm > 0 and abs((c - r) @ r) / norm > COLLINEAR * error)
