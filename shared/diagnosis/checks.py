"""The checks: each tests one property of a correct network and measures by how much it is violated.

A check takes a `Comparison` and returns its findings: () if it holds, None if it was not tested.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from shared.agreement import rounding
from shared.agreement.metrics import rounded
from shared.diagnosis import findings
from shared.diagnosis.answers import GRADIENTS, OUTPUTS, PARAMETERS, Tensors
from shared.diagnosis.comparison import READ_ONLY, Comparison, distance
from shared.diagnosis.findings import Finding, Findings
from shared.diagnosis.scenes import EQUAL_MAXIMA

ROUNDINGS: Final = 100
"""Allowed error of the loss and of a step, in unit roundoffs."""
DIFFERENCES: Final = 1e-5
"""Allowed error of central differences of a float64 loss, relative to the gradient."""


Check = Callable[[Comparison], Findings | None]


def runs(c: Comparison) -> Findings | None:
    """Every scene with the network's own sizes ends without an exception."""
    shaped = ("square", "all square", "differences", READ_ONLY)
    for scene, answer in c.answers.items():
        if answer.trouble and scene not in shaped:
            return (Finding(findings.RAISED, scene, got=answer.trouble.message),)
    return ()


def shapes(c: Comparison) -> Findings | None:
    """Gradients and outputs have the shapes of the parameters and of (n, n_out), and a floating dtype.

    A bias gradient may also be one number, which is compared as that of each unit: NumPy subtracts it from all biases.
    """
    answer, expected = c.answers["first"], c.expected["first"]
    if answer.trouble:
        return None
    return misfits("first", answer.gradients | answer.outputs, {**expected.gradients, **expected.outputs})


def misfits(scene: str, given: Tensors, expected: Tensors) -> Findings:
    """Return the first tensor that is missing, or has another dtype or shape than it has to; () if there is none."""
    for name, tensor in expected.items():
        found = given.get(name)
        if found is None:
            return (Finding(findings.MISSING, scene, name),)
        if found.dtype.kind != "f":
            return (Finding(findings.DTYPE, scene, name, got=found.dtype),)
        fits = found.shape == tensor.shape or (name.startswith("db") and found.size in (1, tensor.size))
        if not fits:
            return (Finding(findings.SHAPE, scene, name, got=found.shape, expected=tensor.shape),)
    return ()


def leaves_inputs(c: Comparison) -> Findings | None:
    """No given array is changed."""
    modified = dict.fromkeys(name for answer in c.answers.values() for name in answer.modified)
    return tuple(Finding(findings.CHANGED, tensor=name) for name in modified)


def _same(c: Comparison, scene: str) -> Findings | None:
    """Compare the gradients of a scene with those of the first scene."""
    first, other = c.answers["first"], c.answers[scene]
    if first.trouble or other.trouble or shapes(c):
        return None
    off = distance(other.tensors(GRADIENTS), first.tensors(GRADIENTS))
    is_same = off <= ROUNDINGS * rounding.UNIT_ROUNDOFF["float32"]
    return () if is_same else (Finding(findings.NOT_REPEATED, scene, error=off),)


def remembers_nothing(c: Comparison) -> Findings | None:
    """The gradients of a batch are the same in a second call, and after another batch."""
    return _same(c, "again") or _same(c, "after another")


def repeats(c: Comparison) -> Findings | None:
    """Another network built in the same way has the same gradients."""
    return _same(c, "fresh")


def _agrees(c: Comparison, scenes: tuple[str, ...], kind: str) -> Findings | None:
    asked = [scene for scene in scenes if scene in c.answers and not c.answers[scene].trouble]
    if not asked or shapes(c):
        return None
    for scene in asked:
        if c.is_off(scene, kind):
            name, error = max(c.errors(scene, kind).items(), key=lambda item: rounded(item[1]))
            return (Finding(findings.OFF, scene, name, error),)
    return ()


def outputs(c: Comparison) -> Findings | None:
    """The outputs are those of the reference."""
    return _agrees(c, ("first",), OUTPUTS)


def gradients(c: Comparison) -> Findings | None:
    """The gradients are those of the reference."""
    return _agrees(c, ("first", EQUAL_MAXIMA), GRADIENTS)


def one_example(c: Comparison) -> Findings | None:
    """The gradients of a single example are those of the reference."""
    return _agrees(c, ("alone",), GRADIENTS)


def square_layers(c: Comparison) -> Findings | None:
    """Square layers, in which a transposed matrix fits, have the correct outputs and gradients."""
    scenes = ("square", "all square")
    return _agrees(c, scenes, OUTPUTS) or _agrees(c, scenes, GRADIENTS)


