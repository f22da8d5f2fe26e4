"""From checks to a diagnosis: which mistake it is, in words, and the line to look at, if it is known."""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np

from shared.diagnosis import findings
from shared.diagnosis.answers import GRADIENTS, OUTPUTS, PARAMETERS, Answer, Answers
from shared.diagnosis.checks import check_all
from shared.diagnosis.comparison import READ_ONLY, Comparison
from shared.diagnosis.findings import Finding, Findings
from shared.diagnosis.limit import OutOfTime
from shared.diagnosis.matching import (
    SQUARE,
    accumulates,
    accumulates_in_training,
    another_network,
    nearest_mistake,
    nearest_two,
    weight_decay,
)
from shared.diagnosis.mistakes import MISTAKES, backward, behaviour
from shared.diagnosis.words import Lines, line_at, look_at, notes, ratios, sentence
from shared.layers import SOFTMAX
from shared.spec import NetworkSpec

UNKNOWN: Final = "a mistake that is not in the catalogue"
STOPPED: Final = "the time limit has stopped the search, and a longer one may name it"
RAISES: Final = "an exception"
MISSING: Final = "a missing parameter"
SHAPE: Final = "a wrong shape"
ANOTHER_NETWORK: Final = "another network"
OVER_THE_UNITS: Final = "bias gradient summed over the wrong axis"
INNER: Final = "inner product instead of an outer one"
NO_BIAS_GRADIENT: Final = "bias gradient missing"
NOT_FINITE: Final = "not finite"


@dataclass(frozen=True)
class Diagnosis:
    """A description of what is wrong."""

    name: str
    description: str
    remedy: str
    equation: str = ""
    measured: str = ""
    """the tensor, and its error"""
    lines: Lines = ()
    """numbers and texts of the lines to look at"""


@dataclass
class Verdict:
    """The result for a network."""

    spec: NetworkSpec
    checks: dict[str, Findings | None]
    """check -> its findings, () if it holds, None if it was not tested"""
    diagnosis: Diagnosis | None = None
    """None if the network is correct"""
    notes: list[str] = field(default_factory=list)
    shared: str = ""
    """among how many workers and micro-batches its batches were shared, too; "" if they were not"""

    @property
    def right(self) -> bool:
        """Whether the network is correct."""
        return self.diagnosis is None


def diagnose(spec: NetworkSpec, answers: Answers, lines: list[str]) -> Verdict:
    """Return the verdict on a network.

    Parameters
    ----------
    answers : of its scenes; one in which the process ended has a `Trouble`.
    lines : of the user's file.

    Raises
    ------
    OutOfTime
        If no check has failed, but the time limit has cut one off.
    """
    c = Comparison(spec, answers)
    verdict = Verdict(spec, check_all(c))
    failed = {name: found for name, found in verdict.checks.items() if found}
    with np.errstate(all="ignore"):
        if failed:
            found = _failure(c, failed, lines)
            with c.in_time():
                found = _diagnosis(c, failed, lines)
            stopped = found.name == UNKNOWN and c.cut
            verdict.diagnosis = replace(found, description=f"{found.description}; {STOPPED}") if stopped else found
        elif c.cut:
            raise OutOfTime
        else:
            verdict.notes = notes(c, lines)
    return verdict


def _failure(c: Comparison, failed: dict[str, Findings], lines: list[str]) -> Diagnosis:
    """Return what failed first, for when there is no time to find out why."""
    name, found = next(iter(failed.items()))
    if name == "runs":
        return _raised(c.answers[found[0].scene], lines)
    return Diagnosis(UNKNOWN, f'the check "{name}" fails', "look at what it found", "", sentence(found))


