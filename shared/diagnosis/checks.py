"""The checks: each holds one thing that a right network does, and says by how much it is not so.

A check takes a `Case` and returns "" where it holds, what is wrong where it does not, None where nothing was asked.
"""

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from shared.agreement import rounding
from shared.diagnosis.case import READ_ONLY, Case, distance, gradients_in, parameters_in
from shared.interface import named

ROUNDINGS: Final = 100
"""Unit roundoffs that the loss, and a step, may be off."""
DIFFERENCES: Final = 1e-5
"""What central differences of a float64 loss may be off, relative to the gradient."""


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
