"""From checks to a diagnosis: which mistake it is, in words, and the line to look at where it can be known."""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import Any, Final

import numpy as np

from shared.diagnosis.judge import (
    GRADIENT_SCENES,
    OUTPUT_SCENES,
    READ_ONLY,
    Case,
    check_all,
    distance,
    gradients_in,
    reference_subject,
    tensors_of,
)
from shared.diagnosis.mistakes import GRADIENTS, MISTAKES, OUTPUTS, UPDATE, Mistake, behaviour
from shared.diagnosis.probe import Answer, Answers, ask_all
from shared.interface import named
from shared.spec import ACTIVATIONS, LOSSES, NetworkSpec

ALIKE: Final = 1e-4
"""Two networks whose tensors are closer than this make the same mistake; float32 is 1e-6 off, other mistakes 1e-2."""
UNKNOWN: Final = "a mistake that is not in the catalogue"
RAISES: Final = "an exception"
SHAPE: Final = "a wrong shape"
ANOTHER_NETWORK: Final = "another network"
NOT_FINITE: Final = "not finite"
RIGHT: Final = "1 times"
MOST_LINES: Final = 3
"""More lines than these are no hint."""


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong."""

    name: str
    told: str
    remedy: str
    equation: str = ""
    measured: str = ""
    """the tensor, and by how much it is off"""
    lines: tuple[tuple[int, str], ...] = ()
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
        verdict.notes = _notes(case, lines) if verdict.right else []
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
    if "no memory" in failed and (_doubled(case) or "repeatable" not in failed):
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


STAGES: Final = {
    OUTPUTS: ("outputs", OUTPUT_SCENES),
    GRADIENTS: ("gradients", GRADIENT_SCENES),
    UPDATE: ("parameters", ("one step", "three batches")),
}
"""stage -> kind of the tensors that are compared, and the scenes that have them"""


@lru_cache(maxsize=8)
def catalogue(spec: NetworkSpec, stage: str) -> list[tuple[Mistake, Answers]]:
    """Return what every network of the catalogue answers in the scenes of a stage."""
    _, scenes = STAGES[stage]
    return [
        (mistake, ask_all(reference_subject(variant.network), spec, scenes))
        for mistake in MISTAKES.values()
        for variant in mistake.variants
        if variant.stage == stage
    ]


def nearest_mistake(case: Case, stage: str) -> Mistake | None:
    """Return the mistake whose numbers these are in all scenes, and not the reference's; None where there is none."""
    found = [(off, mistake) for mistake, theirs in catalogue(case.spec, stage) if (off := _off_by(case, theirs, stage))]
    best = min(found, key=lambda item: item[0], default=None)
    return best[1] if best else None


def nearest_two(case: Case) -> tuple[Mistake, Mistake] | None:
    """Return the two mistakes of different names that make these gradients together; None where there are none."""
    single = [(m, v.network) for m in MISTAKES.values() for v in m.variants if v.stage == GRADIENTS]
    _, scenes = STAGES[GRADIENTS]
    best: tuple[float, tuple[Mistake, Mistake]] | None = None
    for (one, a), (other, b) in combinations(single, 2):
        if one.name == other.name or issubclass(a, b) or issubclass(b, a):
            continue
        # each calls what it does not change of the other
        both = type("Both", (a, b), {})
        off = _off_by(case, ask_all(reference_subject(both), case.spec, scenes[:1]), GRADIENTS, scenes[:1])
        if off and (best is None or off < best[0]):
            off = _off_by(case, ask_all(reference_subject(both), case.spec, scenes), GRADIENTS)
            best = (off, (one, other)) if off else best
    return best[1] if best else None


def _off_by(case: Case, theirs: Answers, stage: str, scenes: tuple[str, ...] | None = None) -> float:
    """Return how far the case is off a broken network, at least a hair; 0 where it is another one."""
    off, apart, kind = 0.0, 0.0, STAGES[stage][0]
    for scene in scenes or STAGES[stage][1]:
        if scene not in case.answers or case.answers[scene].trouble or theirs[scene].trouble:
            continue
        found, expected, planted = (
            _moved(case, scene, tensors_of(answers[scene], kind))
            if stage == UPDATE
            else tensors_of(answers[scene], kind)
            for answers in (case.answers, case.expected, theirs)
        )
        off = max(off, distance(found, planted, expected))
        apart = max(apart, distance(planted, expected))
    return max(off, 1e-300) if off <= ALIKE * max(1.0, apart) < np.inf and apart > ALIKE else 0.0


