"""The classic mistakes of an update, by the rule that its steps follow and by its code."""

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import numpy as np

from shared.boundary import NotPythonError, parsed
from shared.diagnosis.diagnose import Diagnosis
from shared.diagnosis.facts import Facts
from shared.diagnosis.updates import NEAR, NO_COUNT, NO_ROOT, NO_SQUARE, SIGN, UNCORRECTED, Rule
from shared.reading.names import has_role
from shared.reading.walks import USUAL

LOST: Final = "what the update remembers is lost after every step"
FROM_ZERO: Final = "Adam's step counter starts at 0"


def mistake_of(rule: Rule | None, facts: Facts, n: int, factor: float) -> Diagnosis | None:
    """Return the classic mistake of an update; None for none. `factor` is that of the loss: 1/n for a mean."""
    if rule is None:
        return None
    if rule.scale < 0:
        return Diagnosis(
            "update with the wrong sign", f"the update is {rule.name}, and it goes uphill",
            "subtract the step from the parameters", "(8)",
        )  # fmt: skip
    if rule.name in ("", SIGN) and not rule.decay and (lines := lost_lines(facts)):
        return Diagnosis(
            LOST, "what the update remembers of earlier steps is 0 again in every step, so each is like the first",
            "make it once, before the training, and keep it: in an attribute, or changed in place", "(8)", lines=lines,
        )  # fmt: skip
    is_mean = any(abs(factor * n * o / k - 1) < NEAR for k in (1, 2) for o in (1, facts.derivatives.batch.n_out))
    if n > 1 and is_mean and not rule.name and abs(rule.scale * n / facts.rate - 1) < NEAR:
        return Diagnosis(
            "1/n twice", "the gradients are means over the examples, and the update divides by their number again",
            "divide once", "(4) or (8)",
        )  # fmt: skip
    if rule.mistake not in ADVICE or not facts.is_count_own or facts.derivatives.alike > NEAR:
        return None
    if rule.mistake == UNCORRECTED and re.search(POWER, facts.text):
        return None  # it may be in the learning rate that the update is given
    return Diagnosis(rule.mistake, *ADVICE[rule.mistake], "(8)")


ADVICE: Final = {
    NO_SQUARE: (
        "v is the average of the gradients, not of their squares",
        "v <- beta_2 v + (1 - beta_2) g^2",
    ),
    NO_ROOT: (
        "the step divides by v, the average of the squares, and not by its root",
        "theta <- theta - eta m / (sqrt(v) + epsilon)",
    ),
    UNCORRECTED: (
        "m and v start at 0, and are used as they are: the first steps have another size than the learning rate says",
        "m / (1 - beta_1^t) and v / (1 - beta_2^t), in steps t = 1, 2, ...",
    ),
    NO_COUNT: (
        "every step divides by 1 - beta_1 and 1 - beta_2, as if it were the first",
        "t <- t + 1 in every step, and 1 - beta_1^t, 1 - beta_2^t with it",
    ),
}
"""mistake -> what it does, and the remedy"""
POWER: Final = r"1\.?0? *- *(np\.|math\.)?[\w.\[\]'\"]+ *(\*\* *\(?[A-Za-z_]|\([\w.]+ *, *[A-Za-z_])"
"""1 - beta ** t, or 1 - np.power(beta, t)"""


def from_zero(facts: Facts) -> Diagnosis | None:
    """Return that t starts at 0, where the first step is not finite and the code divides by 1 - beta^t."""
    lines = [(i, line.strip()) for i, line in enumerate(facts.text.splitlines(), 1) if re.search(POWER, line)]
    if not lines or not facts.is_count_own or not all(np.isfinite(g).all() for g in facts.slopes[0].values()):
        return None
    return Diagnosis(
        FROM_ZERO, "in the first step 1 - beta^t is 0, and the parameters are divided by it: they are not finite",
        "t <- t + 1 before the first step", "(8)", lines=tuple(lines[:2]),
    )  # fmt: skip