def _diagnosis(c: Comparison, failed: dict[str, Findings], lines: list[str]) -> Diagnosis:
    """Go through the checks, causes before consequences."""
    first = c.answers["first"]

    def known(name: str, *checks: str, at: int | None = None) -> Diagnosis:
        """Return a mistake, with the finding of the first of these checks that failed."""
        return _known(name, sentence(next(failed[check] for check in checks if check in failed)), lines, at)

    if "inputs kept" in failed:
        return known(behaviour.MODIFIED, "inputs kept", at=_write(c))
    if first.trouble:
        return _by_numbers(c, lines) or _raised(first, lines)
    if "shapes" in failed:
        return _shape(c, failed["shapes"][0], lines)
    if not all(np.isfinite(tensor).all() for tensor in first.tensors(GRADIENTS).values()):
        measured = sentence(failed.get("gradients"))
        return Diagnosis(NOT_FINITE, "the gradients are not finite", "look for a division by 0", "", measured)
    if "no memory" in failed and (accumulates(c) or "repeatable" not in failed):
        return known(behaviour.ACCUMULATED, "no memory")
    if "no memory" in failed or "repeatable" in failed:
        return known(behaviour.RANDOM, "repeatable", "no memory")
    if "outputs" in failed or any(c.is_off(scene, OUTPUTS) for scene in ("square", "all square")):
        return _outputs(c, failed, lines)
    if {"gradients", "one example", "square layers"} & failed.keys():
        return _gradients(c, failed, lines)
    if "update" in failed or "batches" in failed:
        return _update(c, failed, lines)
    if "large z" in failed:
        return _large(c, failed["large z"], lines)
    if "reset" in failed:
        return known(behaviour.NOT_RESET, "reset")
    if "loss" in failed or "own loss" in failed:
        return _known(behaviour.LOSS_WRONG, f"C: {sentence(failed.get('loss') or failed['own loss'])}", lines)
    if "float32" in failed:
        return known(behaviour.FLOAT16, "float32")
    return _raised(next(answer for answer in c.answers.values() if answer.trouble), lines)


def _known(name: str, measured: str, lines: list[str], at: int | None = None) -> Diagnosis:
    """Return the diagnosis of a mistake of the catalogue."""
    mistake = MISTAKES[name]
    return Diagnosis(name, mistake.description, mistake.remedy, mistake.equation, measured, look_at(mistake, lines, at))


# ---- By numbers ----------------------------------------------------------------------------------------


def _by_numbers(c: Comparison, lines: list[str]) -> Diagnosis | None:
    """Return the mistake shown by the scenes that ran, although the first one raised an exception."""
    trouble = c.answers["first"].trouble
    mistake = nearest_mistake(c, GRADIENTS)
    if mistake is None or trouble is None:
        return None
    return _known(mistake.name, f"with square layers; otherwise {trouble.message}", lines, trouble.line)


def _outputs(c: Comparison, failed: dict[str, Findings], lines: list[str]) -> Diagnosis:
    found = failed.get("outputs") or failed["square layers"]
    mistake = nearest_mistake(c, OUTPUTS)
    if mistake:
        return _known(mistake.name, sentence(found), lines)
    if c.precision("first", OUTPUTS) == "float16":
        return _known(behaviour.FLOAT16, sentence(found), lines)
    return _another(c) or _unknown(c, found)


def _gradients(c: Comparison, failed: dict[str, Findings], lines: list[str]) -> Diagnosis:
    found = next(failed[name] for name in ("gradients", "one example", "square layers") if name in failed)
    measured = ratios(c, found[0].scene)
    mistake = nearest_mistake(c, GRADIENTS)
    one_number = _has_one_number(c)
    if mistake and not (one_number and mistake.name == NO_BIAS_GRADIENT):  # delta of a softmax sums to 0
        return _known(mistake.name, measured, lines)
    if "gradients" in failed and (factor := weight_decay(c)) is not None:
        return _known(behaviour.WEIGHT_DECAY, f"dW = dC/dW + {factor:.4g} W", lines)
    if "gradients" in failed and c.precision("first", GRADIENTS) == "float16":
        return _known(behaviour.FLOAT16, sentence(found), lines)
    found_two = None if mistake else _another(c) or _two(c, measured, lines)
    return found_two or (_known(backward.ONE_NUMBER, measured, lines) if one_number else _unknown(c, found))


