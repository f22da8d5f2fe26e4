"""The body of a training loop as one step on a batch that is given: without jumps, prints, and batches of its own."""

import ast
import copy
import re
from typing import Final

SHUFFLED: Final = re.compile(r"randperm|permutation")
PICKED: Final = re.compile(r"\b(randperm|permutation|randint|choice|sample|multinomial)\(")
"""What picks rows by chance."""


def as_one_step(node: ast.For | ast.While) -> list[ast.stmt]:
    """Return the body of a loop for one batch: rows that it picks or cuts out by its own count are all rows."""
    counted = set[str]()
    if isinstance(node, ast.For) and "range(" in ast.unparse(node.iter):
        counted = {each.id for each in ast.walk(node.target) if isinstance(each, ast.Name)}
    for each in node.body:
        if isinstance(each, ast.Assign) and {n.id for n in ast.walk(each.value) if isinstance(n, ast.Name)} & counted:
            is_index = all(isinstance(n, (ast.Name, ast.BinOp, ast.operator, ast.Constant, ast.expr_context, ast.Call))
                           for n in ast.walk(each.value))  # fmt: skip
            counted |= stored(each) if is_index else set()
    kept = [each for each in without_jumps(node.body) if not is_picked(each, node)]
    return [ast.fix_missing_locations(_Whole(counted).visit(copy.deepcopy(each))) for each in kept]


def is_picked(node: ast.stmt, loop: ast.AST) -> bool:
    """Return whether a statement of a loop picks the rows of a batch by chance."""
    if not (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)):
        return False
    is_index = re.search(rf"\[{node.targets[0].id}\b", ast.unparse(loop)) is not None
    return is_index and isinstance(node.value, ast.Call) and PICKED.search(ast.unparse(node.value)) is not None


class _Whole(ast.NodeTransformer):
    """Slices from a counter on: to the end, for the batch that is given is all there is."""

    def __init__(self, counted: set[str]) -> None:
        self.counted = counted

    def visit_Slice(self, node: ast.Slice) -> ast.Slice:
        """Leave out the upper end that is counted, beside a lower one."""
        bounds = [{n.id for n in ast.walk(b) if isinstance(n, ast.Name)} if b is not None else set()
                  for b in (node.lower, node.upper)]  # fmt: skip
        if all(each & self.counted for each in bounds):
            node.upper = None
        return node


def loaded_first(node: ast.expr) -> set[str]:
    """Return the name that an argument begins with."""
    return {next((each.id for each in ast.walk(node) if isinstance(each, ast.Name)), "")} - {""}


def without_jumps(body: list[ast.stmt], jumps: bool = False) -> list[ast.stmt]:
    """Return statements without `break`, `continue` (unless `jumps` stay) and what only shows or counts."""
    kept: list[ast.stmt] = []
    for node in body:
        if isinstance(node, (ast.Break, ast.Continue, ast.Return)) and not jumps:
            break
        has_jump = any(isinstance(each, (ast.Break, ast.Continue, ast.Return)) for each in ast.walk(node))
        shows = isinstance(node, ast.If) and re.search(r"print|log|append|plot", ast.unparse(node))
        shown = node.body if isinstance(node, ast.If) and not node.orelse else [node]
        prints = all(isinstance(n, ast.Expr) and ast.unparse(n).startswith(("print(", "plt.")) for n in shown)
        if (jumps or not has_jump) and not (shows and "step(" not in ast.unparse(node)) and not prints:
            kept.append(node)
    return kept


def stored(node: ast.AST) -> set[str]:
    """Return the names to which something within a node gives values."""
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
