"""From answers to checks: each holds one thing that a right network does, and says by how much it is not so."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np

from impls.numpy_scratch import Network as Reference
from shared.agreement import rounding
from shared.diagnosis.probe import Answer, Answers, Probe, ask_all, probes
from shared.diagnosis.subject import Subject
from shared.interface import named
from shared.spec import NetworkSpec

ROUNDINGS: Final = 100
"""Unit roundoffs that the loss, and a step, may be off."""
DIFFERENCES: Final = 1e-5
"""What central differences of a float64 loss may be off, relative to the gradient."""
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


# ---- The checks ----------------------------------------------------------------------------------------
# Case -> "" where it holds, what is wrong where it does not, None where there is nothing to check.

Check = Callable[[Case], str | None]


def runs(case: Case) -> str | None:
    """Every scene that is asked for in the network's own sizes ends without an exception."""
    shaped = ("square", "all square", "differences", READ_ONLY)
    for scene, answer in case.answers.items():
        if answer.trouble and scene not in shaped:
            return f"{scene}: {answer.trouble.message}"
    return ""


def shapes(case: Case) -> str | None:
    """Gradients and outputs have the shapes of the parameters and of (n, n_out), and a floating dtype."""
    answer, expected = case.answers["first"], case.expected["first"]
    if answer.trouble:
        return None
    for name, tensor in expected.tensors.items():
        found = answer.tensors.get(name)
        if name == "C":
            continue
        if found is None:
            return f"{name}: there is none"
        if found.dtype.kind != "f":
            return f"{name}: dtype {found.dtype}"
        fits = found.shape == tensor.shape or (name.startswith("db") and found.size == tensor.size)
        if not fits:
            return f"{name}: shape {found.shape}, expected {tensor.shape}"
    return ""


def leaves_inputs(case: Case) -> str | None:
    """No array that is given is changed."""
    modified = dict.fromkeys(name for answer in case.answers.values() for name in answer.modified)
    return f"changed: {', '.join(modified)}" if modified else ""


def _same(case: Case, one: str, other: str) -> str | None:
    if case.answers[one].trouble or case.answers[other].trouble or shapes(case):
        return None
    off = distance(gradients_in(case.answers[other]), gradients_in(case.answers[one]))
    return (
        "" if off <= ROUNDINGS * rounding.UNIT_ROUNDOFF["float32"] else f"the same call gave gradients {off:.1e} away"
    )


def remembers_nothing(case: Case) -> str | None:
    """The gradients of a batch are the same when they are asked for again, or after another batch."""
    return _same(case, "first", "again") or _same(case, "first", "after another")


def repeats(case: Case) -> str | None:
    """Another network, built alike, has the same gradients."""
    return _same(case, "first", "fresh")


def _agrees(case: Case, scenes: tuple[str, ...], kind: str) -> str | None:
    asked = [scene for scene in scenes if not case.answers[scene].trouble]
    if not asked or shapes(case):
        return None
    for scene in asked:
        if case.precision(scene, kind) not in ("float64", "float32"):
            name, error = max(case.errors(scene, kind).items(), key=lambda item: item[1])
            return f"{scene}: {name} is off by {error:.1e}"
    return ""


def outputs(case: Case) -> str | None:
    """The outputs are the reference's."""
    return _agrees(case, ("first",), "outputs")


def gradients(case: Case) -> str | None:
    """The gradients are the reference's."""
    return _agrees(case, ("first",), "gradients")


def one_example(case: Case) -> str | None:
    """The gradients of one example alone are the reference's."""
    return _agrees(case, ("alone",), "gradients")


def square_layers(case: Case) -> str | None:
    """Square layers, which forgive a transposed matrix its shape, have the right outputs and gradients."""
    scenes = ("square", "all square")
    return _agrees(case, scenes, "outputs") or _agrees(case, scenes, "gradients")


