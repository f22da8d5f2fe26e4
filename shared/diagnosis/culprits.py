"""The line of a file that a mistake is in: the only one that can be meant, or none."""

import re
from collections.abc import Sequence
from typing import Final

from shared.diagnosis.case import Case
from shared.diagnosis.words import Lines, unique
from shared.reading.names import gradient_of, is_bias

MASK: Final = r"\[[^\]]*[<>]=? ?0\] ?= ?0|\* ?\(\w+ ?[<>]=? ?0\)"
"""A line with the mask of a ReLU."""
EVERYWHERE: Final = ""
"""In place of a part: all lines of the file."""
MOST_LINES: Final = 2
NEAR_LINES: Final = 4
"""So many lines below the one that sends delta down, it may be multiplied by the slope."""


def _range(case: Case, *parts: str) -> set[int]:
    """Return the lines of what is called as one of these parts; of all the file if none of them is."""
    found: set[int] = set()
    for part in parts:
        if part in case.facts.definitions:
            first, last = case.facts.definitions[part]
            found |= set(range(first + 1, last + 1))
    return found or set(range(1, len(case.lines) + 1))


def _code(case: Case, *parts: str) -> dict[int, str]:
    """Return the indented lines of code, without comments."""
    wanted = _range(case, *parts)
    code = {number: text.partition("#")[0] for number, text in enumerate(case.lines, 1) if number in wanted}
    return {number: text for number, text in code.items() if text[:1].isspace() and text.strip()}


def matching_lines(case: Case, clue: str, *parts: str, needs: str = "") -> Lines:
    """Return the line that matches a clue, or several that differ only in digits; none if others match, too."""
    for where in (parts, (EVERYWHERE,)):
        code = _code(case, *where)
        found = [n for n, text in code.items() if re.search(clue, text, re.I) and re.search(needs, text)]
        if found:
            return _unique(case, found)
    return ()


def _unique(case: Case, numbers: Sequence[int]) -> Lines:
    return unique(list(dict.fromkeys(numbers)), case.lines)[:MOST_LINES]


def delta_lines(case: Case) -> Lines:
    """Return the line that sends delta to the layer below: a product of weights and of a delta or an error."""
    owners = "|".join(sorted({re.escape(_word(name)) for name, _ in case.facts.layout.layers} | {"W", "weights"}))
    parameters = list(case.facts.derivatives.arrays)
    for parts in (("backward", "train"), (EVERYWHERE,)):
        found = []
        for number, text in _code(case, *parts).items():
            target, _, right = text.rpartition("=") if "return" not in text else ("", "", text)
            is_product = re.search(r"dot|@|matmul|multiply|einsum", right) and re.search(rf"\b({owners})\b", right)
            has_delta = re.search(r"\b\w*(delta|err|grad|diff)\w*|\bd(?!ot\b)_?[A-Za-z]\w*", right)
            if is_product and has_delta and not gradient_of(target.strip(" -+*") or "?", parameters):
                found.append(number)
        if len(found) == len(case.facts.layout.layers) - 1:  # a line a layer, from the last: the first that is wrong
            wrong = [
                l
                for l, layer in enumerate(case.facts.layout.layers)
                if not all(case.fit.right.get(name, True) for name in layer if name)
            ]
            highest = min(max(wrong, default=0), len(found) - 1)
            number = found[len(found) - 1 - highest]
            return ((number, case.lines[number - 1].strip()),)
        if found:
            return _unique(case, found)
    return ()


def slope_lines(case: Case, *, is_formula: bool = False) -> Lines:
    """Return the line that multiplies delta by a slope: the one that sends delta down, or one with what it made.

    Where it is the formula of the slope that is wrong, it may be that of a function of the file: what it returns.
    """
    found = _multiplying(case)
    for _, text in found if is_formula else ():
        for called in re.findall(r"(\w+)\(", text):
            start = next((n for n, line in enumerate(case.lines) if re.match(rf"\s*def {called}\(", line)), None)
            returns = [n for n, line in enumerate(case.lines) if start is not None and n > start and "return" in line]
            if start is not None:
                return ((returns[0] + 1, case.lines[returns[0]].strip()),) if returns else ()
    return found


def _multiplying(case: Case) -> Lines:
    found = delta_lines(case)
    if len(found) != 1:
        return ()
    number, text = found[0]
    target, _, right = text.partition("=")
    if re.search(r"(?<!\*)\*(?!\*)|multiply\(", right):
        return found
    word, last = re.escape(_word(target)), number + NEAR_LINES
    after = {n: line for n, line in _code(case, EVERYWHERE).items() if number < n <= last}
    used = [n for n, line in after.items() if re.search(rf"\b{word}\b.*\*|\*.*\b{word}\b|\b{word}\[.*[<>]", line)]
    return ((used[0], case.lines[used[0] - 1].strip()),) if used else ()


def _word(name: str) -> str:
    """Return the word by which the code calls a parameter: w_ho, weights, W2 of params['W2']."""
    return str((re.findall(r"[A-Za-z_]\w*", name) or [name])[-1])


def assignments(case: Case, names: Sequence[str]) -> Lines:
    """Return the lines that compute the gradients of these parameters, if each has one."""
    parameters = list(case.facts.derivatives.arrays)
    found: dict[str, list[int]] = {}
    for number, text in _code(case, "backward", "train").items():
        for target in _targets(text):
            parameter = gradient_of(target, parameters)
            is_itself = parameter is not None and _word(target) == _word(parameter) and "[" not in target
            if parameter in names and (not is_itself or case.facts.derivatives.run.after):
                found.setdefault(str(parameter), []).append(number)
    lines = sorted(numbers[0] for numbers in found.values() if len(numbers) == 1)[:MOST_LINES]
    if lines or not names:
        return tuple((number, case.lines[number - 1].strip()) for number in lines)
    kind = ["b", "bias", "biases"] if set(names) <= set(case.facts.layout.biases) else ["W", "w", "weights"]
    named = [(n, each) for n, text in _code(case, EVERYWHERE).items() for each in _targets(text)]
    return _unique(case, [n for n, each in named if _word(each) not in kind and gradient_of(each, kind)])


def _targets(text: str) -> list[str]:
    """Return what a line assigns to, if it computes it: not from a copy, zeros or an update."""
    match = re.match(r"\s*([\w.\[\]'\"+ (),]+?)\s*[-+*]?=(?!=)(.*)", text)
    if match is None or re.search(r"zeros|\[None\]|eta|learning_rate|\blr\b", match[2]):
        return []
    if not re.search(r"dot|@|sum|mean|outer|matmul|multiply|einsum|[*/]", match[2]):
        return []
    return [target.strip() for target in match[1].split(",")]


def mistake_lines(case: Case, clue: str, equation: str) -> Lines:
    """Return the culprit of a mistake of the catalogue."""
    wrong = case.fit.wrong
    if equation == "(7)":
        return assignments(case, [name for name in wrong if is_bias(name)] or wrong)
    if equation in ("(1)", "(2)"):
        return matching_lines(case, clue, EVERYWHERE)
    if equation == "(6)":
        return assignments(case, wrong) or matching_lines(case, clue, "backward", "train")
    delta = delta_lines(case) if equation == "(5)" else ()
    return delta or (matching_lines(case, clue, "backward", "train") if clue else ())
