"""From checks to a diagnosis: which mistake it is, in words, and the line to look at where it can be known."""

from dataclasses import dataclass, field
from typing import Final

import numpy as np

from shared.diagnosis.case import READ_ONLY, Case, gradients_in
from shared.diagnosis.checks import check_all
from shared.diagnosis.matching import (
    accumulates_in_training,
    another_network,
    doubled,
    nearest_mistake,
    nearest_two,
    weight_decay,
)
from shared.diagnosis.mistakes import GRADIENTS, MISTAKES, OUTPUTS, UPDATE, behaviour
from shared.diagnosis.probe import Answer, Answers
from shared.diagnosis.words import Lines, look_at, notes, ratios
from shared.spec import NetworkSpec

UNKNOWN: Final = "a mistake that is not in the catalogue"
RAISES: Final = "an exception"
SHAPE: Final = "a wrong shape"
ANOTHER_NETWORK: Final = "another network"
NOT_FINITE: Final = "not finite"


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong."""

    name: str
    told: str
    remedy: str
    equation: str = ""
    measured: str = ""
    """the tensor, and by how much it is off"""
    lines: Lines = ()
    """number and text of the lines to look at"""


@dataclass
class Verdict:
    """The whole answer."""

    spec: NetworkSpec
    checks: dict[str, str | None]
    """check -> "" where it holds, what is wrong where it does not, None where it was not asked"""
    diagnosis: Diagnosis | None = None
    """None for a network that is right"""
    notes: list[str] = field(default_factory=list)

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return self.diagnosis is None


def diagnose(spec: NetworkSpec, answers: Answers, lines: list[str]) -> Verdict:
    """Return the verdict on a network.

    Parameters
    ----------
    answers : of its scenes; one that ended in its process's death is a `Trouble`.
    lines : of the user's file.
    """
    case = Case(spec, answers)
    verdict = Verdict(spec, check_all(case))
    with np.errstate(all="ignore"):
        verdict.diagnosis = _diagnosis(case, verdict.checks, lines)
        verdict.notes = notes(case, lines) if verdict.right else []
    return verdict


def _diagnosis(case: Case, checks: dict[str, str | None], lines: list[str]) -> Diagnosis | None:
    """Go through the checks, causes before their consequences."""
    first = case.answers["first"]
    failed = {name: told for name, told in checks.items() if told}
    if not failed:
        return None
    if "inputs kept" in failed:
        return _known(behaviour.MODIFIED, failed["inputs kept"], lines, at=_write(case))
    if first.trouble:
        return _by_numbers(case, lines) or _raised(first, lines)
    if "shapes" in failed:
        return _shape(case, failed["shapes"], lines)
    if not _finite(first):
        measured = failed.get("gradients", "")
        return Diagnosis(NOT_FINITE, "the gradients are not finite numbers", "look for a division by 0", "", measured)
    if "no memory" in failed and (doubled(case) or "repeatable" not in failed):
        return _known(behaviour.ACCUMULATED, failed["no memory"], lines)
    if "no memory" in failed or "repeatable" in failed:
        return _known(behaviour.RANDOM, failed.get("repeatable") or failed["no memory"], lines)
    if "outputs" in failed or ("square layers" in failed and "outputs" in _square_kind(case)):
        return _outputs(case, failed, lines)
    if {"gradients", "one example", "square layers"} & failed.keys():
        return _gradients(case, failed, lines)
    if "update" in failed or "batches" in failed:
        return _update(case, failed, lines)
    if "large z" in failed:
        return _large(case, failed["large z"], lines)
    if "reset" in failed:
        return _known(behaviour.NOT_RESET, failed["reset"], lines)
    if "loss" in failed or "own loss" in failed:
        told = failed.get("loss") or failed["own loss"]
        return _known(behaviour.LOSS_WRONG, f"C: {told}", lines)
    if "float32" in failed:
        return _known(behaviour.FLOAT16, failed["float32"], lines)
    trouble = next(answer for answer in case.answers.values() if answer.trouble)
    return _raised(trouble, lines)


def _square_kind(case: Case) -> set[str]:
    """Return what is wrong in the square scenes."""
    found = set()
    for scene in ("square", "all square"):
        for kind in ("outputs", "gradients"):
            if not case.answers[scene].trouble and case.precision(scene, kind) not in ("float64", "float32"):
                found.add(kind)
    return found


def _known(name: str, measured: str, lines: list[str], at: int | None = None) -> Diagnosis:
    """Return the diagnosis of a mistake of the catalogue."""
    mistake = MISTAKES[name]
    return Diagnosis(name, mistake.told, mistake.remedy, mistake.equation, measured, look_at(mistake, lines, at))


# ---- By numbers ----------------------------------------------------------------------------------------


def _by_numbers(case: Case, lines: list[str]) -> Diagnosis | None:
    """Return the mistake that the scenes show that could be played, although another raised something."""
    trouble = case.answers["first"].trouble
    mistake = nearest_mistake(case, GRADIENTS)
    if mistake is None or trouble is None:
        return None
    return _known(mistake.name, f"with square layers; else {trouble.message}", lines, trouble.line)


def _outputs(case: Case, failed: dict[str, str], lines: list[str]) -> Diagnosis:
    measured = failed.get("outputs") or failed["square layers"]
    mistake = nearest_mistake(case, OUTPUTS)
    if mistake:
        return _known(mistake.name, measured, lines)
    if case.precision("first", "outputs") == "float16":
        return _known(behaviour.FLOAT16, measured, lines)
    return _another(case) or _unknown(case, "outputs", measured)


def _gradients(case: Case, failed: dict[str, str], lines: list[str]) -> Diagnosis:
    told = next(failed[name] for name in ("gradients", "one example", "square layers") if name in failed)
    mistake = nearest_mistake(case, GRADIENTS)
    if mistake:
        return _known(mistake.name, ratios(case, told), lines)
    if "gradients" in failed and (factor := weight_decay(case)) is not None:
        return _known(behaviour.WEIGHT_DECAY, f"dW = dC/dW + {factor:.4g} W", lines)
    if "gradients" in failed and case.precision("first", "gradients") == "float16":
        return _known(behaviour.FLOAT16, told, lines)
    return _another(case) or _two(case, ratios(case, told), lines) or _unknown(case, "gradients", told)


def _another(case: Case) -> Diagnosis | None:
    """Return that it computes another network than it was checked as."""
    spec = another_network(case)
    if spec is None:
        return None
    remedy = f"check it as what it is: --activation {spec.activation} --loss {spec.loss}"
    return Diagnosis(ANOTHER_NETWORK, f"outputs and gradients are those of {spec}, not of {case.spec}", remedy, "(2)")


def _two(case: Case, measured: str, lines: list[str]) -> Diagnosis | None:
    """Return two mistakes at once."""
    found = nearest_two(case)
    if found is None:
        return None
    one, other = (_known(mistake.name, measured, lines) for mistake in found)
    return Diagnosis(
        name=f"{one.name}; and {other.name}",
        told=f"{one.told}; and {other.told}",
        remedy=f"{one.remedy}; {other.remedy}",
        equation=" and ".join(dict.fromkeys((one.equation, other.equation))),
        measured=measured,
        lines=tuple(dict.fromkeys(one.lines + other.lines)),
    )


def _update(case: Case, failed: dict[str, str], lines: list[str]) -> Diagnosis:
    told = failed.get("update") or failed["batches"]
    mistake = nearest_mistake(case, UPDATE)
    if mistake:
        return _known(mistake.name, told, lines)
    if "update" not in failed and accumulates_in_training(case):
        return _known(behaviour.ACCUMULATED, told, lines)
    where = (
        "a step of `train` is wrong" if "update" in failed else "the first step of `train` is right, a later one is not"
    )
    return Diagnosis(UNKNOWN, f"the gradients are right, and {where}", "compare it with equation (8)", "(8)", told)


# ---- By rules ------------------------------------------------------------------------------------------


def _raised(answer: Answer, lines: list[str]) -> Diagnosis:
    """Return what an exception tells by itself."""
    trouble = answer.trouble
    assert trouble is not None
    at = ((trouble.line, lines[trouble.line - 1].strip()),) if trouble.line and trouble.line <= len(lines) else ()
    remedy = "see the line"
    if "mismatch in its core dimension" in trouble.message or "not aligned" in trouble.message:
        remedy = "print the shapes: W_l is (n_out, n_in), a batch (n, n_in); z = a W^T, d_l = d_{l+1} W, dW = d^T a"
    return Diagnosis(RAISES, trouble.message, remedy, "", "", at)


def _shape(case: Case, told: str, lines: list[str]) -> Diagnosis:
    """Return the mistake that a shape or a dtype gives away."""
    name, _, what = told.partition(": ")
    found, expected = (answers["first"].tensors.get(name) for answers in (case.answers, case.expected))
    if found is None and name.startswith("db"):
        return _known("bias gradient missing", told, lines)
    if found is not None and found.dtype.kind in "iub":
        return _known("integer dtype", told, lines)
    if found is not None and expected is not None and found.T.shape == expected.shape:
        return _known("W transposed", told, lines)
    n = case.probes["first"].n
    if found is not None and name.startswith("db") and found.shape == (n, *expected.shape):  # type: ignore[union-attr]
        remedy = MISTAKES["bias gradient is a mean"].remedy
        return Diagnosis("bias gradient not summed", "the bias gradients are one for each example", remedy, "(7)", told)
    return Diagnosis(
        SHAPE, f"{name} has a wrong {what.partition(' ')[0]}", "print the shapes, step by step", "(6)", told
    )


def _write(case: Case) -> int | None:
    """Return the line that writes to an array that was given, which the scene with read-only arrays tells."""
    trouble = case.answers[READ_ONLY].trouble if READ_ONLY in case.answers else None
    return trouble.line if trouble and "read-only" in trouble.message else None


def _large(case: Case, told: str, lines: list[str]) -> Diagnosis:
    """Return which exponential or logarithm overflows."""
    at = next(
        (w.line for scene in ("large inputs", "large outputs") for w in case.answers[scene].warned if w.line), None
    )

    def bad(scene: str, name: str) -> bool:
        tensor = case.answers[scene].tensors.get(name)
        return tensor is not None and not np.isfinite(tensor).all()

    if bad("large inputs", "a_L"):
        return _known(behaviour.ACTIVATION_OVERFLOWS, told, lines, at)
    if bad("large outputs", "a_L"):
        softmax = case.spec.loss == "cross_entropy"
        return _known(behaviour.SOFTMAX_OVERFLOWS if softmax else behaviour.ACTIVATION_OVERFLOWS, told, lines, at)
    if case.spec.loss == "cross_entropy":
        return _known(behaviour.LOG_OF_ZERO, told, lines, at)
    return Diagnosis(NOT_FINITE, "where z is large, not all is finite", "look for an exp that overflows", "(2)", told)


def _finite(answer: Answer) -> bool:
    return all(np.isfinite(tensor).all() for tensor in gradients_in(answer).values())


def _unknown(case: Case, kind: str, told: str) -> Diagnosis:
    """Say at least where to look: which tensors are right, and which equation makes the first that is not."""
    remedy = "compare the equations in shared/spec.py with your lines, in the order in which they are computed"
    if kind == "outputs":
        return Diagnosis(UNKNOWN, "the outputs are not those of equations (1) and (2)", remedy, "(1) or (2)", told)
    scene = told.partition(":")[0]
    bounds = case.bounds(scene, "float32")
    wrong = [name for name, error in case.errors(scene, "gradients").items() if not error <= bounds[name]]
    last = str(len(case.spec.shapes))
    if all(name[1] == "b" for name in wrong):
        equation, where = "(7)", "the weights' gradients are right, the biases' are not"
    elif all(name[1] == "W" for name in wrong):
        equation, where = "(6)", "the biases' gradients are right, the weights' are not"
    elif not any(name.endswith(last) for name in wrong):
        equation, where = "(5)", "the last layer's gradients are right, the others' are not"
    else:
        equation, where = "(4)", "the last layer's gradients are wrong already"
    return Diagnosis(UNKNOWN, where, remedy, equation, ratios(case, told))