def _has_one_number(c: Comparison) -> bool:
    """Return whether the bias gradient of a layer with several units is a single number other than 0."""
    given, expected = c.answers["first"].gradients, c.expected["first"].gradients
    biases = [(given[name], tensor) for name, tensor in expected.items() if name.startswith("db")]
    return any(db is not None and db.size == 1 < tensor.size and db.any() for db, tensor in biases)


def _another(c: Comparison) -> Diagnosis | None:
    """Return that the file computes another network than the one it is checked as."""
    spec = another_network(c)
    if spec is None:
        return None
    remedy = f'check it with the network "{spec}", or change what it computes'
    return Diagnosis(ANOTHER_NETWORK, f"outputs and gradients are those of {spec}, not of {c.spec}", remedy, "(2)")


def _two(c: Comparison, measured: str, lines: list[str]) -> Diagnosis | None:
    """Return a diagnosis of two mistakes."""
    found = nearest_two(c)
    if found is None:
        return None
    one, other = (_known(mistake.name, measured, lines) for mistake in found)
    return Diagnosis(
        name=f"{one.name}; and {other.name}",
        description=f"{one.description}; and {other.description}",
        remedy=f"{one.remedy}; {other.remedy}",
        equation=" and ".join(dict.fromkeys((one.equation, other.equation))),
        measured=measured,
        lines=tuple(dict.fromkeys(one.lines + other.lines)),
    )


def _update(c: Comparison, failed: dict[str, Findings], lines: list[str]) -> Diagnosis:
    found = failed.get("update") or failed["batches"]
    measured = sentence(found)
    if found[0].kind == findings.MISSING:
        description = f"parameters() does not return {found[0].tensor}"
        return Diagnosis(MISSING, description, f"return {', '.join(c.spec.parameter_shapes)}", "", measured)
    mistake = nearest_mistake(c, PARAMETERS)
    if mistake:
        return _known(mistake.name, measured, lines)
    if "update" not in failed and accumulates_in_training(c):
        return _known(behaviour.ACCUMULATED, measured, lines)
    where = (
        "a step of `train` is wrong" if "update" in failed else "the first step of `train` is right, a later one wrong"
    )
    remedy = "compare `train` with equation (8)"
    return Diagnosis(UNKNOWN, f"the gradients are right, but {where}", remedy, "(8)", measured)


# ---- By rules ------------------------------------------------------------------------------------------


def _raised(answer: Answer, lines: list[str]) -> Diagnosis:
    """Return the diagnosis of an exception."""
    trouble = answer.trouble
    assert trouble is not None
    remedy = "correct the line that raises it"
    if "mismatch in its core dimension" in trouble.message or "not aligned" in trouble.message:
        remedy = "print the shapes: W_l is (n_out, n_in), a batch (n, n_in); z = a W^T, d_l = d_{l+1} W, dW = d^T a"
    elif "could not be broadcast together" in trouble.message:
        remedy = "print the shapes: * multiplies elementwise, a matrix product is @ or np.dot"
    return Diagnosis(RAISES, trouble.message, remedy, lines=line_at(lines, trouble.line))


