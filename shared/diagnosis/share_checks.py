"""The checks of a network whose batches are shared: with workers and micro-batches it computes what it does without."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np

from shared.agreement import rounding
from shared.diagnosis import findings
from shared.diagnosis import shares as scenes
from shared.diagnosis.answers import GRADIENTS, Answers, Tensors
from shared.diagnosis.checks import ROUNDINGS, compared_steps, is_number, misfits
from shared.diagnosis.comparison import bounds_at, distance
from shared.diagnosis.findings import Finding, Findings
from shared.diagnosis.shares import Shared

CLOSE: Final = {"float64": 1e-6, "float32": 1e-2}
"""Error of a training with an optimizer that divides by small numbers, relative to what it changes."""


@dataclass
class Compared:
    """The answers of a network, with shares, and of the reference, without."""

    shared: Shared
    answers: Answers
    expected: Answers
    with_state: Shared
    """with an optimizer that has a state, if the file has one"""
    state: Answers = field(default_factory=dict)
    """with that optimizer"""
    expected_state: Answers = field(default_factory=dict)

    def start(self, scene: str) -> str:
        """Return at which parameters a scene computes its gradients, or from which it trains."""
        return "B" if scene in (scenes.AGAIN, scenes.SECOND) else "A"

    def gradients(self, scene: str) -> Findings | None:
        """Compare the gradients of a scene."""
        if scene not in self.answers or self.answers[scene].trouble:
            return None
        if unfit := misfits(scene, self.answers[scene].gradients, self.expected[scene].gradients):
            return unfit
        if not is_finite(self.answers[scene].gradients):
            return (Finding(findings.NOT_FINITE, scene, "the gradient"),)
        errors, bounds = self.errors(scene), self.bounds(scene, "float32")
        name, error = max(errors.items(), key=lambda item: item[1] / bounds[item[0]])
        return () if error <= bounds[name] else (Finding(findings.OFF, scene, name, error),)

    def errors(self, scene: str) -> dict[str, float]:
        """Return the relative error of each gradient of a scene."""
        found, expected = self.answers[scene].tensors(GRADIENTS), self.expected[scene].tensors(GRADIENTS)
        return {name: distance({name: found.get(name)}, {name: tensor}) for name, tensor in expected.items()}

    def bounds(self, scene: str, dtype: str) -> dict[str, float]:
        """Return the relative error of each gradient that rounding explains."""
        n = self.shared.examples(scene)
        x, y = self.shared.data()
        return bounds_at(self.shared.inputs.spec, self.shared.parameters(self.start(scene)), x[:n], y[:n], dtype)

    @cached_property
    def dtype(self) -> str:
        """The dtype in which the network computes."""
        answer = self.answers.get(scenes.BUILT)
        if answer is None or answer.trouble:
            return "float32"
        bounds, errors = self.bounds(scenes.BUILT, "float64"), self.errors(scenes.BUILT)
        return "float64" if all(error <= bounds[name] for name, error in errors.items()) else "float32"

    def steps(self, scene: str) -> Findings | None:
        """Compare the parameters after a training of plain gradient descent."""
        if scene not in self.answers or self.answers[scene].trouble:
            return None
        found = self.answers[scene].parameters
        if unfit := misfits(scene, found, self.expected[scene].parameters):
            return unfit
        if not is_finite(found):
            return (Finding(findings.NOT_FINITE, scene, "the parameters"),)
        # gradients that are wrong do not say in which dtype they were computed
        dtype = "float32" if self.gradients(scenes.BUILT) else self.dtype
        start = self.shared.parameters(self.start(scene))
        return compared_steps(scene, start, found, self.expected[scene].parameters, dtype)

    def stateful(self, scene: str) -> Findings | None:
        """Compare the parameters after a training with an optimizer that has a state."""
        if scene not in self.state or self.state[scene].trouble:
            return None
        found, expected = self.state[scene].parameters, self.expected_state[scene].parameters
        if unfit := misfits(scene, found, expected):
            return unfit
        if not is_finite(found):
            return (Finding(findings.NOT_FINITE, scene, "the parameters"),)
        start = self.shared.parameters("A")
        off, moved = flat_norm(found, expected), flat_norm(expected, start)
        return () if off <= CLOSE[self.dtype] * moved else (Finding(findings.STEP, scene, "theta", off / moved),)

    @property
    def troubles(self) -> Findings:
        """The first exception."""
        both = [*self.answers.items(), *self.state.items()]
        raised = [Finding(findings.RAISED, name, got=each.trouble.message) for name, each in both if each.trouble]
        return tuple(raised[:1])


def is_finite(tensors: Tensors) -> bool:
    """Return whether all tensors are there, and finite."""
    return all(t is not None and t.dtype.kind in "fiu" and np.isfinite(t).all() for t in tensors.values())


def flat_norm(found: Tensors, other: Tensors) -> float:
    """Return the L2 norm of a difference of all parameters."""
    return float(np.sqrt(sum(np.sum((found[name] - tensor) ** 2) for name, tensor in other.items())))


def first_of(compare: Callable[[str], Findings | None], names: tuple[str, ...]) -> Findings | None:
    """Return the first finding in some scenes; () if there is none, None if no scene was compared."""
    found = [compare(name) for name in names]
    return next((each for each in found if each), None if all(each is None for each in found) else ())


def keeps_inputs(c: Compared) -> Findings:
    """No given array is changed."""
    both = [*c.answers.values(), *c.state.values()]
    return tuple(Finding(findings.CHANGED, tensor=name) for name in {n: 0 for each in both for n in each.modified})


def loss(c: Compared) -> Findings | None:
    """Compare the loss of the whole batch."""
    answer = c.answers.get(scenes.BUILT)
    if answer is None or answer.trouble or answer.loss is None:
        return None
    if not is_number(answer.loss):
        return (Finding(findings.NOT_A_NUMBER, scenes.BUILT, "C", got=answer.loss.shape),)
    got, right = float(np.ravel(answer.loss)[0]), float(np.ravel(c.expected[scenes.BUILT].loss)[0])
    is_right = abs(got - right) <= ROUNDINGS * rounding.UNIT_ROUNDOFF["float32"] * max(abs(right), 1e-3)
    return () if is_right else (Finding(findings.FACTOR, scenes.BUILT, "C", got=got / right),)


SHARE_CHECKS: Final[Mapping[str, Callable[[Compared], Findings | None]]] = {
    "shared: runs": lambda c: c.troubles,
    "shared: inputs kept": keeps_inputs,
    "shared: gradients": lambda c: c.gradients(scenes.BUILT),
    "shared: update": lambda c: c.steps(scenes.FIRST),
    "shared: reset": lambda c: first_of(
        lambda name: c.steps(name) if name == scenes.SECOND else c.gradients(name),
        (scenes.AGAIN, scenes.SECOND, scenes.BACK),
    ),
    "shared: batches": lambda c: c.steps(scenes.BATCHES),
    "shared: few examples": lambda c: first_of(c.gradients, scenes.SMALL_SCENES),
    "shared: optimizer": lambda c: first_of(c.stateful, (scenes.TRAINED, scenes.RETRAINED)),
    "shared: loss": loss,
}
"""check -> its findings, () if it holds, None if it was not tested"""
