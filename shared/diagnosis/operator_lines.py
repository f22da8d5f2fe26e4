"""The line of a backward pass that holds a mistake in one gradient: the only one that can, or none."""

import ast
import re
from itertools import chain

from shared.boundary import parsed
from shared.diagnosis.predicted import CUT, OVERWRITTEN, SPREAD
from shared.diagnosis.words import Lines
from shared.reading.names import gradient_of
from shared.reading.trials import Trial


def culprit(text: str, trial: Trial, name: str, where: str) -> Lines:
    """Return the only line that can hold a mistake in the gradient of a tensor; () if another may hold it."""
    nodes = [node for node in ast.walk(parsed(text)) if isinstance(node, ast.FunctionDef)]
    function = next((node for node in nodes if node.lineno == trial.lines.get("backward")), None)
    if function is None:
        return ()
    own = {node.name for node in nodes}
    tensors = list(trial.derivatives.arrays)
    if where == CUT:
        found = [node for node in ast.walk(function) if _cuts(node, name, tensors)]
    else:
        found = [node for node in ast.walk(function) if _computes(node, name, tensors)]
        found = [node for node in found if not _is_open(node, function, own, where)] if len(found) == 1 else []
    numbers = {node.lineno for node in found if isinstance(node, ast.stmt)}
    lines = text.splitlines()
    return tuple((number, lines[number - 1].strip()) for number in numbers) if len(numbers) == 1 else ()


def _word(node: ast.expr) -> str:
    """Return the last name of a target: dW of self.dW, dx of dx[n, c]."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_of(word: str, name: str, tensors: list[str]) -> bool:
    """Return whether a name is that of the gradient of a tensor, with its padding or without."""
    bare = re.sub(r"_?(pad(ded)?)(?=_|$)|(?<=[xX])p$", "", word)
    return bare not in tensors and gradient_of(bare, tensors) == name


def _assigned(node: ast.AST) -> tuple[list[ast.expr], ast.expr | None]:
    if isinstance(node, ast.Assign):
        return node.targets, node.value
    return ([node.target], node.value) if isinstance(node, ast.AugAssign) else ([], None)


def _cuts(node: ast.AST, name: str, tensors: list[str]) -> bool:
    """Return whether a statement takes the gradient of a tensor from within another array."""
    targets, value = _assigned(node)
    value = node.value if isinstance(node, ast.Return) else value
    is_part = isinstance(value, ast.Subscript) and _is_of(_word(value), name, tensors)
    return is_part and (isinstance(node, ast.Return) or any(_is_of(_word(each), name, tensors) for each in targets))


def _computes(node: ast.AST, name: str, tensors: list[str]) -> bool:
    """Return whether a statement computes the gradient of a tensor: not zeros, and not a part of it."""
    targets, value = _assigned(node)
    if value is None or not any(_is_of(_word(each), name, tensors) for each in targets):
        return False
    return re.search(r"zeros|empty|pad\(", ast.unparse(value)) is None and not _cuts(node, name, tensors)


def _is_open(node: ast.AST, function: ast.FunctionDef, own: set[str], where: str) -> bool:
    """Return whether what a line takes was computed before it, by the file itself: the mistake may be there."""
    if where == OVERWRITTEN:
        return not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript))
    loops = [each for each in ast.walk(function) if isinstance(each, (ast.For, ast.While))]
    within = [each for each in chain.from_iterable(ast.walk(loop) for loop in loops) if isinstance(each, ast.Assign)]
    parts = [part for each in within for target in each.targets for part in ast.walk(target)]
    made = {part.id for part in parts if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)}
    targets, value = _assigned(node)
    taken = [each for part in (*targets, value) if part is not None for each in ast.walk(part)]
    words = {each.id for each in taken if isinstance(each, ast.Name)} - {_word(target) for target in targets}
    kept = {each.attr for each in taken if isinstance(each, ast.Attribute)} if where == SPREAD else set()
    return bool(words & (made | own) or kept & {"mask", "cache"})