def _shape(c: Comparison, finding: Finding, lines: list[str]) -> Diagnosis:
    """Return the mistake that a shape or a dtype shows."""
    name, measured, n = finding.tensor, sentence((finding,)), c.inputs["first"].n
    is_bias = name.startswith("db")
    if finding.kind == findings.MISSING and is_bias:
        return _known(NO_BIAS_GRADIENT, measured, lines)
    if finding.kind == findings.DTYPE and finding.got.kind in "iub":
        return _known("integer dtype", measured, lines)
    if finding.kind == findings.SHAPE and finding.got[::-1] == finding.expected:
        return _known("W transposed", measured, lines)
    if finding.kind == findings.SHAPE and is_bias and finding.got == (n, *finding.expected):
        remedy = MISTAKES["bias gradient is a mean"].remedy
        description = "the bias gradients are not summed over the examples"
        return Diagnosis("bias gradient not summed", description, remedy, "(7)", measured)
    if finding.kind == findings.SHAPE and is_bias and finding.got in ((n,), (n, 1), (1, n)):
        description = "the bias gradients are summed over the units instead of the examples"
        remedy = MISTAKES[backward.ONE_NUMBER].remedy
        return Diagnosis(OVER_THE_UNITS, description, remedy, "(7)", measured)
    if finding.kind == findings.SHAPE and name.startswith("dW") and finding.got == ():
        remedy = "dW = d^T a for a batch, np.outer(d, a) for one example"
        return Diagnosis(INNER, f"{name} is one number, an inner product such as np.dot(d, a)", remedy, "(6)", measured)
    if finding.kind == findings.SHAPE and (mistake := nearest_mistake(c, GRADIENTS, SQUARE)):
        return _known(mistake.name, f"{measured}; with square layers it fits", lines)
    what = "is missing" if finding.kind == findings.MISSING else f"has a wrong {finding.kind}"
    return Diagnosis(SHAPE, f"{name} {what}", "print the shape after each step", "(6)", measured)


def _write(c: Comparison) -> int | None:
    """Return the line that writes to a given array, if it raises with read-only arrays."""
    trouble = c.answers[READ_ONLY].trouble if READ_ONLY in c.answers else None
    return trouble.line if trouble and "read-only" in trouble.message else None


def _large(c: Comparison, found: Findings, lines: list[str]) -> Diagnosis:
    """Return the mistake behind an overflow: an exponential or a logarithm."""
    measured, answers = sentence(found), [c.answers[scene] for scene in ("large inputs", "large outputs")]
    at = next((warning.line for answer in answers for warning in answer.warnings if warning.line), None)
    inputs, outputs = ("a_L" in answer.not_finite() for answer in answers)
    if outputs and not inputs and c.spec.layers[-1].activation == SOFTMAX:
        return _known(behaviour.SOFTMAX_OVERFLOWS, measured, lines, at)
    if inputs or outputs:
        return _known(behaviour.ACTIVATION_OVERFLOWS, measured, lines, at)
    if c.spec.loss != "quadratic":
        return _known(behaviour.LOG_OF_ZERO, measured, lines, at)
    remedy = "look for an exp that overflows"
    return Diagnosis(NOT_FINITE, "for large z the results are not finite", remedy, "(2)", measured)


def _unknown(c: Comparison, found: Findings) -> Diagnosis:
    """Return where to look: which tensors are right, and the equation of the first one that is wrong."""
    remedy = "compare your code with the equations in shared/spec.py, in the order of computation"
    scene = found[0].scene
    if found[0].tensor == "a_L":
        where = "the outputs differ from equations (1) and (2)"
        return Diagnosis(UNKNOWN, where, remedy, "(1) or (2)", sentence(found))
    bounds, last = c.bounds(scene, "float32"), len(c.spec.layers)
    wrong = {name for name, error in c.errors(scene, GRADIENTS).items() if not error <= bounds[name]}
    if all(name.startswith("db") for name in wrong):
        equation, where = "(7)", "the gradients of the weights are right, those of the biases are wrong"
    elif all(name.startswith("dW") for name in wrong):
        equation, where = "(6)", "the gradients of the biases are right, those of the weights are wrong"
    elif not wrong & {f"dW{last}", f"db{last}"}:
        equation, where = "(5)", "the last layer's gradients are right, those of the other layers are wrong"
    else:
        equation, where = "(4)", "the last layer's gradients are already wrong"
    return Diagnosis(UNKNOWN, where, remedy, equation, ratios(c, scene))