def _moved(case: Case, scene: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return how far the parameters have moved: beside their own size a step is small."""
    start = named(case.probes[scene].parameters())
    fits = parameters.keys() == start.keys() and all(np.shape(parameters[name]) == start[name].shape for name in start)
    return {name: parameters[name] - tensor for name, tensor in start.items()} if fits else {}


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
    return _another_network(case) or _unknown(case, "outputs", measured)


def _gradients(case: Case, failed: dict[str, str], lines: list[str]) -> Diagnosis:
    told = next(failed[name] for name in ("gradients", "one example", "square layers") if name in failed)
    if "gradients" in failed and case.precision("first", "gradients") == "float16":
        return _known(behaviour.FLOAT16, told, lines)
    mistake = nearest_mistake(case, GRADIENTS)
    if mistake:
        return _known(mistake.name, _ratios(case, told), lines)
    return _another_network(case) or _two(case, _ratios(case, told), lines) or _unknown(case, "gradients", told)


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
    if "update" not in failed and _accumulates_in_training(case):
        return _known(behaviour.ACCUMULATED, told, lines)
    where = (
        "a step of `train` is wrong" if "update" in failed else "the first step of `train` is right, a later one is not"
    )
    return Diagnosis(UNKNOWN, f"the gradients are right, and {where}", "compare it with equation (8)", "(8)", told)


def _accumulates_in_training(case: Case) -> bool:
    """Return whether the steps are those of gradients that are added up."""
    planted = ask_all(reference_subject(behaviour.Accumulates), case.spec, ("three batches",))
    return _off_by(case, planted, UPDATE, ("three batches",)) > 0


def _another_network(case: Case) -> Diagnosis | None:
    """Return whether the numbers are those of another activation or loss."""
    for activation in ACTIVATIONS:
        for loss in LOSSES:
            spec = NetworkSpec(case.spec.sizes, activation, loss)
            theirs = ask_all(reference_subject(), spec)["first"]
            same = all(
                distance(tensors_of(case.answers["first"], kind), tensors_of(theirs, kind)) <= ALIKE
                for kind in ("outputs", "gradients")
            )
            if same and spec != case.spec:
                told = (
                    f"outputs and gradients are those of {activation} with {loss}, not of {case.spec.activation} with "
                )
                remedy = f"check it as what it is: --activation {activation} --loss {loss}"
                return Diagnosis(ANOTHER_NETWORK, told + case.spec.loss, remedy, "(2)")
    return None


# ---- By rules ------------------------------------------------------------------------------------------


def _doubled(case: Case) -> bool:
    """Return whether the second answer is the first one twice, or the first one and another's."""
    first, again = (case.answers[scene] for scene in ("first", "again"))
    if first.trouble or again.trouble:
        return False
    twice = {name: 2 * tensor for name, tensor in gradients_in(first).items()}
    return distance(gradients_in(again), twice) <= ALIKE


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


def _ratios(case: Case, told: str) -> str:
    """Return by how much each tensor is off, as a ratio where it is one."""
    scene = told.partition(":")[0]
    found, expected = (gradients_in(answers[scene]) for answers in (case.answers, case.expected))
    ratios, n = {}, 1 if scene == "alone" else case.probes[scene].n
    for name, tensor in expected.items():
        norm = float(np.vdot(tensor, tensor))
        ratio = float(np.vdot(found[name], tensor)) / norm if norm > 0 else 1.0
        left = float(np.linalg.norm(found[name] - ratio * tensor)) / np.sqrt(norm) if norm > 0 else 0.0
        is_ratio = left < ALIKE * max(1.0, abs(ratio))
        ratios[name] = _in_words(ratio, n) if is_ratio else f"off by {_off(found[name], tensor):.1e}"
    if len(set(ratios.values())) == 1 and "times" in (of_all := next(iter(ratios.values()))):
        return f"{scene}: every tensor is {of_all} what it should be"
    wrong = [f"{name} {ratio}" for name, ratio in ratios.items() if ratio != RIGHT]
    right = [name for name, ratio in ratios.items() if ratio == RIGHT]
    return f"{scene}: {', '.join(wrong)}" + (f"; {', '.join(right)} right" if right else "")


def _in_words(ratio: float, n: int) -> str:
    """Return a ratio, beside what it is of the n examples of the batch."""
    known = {"n": n, "1/n": 1 / n, "1/n^2": 1 / n**2}
    found = [name for name, value in known.items() if n > 1 and abs(ratio / value - 1) < ALIKE]
    return f"{ratio:.4g} times" + (f" ({found[0]}, n = {n})" if found else "")


def _off(found: Any, expected: Any) -> float:
    return distance({"": found}, {"": expected})


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
    return Diagnosis(UNKNOWN, where, remedy, equation, _ratios(case, told))


# ---- Lines ---------------------------------------------------------------------------------------------


def look_at(mistake: Mistake, lines: list[str], at: int | None = None) -> tuple[tuple[int, str], ...]:
    """Return the lines to look at: what raised or warned, or else what matches the clue, or cites the equation."""
    if at is not None and at <= len(lines):
        return ((at, lines[at - 1].strip()),)
    code = {number: line.partition("#")[0] for number, line in enumerate(lines, 1)}
    inside = {number: text for number, text in code.items() if text[:1].isspace() and text.strip()}
    matching = [number for number, text in inside.items() if mistake.clue and re.search(mistake.clue, text)]
    cited = [
        number for number in inside if mistake.equation and mistake.equation in lines[number - 1].partition("#")[2]
    ]
    for found in ([number for number in matching if number in cited], cited, matching):
        if 0 < len(found) <= MOST_LINES:
            return tuple((number, lines[number - 1].strip()) for number in found)
    return ()


def _notes(case: Case, lines: list[str]) -> list[str]:
    """Return what a right network may still be told."""
    notes = []
    if case.precision("first", "gradients") == "float32":
        notes.append("it computes in float32, whatever it is given: 7 digits, of which these are right")
    for scene in ("first", "large inputs", "large outputs"):
        for warned in case.answers[scene].warned:
            where = ""
            if warned.line and warned.line <= len(lines):
                where = f", line {warned.line}: {lines[warned.line - 1].strip()}"
            notes.append(f"NumPy warns of {warned.message}{where}; what comes of it is right")
    not_asked = [scene for scene in ("square", "all square") if case.answers[scene].trouble]
    if not_asked:
        notes.append("it takes no other sizes, so a matrix that is transposed where it is square was not looked for")
    return list(dict.fromkeys(notes))
