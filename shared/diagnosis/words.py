"""Texts: findings, errors of tensors, lines to look at, and notes on a correct network."""

import re
from collections.abc import Sequence
from typing import Final

import numpy as np

from shared.diagnosis import findings
from shared.diagnosis.answers import GRADIENTS
from shared.diagnosis.comparison import Comparison, distance
from shared.diagnosis.findings import Findings
from shared.diagnosis.matching import ALIKE
from shared.diagnosis.mistakes import Mistake

RIGHT: Final = "1 times"
LISTED: Final = 4
"""Tensors that a note names."""
Lines = tuple[tuple[int, str], ...]
"""numbers and texts of lines"""

SENTENCES: Final = {
    findings.RAISED: "{scene}: {got}",
    findings.MISSING: "{tensor} is missing",
    findings.DTYPE: "{tensor}: dtype {got}",
    findings.SHAPE: "{tensor}: shape {got}, expected {expected}",
    findings.CHANGED: "changed: {tensor}",
    findings.NOT_REPEATED: "a repeated call gave gradients that differ by {error:.1e}",
    findings.OFF: "{scene}: {tensor} is off by {error:.1e}",
    findings.NOT_A_NUMBER: "got an array of shape {got}, expected a number",
    findings.FACTOR: "{got:.4g} times what it should be",
    findings.NOT_ZERO: "{got:.4g} instead of 0",
    findings.OWN_LOSS: "off by {error:.1e} from the differences of its own loss",
    findings.STEP: "the change of {tensor} is off by {error:.1e}",
    findings.NOT_FINITE: "{scene}: {tensor} not finite",
    findings.ROUGH: "{tensor} is off by {error:.1e}, float32 explains {expected:.1e}",
}


def sentence(found: Findings | None) -> str:
    """Return the findings of a check, which are of one kind, as text; "" for none."""
    if not found:
        return ""
    tensors = ", ".join(finding.tensor for finding in found)
    return SENTENCES[found[0].kind].format(**vars(found[0]) | {"tensor": tensors})


def ratios(c: Comparison, scene: str) -> str:
    """Return the error of each gradient of a scene, as a ratio if it is a constant factor."""
    found, expected = c.both(scene, GRADIENTS)
    found_ratios, n = {}, 1 if scene == "alone" else c.inputs[scene].n
    for name, tensor in expected.items():
        norm = float(np.vdot(tensor, tensor))
        ratio = float(np.vdot(found[name], tensor)) / norm if norm > 0 else 1.0
        left = float(np.linalg.norm(found[name] - ratio * tensor)) / np.sqrt(norm) if norm > 0 else 0.0
        is_ratio = left < ALIKE * max(1.0, abs(ratio))
        found_ratios[name] = (
            in_words(ratio, n) if is_ratio else f"off by {distance({name: found[name]}, {name: tensor}):.1e}"
        )
    if len(set(found_ratios.values())) == 1 and "times" in (of_all := next(iter(found_ratios.values()))):
        return f"{scene}: every tensor is {of_all} what it should be"
    wrong = [f"{name} {ratio}" for name, ratio in found_ratios.items() if ratio != RIGHT]
    right = [name for name, ratio in found_ratios.items() if ratio == RIGHT]
    return f"{scene}: {', '.join(wrong)}" + (f"; {', '.join(right)} right" if right else "")


def in_words(ratio: float, n: int) -> str:
    """Return a ratio, and its relation to the n examples of the batch."""
    known = {"n": n, "1/n": 1 / n, "1/n^2": 1 / n**2}
    found = [name for name, value in known.items() if n > 1 and abs(ratio / value - 1) < ALIKE]
    return f"{ratio:.4g} times" + (f" ({found[0]}, n = {n})" if found else "")


def look_at(mistake: Mistake, lines: list[str], at: int | None = None) -> Lines:
    """Return the line to look at: the one that raised or warned, or the only one that matches the clue; () if in doubt.

    A line that cites the equation goes before one that cites none; a line that cites only others is not meant. Several
    lines that differ only in their digits, such as those of db1 and db2, make the same mistake and count as one.
    """
    if found := line_at(lines, at):
        return found
    halves = {number: line.partition("#")[::2] for number, line in enumerate(lines, 1)}
    matching = {
        number: set(re.findall(r"\(\d+\)", comment))
        for number, (text, comment) in halves.items()
        if mistake.clue and text[:1].isspace() and text.strip() and re.search(mistake.clue, text.rstrip())
    }
    cited = [number for number, equations in matching.items() if mistake.equation in equations]
    numbers = cited or [number for number, equations in matching.items() if not equations or not mistake.equation]
    return unique(numbers, lines)


def unique(numbers: Sequence[int], lines: list[str]) -> Lines:
    """Return lines that differ only in digits and comments; () if they differ in more."""
    alike = {re.sub(r"\d+", "0", lines[number - 1].partition("#")[0].strip()) for number in numbers}
    return tuple((number, lines[number - 1].strip()) for number in numbers) if len(alike) == 1 else ()


def line_at(lines: list[str], at: int | None) -> Lines:
    """Return one line, if it exists."""
    return ((at, lines[at - 1].strip()),) if at and at <= len(lines) else ()


def notes(c: Comparison, lines: list[str]) -> list[str]:
    """Return notes on a correct network."""
    found = []
    if c.precision("first", GRADIENTS) == "float32":
        found.append("it computes in float32 for any dtype; its 7 digits are right")
    for scene in ("first", "large inputs", "large outputs"):
        for warning in c.answers[scene].warnings:
            where = "".join(f", line {number}: {text}" for number, text in line_at(lines, warning.line))
            found.append(f"NumPy warns: {warning.message}{where}; the result is right")
    for scene, dtype in (("first", "float64"), ("float32", "float32")):
        if lost := [name for name, bound in c.bounds(scene, dtype).items() if bound >= 1]:
            which = ", ".join(lost if len(lost) <= LISTED else [*lost[: LISTED - 1], "...", lost[-1]])
            found.append(f"in {dtype}, rounding explains any error of {which}: nothing can be concluded about them")
    not_asked = [scene for scene in ("square", "all square") if c.answers[scene].trouble]
    if not_asked:
        found.append("it accepts no other sizes, so transposed square matrices were not checked for")
    return list(dict.fromkeys(found))
