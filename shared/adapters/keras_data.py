"""From which data of a file with a keras.Model its training takes its batches: of `fit`, or of its own loop."""

import ast
import re
from typing import Any, Final

from shared.adapters.chains import ELEMENT, Taken
from shared.adapters.loop_data import TrainingData, given_by, preceding, repeated
from shared.adapters.loops import Loop
from shared.adapters.pipelines import Order
from shared.adapters.statements import called, loaded, needed, settings, until
from shared.adapters.written_out import as_in_file
from shared.reading.source import Source

PIPELINE: Final = re.compile(r"\bDataset\.|\btfds\.|dataset_from_directory\(")
"""What a tf.data.Dataset begins with."""


class KerasData(TrainingData):
    """The call of `fit` of a file, or the loop that asks a GradientTape, and what it is given."""

    def __init__(self, source: Source, loop: Loop | None) -> None:
        self.given: dict[str, ast.expr] = {}
        if loop is not None:
            super().__init__(source, preceding(loop), ast.unparse(loop.node))
            data = repeated(loop.node)
            self.taken = self._of_pipeline(data) if data is not None else None
            return
        call = next((node for node in ast.walk(source.tree) if isinstance(node, ast.Call) and called(node) == "fit"
                     and (node.args or any(each.arg == "x" for each in node.keywords))), None)  # fmt: skip
        owner = next((f for f in source.functions.values() if any(n is call for n in ast.walk(f))), None)
        before = [*until(source.tree.body, call if owner is None else None, settings(source))]
        super().__init__(
            source, [*before, *until(owner.body, call, settings(source, owner))] if owner is not None else before
        )
        if call is None:
            return
        self.given = dict(zip(("x", "y", "batch_size"), call.args, strict=False))
        self.given |= {each.arg: each.value for each in call.keywords if each.arg}
        x: ast.expr = self.given["x"]
        self.taken = Taken(x, self.given["y"]) if "y" in self.given else self._of_pipeline(x)
        if self.taken is None and not isinstance(x, ast.Constant):
            words = as_in_file(ast.unparse(x))[:60]
            self.unknown = f"line {call.lineno}: `fit` takes its batches from {words}, which is not known here"

    def _of_pipeline(self, data: ast.expr) -> Taken | None:
        """Return what a tf.data.Dataset gives; None of anything else."""
        made = [*needed(self.statements, loaded(data)), data]
        if not any(PIPELINE.search(ast.unparse(node)) for node in made):
            return None
        calls = [each for node in made for each in ast.walk(node) if isinstance(each, ast.Call)]
        calls = [each for each in calls if called(each) in ("from_tensor_slices", "zip") and each.args]
        pairs = [each.args[0].elts for each in calls if isinstance(each.args[0], ast.Tuple)]
        pair = next((each for each in reversed(pairs) if len(each) == len(("x", "y"))), None)
        x, y = (given_by(ELEMENT, [data, ast.Constant(key)], data) for key in (0, 1))
        return Taken(x, y, (loaded(pair[0]), loaded(pair[1])) if pair else None)

    def order(self, scope: dict[str, Any]) -> Order | None:
        """Return what an epoch takes of the examples: `fit` shuffles, if it is not told otherwise."""
        del scope
        if self.found is not None and self.found.order is not None:
            return self.found.order
        if self.taken is None or "y" not in self.given:
            return None
        shuffle = self.given.get("shuffle", ast.Constant(True))
        return Order(bool(shuffle.value), False) if isinstance(shuffle, ast.Constant) else None
