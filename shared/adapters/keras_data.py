"""From which data of a file with a keras.Model its training takes its batches: of `fit`, or of its own loop."""

import ast
import re
from typing import Any

from shared.adapters.loop_data import Order, assigned, preceding, until
from shared.adapters.loops import Loop
from shared.adapters.preparation import Preparation, Taken
from shared.reading.source import Source


class KerasData:
    """The call of `fit` of a file, or the loop that asks a GradientTape, and what it is given."""

    def __init__(self, source: Source, loop: Loop | None) -> None:
        self.loop, self.given = loop, dict[str, ast.expr]()
        self.statements: list[ast.stmt] = []
        self.taken: Taken | None = None
        self.pipeline = ""
        """the expression of a tf.data.Dataset"""
        if loop is not None:
            self.statements, self.used = preceding(loop), ast.unparse(loop.node)
            over = [loop.node.iter] if isinstance(loop.node, ast.For) else []
            names = [each.id for node in over for each in ast.walk(node) if isinstance(each, ast.Name)]
            made = [value for name in names if (value := assigned(name, self.statements)) is not None]
            self._of_pipeline([*over, *made])
            return
        nodes = [node for node in ast.walk(source.tree) if isinstance(node, ast.Call)]
        call = next((n for n in nodes if isinstance(n.func, ast.Attribute) and n.func.attr == "fit"
                     and (n.args or any(k.arg == "x" for k in n.keywords))), None)  # fmt: skip
        if call is None:
            return
        owner = next((f for f in source.functions.values() if any(n is call for n in ast.walk(f))), None)
        self.statements = [*until(source.tree.body, call if owner is None else None)]
        self.statements += until(owner.body, call) if owner is not None else []
        self.used = ""
        self.given = dict(zip(("x", "y", "batch_size"), call.args, strict=False))
        self.given |= {each.arg: each.value for each in call.keywords if each.arg}
        if "x" in self.given and "y" in self.given:
            self.taken = Taken(self.given["x"], self.given["y"])
        elif isinstance(data := self.given.get("x"), ast.Name):
            self._of_pipeline([value for value in [assigned(data.id, self.statements)] if value is not None])

    def _of_pipeline(self, made: list[ast.expr]) -> None:
        """Take the arrays of a tf.data.Dataset that is made of two."""
        for each in made:
            for node in ast.walk(each):
                is_made = isinstance(node, ast.Call) and "from_tensor_slices" in ast.unparse(node.func)
                if is_made and isinstance(node.args[0], ast.Tuple) and len(node.args[0].elts) == 2:  # type: ignore[attr-defined]
                    self.taken, self.pipeline = Taken(*node.args[0].elts), ast.unparse(each)  # type: ignore[attr-defined]

    def preparation(self, scope: dict[str, Any], size: int, n_out: int, dtype: str) -> Preparation | None:
        """Return what the file does to its data before its training; None where it takes none that are known."""
        if self.taken is None or ".map(" in self.pipeline:
            return None
        found = Preparation(self.statements, self.taken, scope, self.used, size, n_out, dtype)
        return found if found.is_known else None

    def order(self) -> Order | None:
        """Return what an epoch takes of the examples: `fit` shuffles, if it is not told otherwise."""
        if self.pipeline:
            drops = re.search(r"drop_remainder=True|\.batch\([^()]*, *True\)", self.pipeline) is not None
            return Order(".shuffle(" in self.pipeline, drops)
        if self.loop is not None or self.taken is None:
            return None
        shuffle = self.given.get("shuffle", ast.Constant(True))
        return Order(bool(shuffle.value), False) if isinstance(shuffle, ast.Constant) else None
