"""A file's statements on its data, for as many examples as they are given."""

import ast
from typing import Final

COUNTS: Final = {70_000, 60_000, 50_000, 10_000, 1797, 42_000}
"""Examples of well-known data sets: as numbers of a file they stand for the number of all rows."""


class AllRows(ast.NodeTransformer):
    """Statements for as many examples as there are: without splits, own orders, devices and lower precision."""

    WIDER: Final = {"float32": "float64", "float": "double", "FloatTensor": "DoubleTensor"}

    def __init__(self, dtype: str, is_item: bool = False) -> None:
        """Take statements of all rows; or of a function, which may be of an item: its slices are not of rows."""
        self.is_wider, self.is_item = dtype == "float64", is_item

    def visit_Constant(self, node: ast.Constant) -> ast.expr:
        """Let the number of all examples be ours, and float32 float64."""
        if type(node.value) is int and node.value in COUNTS:
            return ast.Name("_rows", ast.Load())
        return ast.Constant("float64") if self.is_wider and node.value == "float32" else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """Take all rows where some are taken."""
        self.generic_visit(node)
        if self.is_item:
            return node
        first = node.slice.elts[0] if isinstance(node.slice, ast.Tuple) and node.slice.elts else node.slice
        is_shape = "shape" in ast.unparse(node.value) or "size(" in ast.unparse(node.value)
        if isinstance(first, ast.Slice) and isinstance(node.ctx, ast.Load) and first.step is None and not is_shape:
            first.lower = first.upper = None
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        """Compute in the dtype in which everything is compared."""
        self.generic_visit(node)
        if self.is_wider and node.attr in self.WIDER:
            node.attr = self.WIDER[node.attr]
        return node

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """Leave out devices, and take random orders for the given one."""
        self.generic_visit(node)
        if isinstance(node.func, ast.Attribute):
            if node.func.attr in ("cuda", "pin_memory"):
                return node.func.value
            if node.func.attr == "randperm":
                node.func.attr = "arange"
            if node.func.attr == "permutation":  # of NumPy, of one of its generators, or of JAX with a key before
                return ast.Call(ast.Name("_in_order", ast.Load()), node.args[-1:], [])
        return node