def loss(case: Case) -> str | None:
    """The loss is the reference's."""
    found, expected = (answers["first"].tensors.get("C") for answers in (case.answers, case.expected))
    if case.answers["first"].trouble or found is None or expected is None:
        return None
    if np.size(found) != 1 or np.asarray(found).dtype.kind not in "fiu":
        return f"got an array of shape {np.shape(found)}, expected a number"
    got, right = float(np.ravel(found)[0]), float(expected)
    if abs(got - right) <= ROUNDINGS * rounding.UNIT_ROUNDOFF["float32"] * max(abs(right), 1e-3):
        return ""
    return f"{got / right:.4g} times what it should be" if right else f"{got:.4g} instead of 0"


def differences(case: Case) -> str | None:
    """The gradients are the derivatives of the network's own loss; no reference is needed for it."""
    answer = case.answers["differences"]
    if answer.trouble or "error" not in answer.tensors:
        return None
    error = float(answer.tensors["error"])
    precise = case.precision("first", "gradients") if not shapes(case) else "float64"
    if precise == "float32":
        return None  # the differences of a float32 loss say little
    return "" if error <= DIFFERENCES else f"off by {error:.1e} from the differences of its own loss"


def _steps(case: Case, scene: str) -> str | None:
    if scene not in case.answers or case.answers[scene].trouble or shapes(case):
        return None
    start = named(case.probes[scene].parameters())
    found, expected = (parameters_in(answers[scene]) for answers in (case.answers, case.expected))
    u = rounding.UNIT_ROUNDOFF["float64" if case.precision("first", "gradients") == "float64" else "float32"]
    for name, tensor in expected.items():
        moved = float(np.linalg.norm(tensor - start[name]))
        if name not in found or found[name].shape != tensor.shape:
            return f"{name}: shape {np.shape(found.get(name, ()))}, expected {tensor.shape}"
        off = float(np.linalg.norm(found[name] - tensor))
        if not off <= ROUNDINGS * u * (moved + float(np.linalg.norm(tensor))):
            return f"{name} is off by {off / moved:.1e} of what it should have moved"
    return ""


def update(case: Case) -> str | None:
    """One step of `train` moves the parameters as equation (8) says."""
    return _steps(case, "one step")


def batches(case: Case) -> str | None:
    """`train` takes a step a batch, in the order given, on a smaller last batch too."""
    return _steps(case, "three batches")


def resets(case: Case) -> str | None:
    """`reset` forgets what was trained."""
    if "reset" not in case.answers or shapes(case) != "":
        return None
    return _same(case, "first", "reset")


def finite(case: Case) -> str | None:
    """Outputs, loss and gradients stay finite where z is large."""
    for scene in ("large inputs", "large outputs"):
        answer = case.answers[scene]
        bad = [
            name
            for name, tensor in answer.tensors.items()
            if tensor is not None and tensor.dtype.kind == "f" and not np.isfinite(tensor).all()
        ]
        if bad:
            return f"{scene}: not finite: {', '.join(bad)}"
    return ""


def precise(case: Case) -> str | None:
    """In float32 the gradients have the digits of float32."""
    answer = case.answers["float32"]
    if answer.trouble or shapes(case) or gradients(case):
        return None
    bounds = case.bounds("float32", "float32")
    for name, error in case.errors("float32", "gradients").items():
        if not error <= bounds[name]:
            return f"{name} is off by {error:.1e}, float32 explains {bounds[name]:.1e}"
    return ""


CHECKS: Final[Mapping[str, Check]] = {
    "runs": runs,
    "shapes": shapes,
    "inputs kept": leaves_inputs,
    "no memory": remembers_nothing,
    "repeatable": repeats,
    "outputs": outputs,
    "gradients": gradients,
    "one example": one_example,
    "square layers": square_layers,
    "own loss": differences,
    "loss": loss,
    "update": update,
    "batches": batches,
    "reset": resets,
    "large z": finite,
    "float32": precise,
}


def check_all(case: Case) -> dict[str, str | None]:
    """Return what each check has to say."""
    with np.errstate(all="ignore"):
        return {name: check(case) for name, check in CHECKS.items()}
