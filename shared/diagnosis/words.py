"""In words: what a check finds, by how much tensors are off, which lines to look at, notes on a right network."""

import re
from typing import Final

import numpy as np

from shared.diagnosis import findings
from shared.diagnosis.answers import GRADIENTS
from shared.diagnosis.comparison import Comparison, distance
from shared.diagnosis.findings import Findings
from shared.diagnosis.matching import ALIKE
from shared.diagnosis.mistakes import Mistake
from shared.layers import ACTIVATIONS
from shared.spec import NetworkSpec

RIGHT: Final = "1 times"
MOST_LINES: Final = 3
"""More lines than these are no hint."""
Lines = tuple[tuple[int, str], ...]
"""numbers and texts of lines"""

SENTENCES: Final = {
    findings.RAISED: "{scene}: {got}",
    findings.MISSING: "{tensor}: there is none",
    findings.DTYPE: "{tensor}: dtype {got}",
    findings.SHAPE: "{tensor}: shape {got}, expected {expected}",
    findings.CHANGED: "changed: {tensor}",
    findings.NOT_REPEATED: "the same call gave gradients {error:.1e} away",
    findings.OFF: "{scene}: {tensor} is off by {error:.1e}",
    findings.NOT_A_NUMBER: "got an array of shape {got}, expected a number",
    findings.FACTOR: "{got:.4g} times what it should be",
    findings.NOT_ZERO: "{got:.4g} instead of 0",
    findings.OWN_LOSS: "off by {error:.1e} from the differences of its own loss",
    findings.STEP: "{tensor} is off by {error:.1e} of what it should have moved",
    findings.NOT_FINITE: "{scene}: not finite: {tensor}",
    findings.ROUGH: "{tensor} is off by {error:.1e}, float32 explains {expected:.1e}",
}


def sentence(found: Findings | None) -> str:
    """Return what a check finds, which is of one kind; "" for nothing."""
    if not found:
        return ""
    tensors = ", ".join(finding.tensor for finding in found)
    return SENTENCES[found[0].kind].format(**vars(found[0]) | {"tensor": tensors})


def ratios(c: Comparison, scene: str) -> str:
    """Return by how much each gradient of a scene is off, as a ratio where it is one."""
    found, expected = c.both(scene, GRADIENTS)
    found_ratios, n = {}, 1 if scene == "alone" else c.inputs[scene].n
    for name, tensor in expected.items():
        norm = float(np.vdot(tensor, tensor))
        ratio = float(np.vdot(found[name], tensor)) / norm if norm > 0 else 1.0
        left = float(np.linalg.norm(found[name] - ratio * tensor)) / np.sqrt(norm) if norm > 0 else 0.0
        is_ratio = left < ALIKE * max(1.0, abs(ratio))
        found_ratios[name] = (
            _in_words(ratio, n) if is_ratio else f"off by {distance({name: found[name]}, {name: tensor}):.1e}"
        )
    if len(set(found_ratios.values())) == 1 and "times" in (of_all := next(iter(found_ratios.values()))):
        return f"{scene}: every tensor is {of_all} what it should be"
    wrong = [f"{name} {ratio}" for name, ratio in found_ratios.items() if ratio != RIGHT]
    right = [name for name, ratio in found_ratios.items() if ratio == RIGHT]
    return f"{scene}: {', '.join(wrong)}" + (f"; {', '.join(right)} right" if right else "")


def _in_words(ratio: float, n: int) -> str:
    """Return a ratio, beside what it is of the n examples of the batch."""
    known = {"n": n, "1/n": 1 / n, "1/n^2": 1 / n**2}
    found = [name for name, value in known.items() if n > 1 and abs(ratio / value - 1) < ALIKE]
    return f"{ratio:.4g} times" + (f" ({found[0]}, n = {n})" if found else "")


def as_options(spec: NetworkSpec) -> str:
    """Return the options of `check` that stand for a network: the shorthands, where they do."""
    first = spec.layers[0].activation
    activation = first if first in ACTIVATIONS else ACTIVATIONS[0]
    if spec == NetworkSpec.dense(spec.sizes, activation, spec.loss):
        return f"--activation {activation} --loss {spec.loss}"
    return f'--network "{spec}"'


def look_at(mistake: Mistake, lines: list[str], at: int | None = None) -> Lines:
    """Return the lines to look at: what raised or warned, or else what matches the clue, or cites the equation."""
    if found := line_at(lines, at):
        return found
    code = {number: line.partition("#")[0] for number, line in enumerate(lines, 1)}
    inside = {number: text for number, text in code.items() if text[:1].isspace() and text.strip()}
    matching = [number for number, text in inside.items() if mistake.clue and re.search(mistake.clue, text)]
    cited = [
        number for number in inside if mistake.equation and mistake.equation in lines[number - 1].partition("#")[2]
    ]
    for numbers in ([number for number in matching if number in cited], cited, matching):
        if 0 < len(numbers) <= MOST_LINES:
            return tuple((number, lines[number - 1].strip()) for number in numbers)
    return ()


def line_at(lines: list[str], at: int | None) -> Lines:
    """Return one line, where there is such a one."""
    return ((at, lines[at - 1].strip()),) if at and at <= len(lines) else ()


def notes(c: Comparison, lines: list[str]) -> list[str]:
    """Return what is to be known of a right network."""
    found = []
    if c.precision("first", GRADIENTS) == "float32":
        found.append("it computes in float32, whatever it is given: 7 digits, of which these are right")
    for scene in ("first", "large inputs", "large outputs"):
        for warning in c.answers[scene].warnings:
            where = "".join(f", line {number}: {text}" for number, text in line_at(lines, warning.line))
            found.append(f"NumPy warns of {warning.message}{where}; what comes of it is right")
    not_asked = [scene for scene in ("square", "all square") if c.answers[scene].trouble]
    if not_asked:
        found.append("it takes no other sizes, so a matrix that is transposed where it is square was not looked for")
    return list(dict.fromkeys(found))