def lost_lines(facts: Facts) -> tuple[tuple[int, str], ...]:
    """Return the lines v = mu v + ... of a file in which v is never kept; () if one of them is kept.

    v is set to zeros in the lines before, or is a name of the function or of its loop that goes no further.
    """
    with suppress(NotPythonError):
        text = facts.text.splitlines()
        every = [node for node in ast.walk(parsed(facts.text)) if isinstance(node, (ast.FunctionDef, ast.Module))]
        ranges = [range(*facts.definitions[part]) for part in ("update", "train") if part in facts.definitions]
        called = "\n".join(text[i - 1] for lines in ranges for i in lines)
        found = list[int]()
        for node in every:
            lost, kept = _recurrences(node)
            if kept:
                return ()
            is_called = isinstance(node, ast.Module) or re.search(rf"\b{node.name}\(", called)
            found += [line for line in lost if is_called or any(line - 1 in lines for lines in ranges)]
        return tuple((line, text[line - 1].strip()) for line in sorted(set(found))[:2])
    return ()


def _recurrences(function: ast.FunctionDef | ast.Module) -> tuple[list[int], int]:
    """Return the lines v = mu v + ... in which v is lost, and the number of those in which it is kept."""
    found, kept = [], 0
    for statements, targets in _bodies(function):
        zeros = set[str]()
        for statement in statements:
            if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
                name = ast.unparse(statement.targets[0])
                if _is_zeros(statement.value):
                    zeros.add(name)
                elif _remembers(statement):
                    is_lost = name in zeros or (name in targets and not _is_used_up(name, function))
                    found += [statement.lineno] * is_lost
                    kept += not is_lost
    return found, kept


def _bodies(function: ast.FunctionDef | ast.Module) -> Iterator[tuple[list[ast.stmt], set[str]]]:
    """Yield what is done one after the other in a function and in its loops, with the names that it is done for."""
    if isinstance(function, ast.FunctionDef):
        yield function.body, {argument.arg for argument in function.args.args}
    inner = {each for node in ast.walk(function) if node is not function and isinstance(node, ast.FunctionDef)
             for each in ast.walk(node)}  # fmt: skip
    for node in set(ast.walk(function)) - inner:
        if isinstance(node, ast.For):
            yield node.body, {each.id for each in ast.walk(node.target) if isinstance(each, ast.Name)}
        elif isinstance(node, (ast.While, ast.If, ast.With)):
            yield node.body, set()


def _is_zeros(value: ast.expr) -> bool:
    return re.match(r"(\w+\.)?zeros(_like)?\(|0(\.0?)?$", ast.unparse(value)) is not None


def _remembers(statement: ast.Assign) -> bool:
    """Return whether a line is v = factor * v + ..., or - ..."""
    name, value = ast.unparse(statement.targets[0]), statement.value
    if not isinstance(value, ast.BinOp) or not isinstance(value.op, (ast.Add, ast.Sub)):
        return False
    if isinstance(value.right, ast.Constant) or any(has_role(name, role) for role in ("x", "y")):
        return False
    factor, own = rf"0?\.\d+|(\w+\.)?({'|'.join(USUAL)})|\(1 - [\w.]+\)", re.escape(name)
    return re.fullmatch(rf"({factor}) \* {own}|{own} \* ({factor})", ast.unparse(value.left)) is not None


def _is_used_up(name: str, function: ast.FunctionDef | ast.Module) -> bool:
    """Return whether a name is returned, appended or stored: it may be kept after all."""
    uses = [node for node in ast.walk(function) if isinstance(node, (ast.Return, ast.Call, ast.Assign, ast.Yield))]
    for node in uses:
        if isinstance(node, ast.Assign) and not isinstance(node.targets[0], (ast.Subscript, ast.Attribute)):
            continue
        if isinstance(node, ast.Call) and not re.search(r"append|copyto|update|set", ast.unparse(node.func)):
            continue
        if any(isinstance(each, ast.Name) and each.id == name for each in ast.walk(node)):
            return True
    return False
