"""A network's answers beside the reference's: how far they are apart, and which dtype's rounding explains it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from impls.numpy_scratch import Network as Reference
from shared.agreement import rounding
from shared.diagnosis.probe import Answer, Answers, Probe
from shared.diagnosis.scenes import ask_all, probes
from shared.diagnosis.subject import Subject
from shared.spec import NetworkSpec

COLLINEAR: Final = 0.999
"""Rounding errors point anywhere; an error that lies along the gradient by so much of its length is a factor."""
GRADIENT_SCENES: Final = ("first", "alone", "square", "all square")
OUTPUT_SCENES: Final = ("first", "square", "all square")
READ_ONLY: Final = "read-only"
"""A scene once more with arrays that cannot be changed, so that the line is told that tries to."""
PRECISIONS: Final = ("float64", "float32", "float16")

Tensors = dict[str, Any]


def reference_subject(network_class: Any = Reference) -> Subject:
    """Return a class of ours as a subject."""
    return Subject(network_class, None, trains=True, constants={})


def gradients_in(answer: Answer) -> Tensors:
    """Return the gradients of an answer; a bias that has none counts as 0."""
    given = {name: tensor for name, tensor in answer.tensors.items() if name.startswith("d")}
    found = {}
    for name, tensor in given.items():
        if tensor is None:
            found[name] = np.zeros(given["dW" + name[2:]].shape[:1])
        else:
            found[name] = tensor.reshape(-1) if name[1] == "b" else tensor
    return found


def parameters_in(answer: Answer) -> Tensors:
    """Return the parameters of an answer."""
    return {name: tensor for name, tensor in answer.tensors.items() if name[0] in "Wb"}


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
class Case:
    """A subject's answers beside the reference's."""

    spec: NetworkSpec
    answers: Answers

    @cached_property
    def expected(self) -> Answers:
        """What the reference answers."""
        return ask_all(reference_subject(), self.spec)

    @cached_property
    def probes(self) -> dict[str, Probe]:
        """What was asked with."""
        return probes(self.spec)

    def bounds(self, scene: str, dtype: str) -> dict[str, float]:
        """Return what rounding explains of dW1, db1, ... and a_L in a scene."""
        probe = self.probes[scene]
        n = 1 if scene == "alone" else probe.n
        x, y = probe.data()
        traced = rounding.trace(probe.spec, probe.parameters(), x[:n], y[:n], dtype)
        found = {name: rounding.relative(*rounded) for name, rounded in traced.items() if name.startswith(("dW", "db"))}
        last = f"a{len(probe.spec.shapes)}"
        return {**found, "a_L": rounding.relative(*traced[last])}

    def errors(self, scene: str, kind: str) -> dict[str, float]:
        """Return the relative L2 error of each tensor; `kind` is "gradients", "outputs" or "parameters"."""
        found, expected = (tensors_of(answers[scene], kind) for answers in (self.answers, self.expected))
        return {name: distance({name: found.get(name)}, {name: tensor}) for name, tensor in expected.items()}

    def precision(self, scene: str, kind: str) -> str | None:
        """Return the dtype whose rounding explains all errors of a scene; None where none of them does."""
        errors = self.errors(scene, kind)
        found, expected = (tensors_of(answers[scene], kind) for answers in (self.answers, self.expected))
        for dtype in PRECISIONS:
            bounds = self.bounds(scene, dtype)
            if all(error <= bounds[name] for name, error in errors.items()):
                # within float16's wide bounds a factor, too, has to be told from rounding
                return None if dtype == "float16" and _collinear(found, expected) else dtype
        return None


def tensors_of(answer: Answer, kind: str) -> Tensors:
    """Return the gradients, outputs or parameters of an answer."""
    if kind == "gradients":
        return gradients_in(answer)
    if kind == "parameters":
        return parameters_in(answer)
    return {name: tensor for name, tensor in answer.tensors.items() if name == "a_L"}


def _collinear(found: Tensors, expected: Tensors) -> bool:
    """Return whether the errors of all tensors together are a factor rather than rounding."""
    c, r = (np.concatenate([np.ravel(tensors[name]) for name in expected]) for tensors in (found, expected))
    error, norm = np.linalg.norm(c - r), float(np.linalg.norm(r))
    return bool(len(r) > 1 and error > 0 and norm > 0 and abs((c - r) @ r) / norm > COLLINEAR * error)
