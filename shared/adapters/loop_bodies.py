"""The body of a training loop as one step on a batch that is given: without jumps, prints, and batches of its own."""

import ast
import copy
import re
from typing import Final

SHUFFLED: Final = re.compile(r"randperm|permutation")
PICKED: Final = re.compile(r"\b(randperm|permutation|randint|choice|sample|multinomial)\(")
"""What picks rows by chance."""
TRAINS: Final = re.compile(r"grad|backward\(|\.step\(|\bscan\(|\.update\(")
"""What is more than a batch."""
JUMPS: Final = (ast.Break, ast.Continue, ast.Return)
SHOWS: Final = ("print", "log", "info", "debug", "warning", "write", "flush", "set_description", "set_postfix",
                "add_scalar", "add_scalars", "save")  # fmt: skip
KEEPS: Final = ("append", "extend")
MODES: Final = ("eval", "train")
"""What is called for what it shows, such as `bar.set_postfix(...)`; what keeps figures; and what surrounds a test."""


def as_one_step(node: ast.For | ast.While, drawn: list[ast.stmt]) -> list[ast.stmt]:
    """Return the body of a loop for one batch: rows that it picks or cuts out by its own count are all rows.

    Parameters
    ----------
    drawn : the statements that get a batch, which is given instead.
    """
    counted = set[str]()
    if isinstance(node, ast.For) and "range(" in ast.unparse(node.iter):
        counted = {each.id for each in ast.walk(node.target) if isinstance(each, ast.Name)}
    for each in node.body:
        if isinstance(each, ast.Assign) and {n.id for n in ast.walk(each.value) if isinstance(n, ast.Name)} & counted:
            is_index = all(isinstance(n, (ast.Name, ast.BinOp, ast.operator, ast.Constant, ast.expr_context, ast.Call))
                           for n in ast.walk(each.value))  # fmt: skip
            counted |= stored(each) if is_index else set()
    kept = [each for each in without_jumps(node.body) if not is_picked(each, node) and each not in drawn]
    return [ast.fix_missing_locations(_Step(counted).visit(copy.deepcopy(each))) for each in kept]


def is_picked(node: ast.stmt, loop: ast.AST) -> bool:
    """Return whether a statement of a loop picks the rows of a batch by chance."""
    if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
        return False
    is_index = re.search(rf"\[{node.targets[0].id}\b", ast.unparse(loop)) is not None
    return is_index and isinstance(node.value, ast.Call) and PICKED.search(ast.unparse(node.value)) is not None


def gets_batch(node: ast.stmt, functions: dict[str, ast.FunctionDef]) -> ast.expr | None:
    """Return what gets a batch in a statement of a loop: of `next`, or of a function that picks rows by chance."""
    first = node.body[0] if isinstance(node, ast.Try) else node
    if not (isinstance(first, ast.Assign) and isinstance(first.value, ast.Call)):
        return None
    name = ast.unparse(first.value.func)
    text = ast.unparse(functions[name]) if name in functions else ""
    picks = PICKED.search(text) and not TRAINS.search(text)
    return first.targets[0] if name == "next" or picks else None


class _Step(ast.NodeTransformer):
    """Slices from a counter on: to the end, for the batch that is given is all there is. Nothing is printed."""

    def __init__(self, counted: set[str]) -> None:
        self.counted = counted

    def visit_Slice(self, node: ast.Slice) -> ast.Slice:
        """Leave out the upper end that is counted, beside a lower one."""
        bounds = [{n.id for n in ast.walk(b) if isinstance(n, ast.Name)} if b is not None else set()
                  for b in (node.lower, node.upper)]  # fmt: skip
        if all(each & self.counted for each in bounds):
            node.upper = None
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST:
        """Leave out what prints."""
        return ast.copy_location(ast.Pass(), node) if _is_print(node) else self.generic_visit(node)


def loaded_first(node: ast.expr) -> set[str]:
    """Return the name that an argument begins with."""
    return {next((each.id for each in ast.walk(node) if isinstance(each, ast.Name)), "")} - {""}


def without_jumps(body: list[ast.stmt], jumps: bool = False) -> list[ast.stmt]:
    """Return statements without `break`, `continue` (unless `jumps` stay) and what only shows or counts."""
    kept: list[ast.stmt] = []
    for node in body:
        if isinstance(node, JUMPS) and not jumps:
            break
        has_jump = any(isinstance(each, JUMPS) for each in ast.walk(node))
        others = [each for each in body if each is not node]
        if (jumps or not has_jump) and not _only_shows(node, {name for each in others for name in _read(each)}):
            kept.append(node)
    return kept


def _only_shows(node: ast.stmt, used: set[str]) -> bool:
    """Return whether a statement prints or draws or, under a condition, shows and keeps what no other one uses."""
    if not isinstance(node, ast.If):
        return _is_print(node)
    shown = any(_is_print(each) or not {*SHOWS, *KEEPS}.isdisjoint(_words(each)[-1:]) for each in ast.walk(node))
    return shown and stored(node).isdisjoint(used) and all(_is_idle(each, used) for each in (*node.body, *node.orelse))


def _is_print(node: ast.AST) -> bool:
    return _words(node)[:1] in (["print"], ["plt"])


def _is_idle(node: ast.stmt, used: set[str]) -> bool:
    """Return whether a statement changes nothing but the names that it gives values to, and its own figures."""
    if words := _words(node):
        keeps = words[-1] in KEEPS and words[0] not in used
        return _is_print(node) or keeps or words[-1] in SHOWS or (words[-1] in MODES and len(words) > 1)
    if isinstance(node, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        parts = (part for target in targets for part in ast.walk(target))
        return all(isinstance(part, (ast.Name, ast.Tuple, ast.expr_context)) for part in parts)
    inner = [each for name in ("body", "orelse") for each in getattr(node, name, [])]
    return isinstance(node, ast.Pass) or (bool(inner) and all(_is_idle(each, used) for each in inner))


def _words(node: ast.AST) -> list[str]:
    """Return the words of what a statement calls, such as ["plt", "show"]; [] of one that is no call."""
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    return ast.unparse(node.value.func).split(".") if is_call else []  # type: ignore[attr-defined]


def _read(node: ast.AST) -> set[str]:
    """Return the names whose values something within a node uses."""
    found = {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
    return found | {n for each in ast.walk(node) if isinstance(each, ast.AugAssign) for n in stored(each.target)}


def stored(node: ast.AST) -> set[str]:
    """Return the names to which something within a node gives values."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