def is_number(loss: Any) -> bool:
    """Return whether a loss is one number."""
    return loss.size == 1 and loss.dtype.kind in "fiu"


def loss(c: Comparison) -> Findings | None:
    """The loss is that of the reference."""
    found, expected = (answers["first"].loss for answers in (c.answers, c.expected))
    if c.answers["first"].trouble or found is None:
        return None
    if not is_number(found):
        return (Finding(findings.NOT_A_NUMBER, "first", "C", got=found.shape),)
    got, right = float(np.ravel(found)[0]), float(expected)
    if abs(got - right) <= ROUNDINGS * rounding.UNIT_ROUNDOFF["float32"] * max(abs(right), 1e-3):
        return ()
    kind, value = (findings.FACTOR, got / right) if right else (findings.NOT_ZERO, got)
    return (Finding(kind, "first", "C", got=value),)


def differences(c: Comparison) -> Findings | None:
    """The gradients are the derivatives of the network's own loss; this needs no reference."""
    answer = c.answers["differences"]
    if answer.trouble or answer.difference is None:
        return None
    if not shapes(c) and c.precision("first", GRADIENTS) == "float32":
        return None  # differences of a float32 loss are too inaccurate
    error = answer.difference
    return () if error <= DIFFERENCES else (Finding(findings.OWN_LOSS, "differences", "C", error),)


def _steps(c: Comparison, scene: str) -> Findings | None:
    if scene not in c.answers or c.answers[scene].trouble or shapes(c):
        return None
    start = c.inputs[scene].parameters()
    found, expected = c.both(scene, PARAMETERS)
    dtype = "float64" if c.precision("first", GRADIENTS) == "float64" else "float32"
    return compared_steps(scene, start, found, expected, dtype)


def compared_steps(scene: str, start: Tensors, found: Tensors, expected: Tensors, dtype: str) -> Findings:
    """Return whether parameters were changed from `start` as expected, but for the rounding of a dtype."""
    # where training diverges, it magnifies its own rounding as much as the parameters
    moves = {name: float(np.linalg.norm(tensor - start[name])) for name, tensor in expected.items()}
    growth = max(1.0, *(moves[name] / float(np.linalg.norm(start[name])) for name in moves))
    allowed = ROUNDINGS * rounding.UNIT_ROUNDOFF[dtype] * growth
    for name, tensor in expected.items():
        if found.get(name) is None:
            return (Finding(findings.MISSING, scene, name),)
        if np.shape(found[name]) != tensor.shape:
            return (Finding(findings.SHAPE, scene, name, got=np.shape(found[name]), expected=tensor.shape),)
        moved, off = moves[name], float(np.linalg.norm(found[name] - tensor))
        if not off <= allowed * (moved + float(np.linalg.norm(tensor))):
            return (Finding(findings.STEP, scene, name, off / moved if moved else float("inf")),)
    return ()


def update(c: Comparison) -> Findings | None:
    """One step of `train` changes the parameters according to equation (8)."""
    return _steps(c, "one step")


def batches(c: Comparison) -> Findings | None:
    """`train` takes one step per batch, in the given order, including a smaller last batch."""
    return _steps(c, "three batches")


def resets(c: Comparison) -> Findings | None:
    """`reset` discards what was trained."""
    return _same(c, "reset") if "reset" in c.answers else None


def finite(c: Comparison) -> Findings | None:
    """Outputs, loss and gradients stay finite for large z."""
    for scene in ("large inputs", "large outputs"):
        if bad := c.answers[scene].not_finite():
            return tuple(Finding(findings.NOT_FINITE, scene, name) for name in bad)
    return ()


def precise(c: Comparison) -> Findings | None:
    """In float32 the gradients have the precision of float32."""
    if c.answers["float32"].trouble or shapes(c) or gradients(c):
        return None
    bounds = c.bounds("float32", "float32")
    for name, error in c.errors("float32", GRADIENTS).items():
        if not error <= bounds[name]:
            return (Finding(findings.ROUGH, "float32", name, error, expected=bounds[name]),)
    return ()


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


def check_all(c: Comparison) -> dict[str, Findings | None]:
    """Return the findings of each check; None for one that the time limit has cut off."""
    found: dict[str, Findings | None] = dict.fromkeys(CHECKS)
    with np.errstate(all="ignore"):
        for name, check in CHECKS.items():
            with c.in_time():
                found[name] = check(c)
    return found
