"""In words: by how much tensors are off, which lines to look at, and what a right network may still be told."""

import re
from typing import Final

import numpy as np

from shared.diagnosis.case import Case, distance, gradients_in
from shared.diagnosis.matching import ALIKE
from shared.diagnosis.mistakes import Mistake

RIGHT: Final = "1 times"
MOST_LINES: Final = 3
"""More lines than these are no hint."""
Lines = tuple[tuple[int, str], ...]
"""numbers and texts of lines"""


def ratios(case: Case, told: str) -> str:
    """Return by how much each tensor is off, as a ratio where it is one."""
    scene = told.partition(":")[0]
    found, expected = (gradients_in(answers[scene]) for answers in (case.answers, case.expected))
    found_ratios, n = {}, 1 if scene == "alone" else case.probes[scene].n
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


def look_at(mistake: Mistake, lines: list[str], at: int | None = None) -> Lines:
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


def notes(case: Case, lines: list[str]) -> list[str]:
    """Return what a right network may still be told."""
    told = []
    if case.precision("first", "gradients") == "float32":
        told.append("it computes in float32, whatever it is given: 7 digits, of which these are right")
    for scene in ("first", "large inputs", "large outputs"):
        for warned in case.answers[scene].warned:
            where = ""
            if warned.line and warned.line <= len(lines):
                where = f", line {warned.line}: {lines[warned.line - 1].strip()}"
            told.append(f"NumPy warns of {warned.message}{where}; what comes of it is right")
    not_asked = [scene for scene in ("square", "all square") if case.answers[scene].trouble]
    if not_asked:
        told.append("it takes no other sizes, so a matrix that is transposed where it is square was not looked for")
    return list(dict.fromkeys(told))
