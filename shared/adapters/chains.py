"""Which statements of a file are between the data that it loads and what its training takes."""

import ast
import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final, NamedTuple

from shared.adapters.statements import called, changed, leading_to, loaded, needed
from shared.adapters.written_out import IMAGE_SET, INSTANCE, is_written
from shared.reading.names import has_role
from shared.reading.source import Inert, limited

BLANK: Final = re.compile(
    r"(\w+\.)?(zeros|ones|empty|full|zeros_like)\(|(\w+\.)*([Tt]ransforms?\b|v2\.|Compose\(|ToTensor\()|\[\]$"
    rf"|(\w+\.)*\w*(Scaler|Encoder|Binarizer)\(|{INSTANCE}\(|{IMAGE_SET}\("
)
"""What makes arrays that are filled afterwards, or what is done to images: it is repeated as it is."""
PART: Final = "_part"
ELEMENT: Final = "_element"
YIELDED: Final = "_yielded"
"""Names of what gives a part of all items of a data set, of a tf.data.Dataset, and of a generator."""


class Taken(NamedTuple):
    """What a training takes: expressions for its inputs and its targets."""

    x: ast.expr
    y: ast.expr
    of: tuple[set[str], set[str]] | None = None
    """the names of which each is made, where the expressions do not say"""
    text: str = ""
    """what else is done with them, for each example"""


class Chains:
    """The statements between what a file loads and what its training takes.

    Parameters
    ----------
    statements : those before the training, in order.
    taken : by the training.
    tree : the file, whose functions and classes they use.
    scope : the names that they see.
    """

    def __init__(self, statements: Sequence[ast.stmt], taken: Taken, tree: ast.Module, scope: dict[str, Any]) -> None:
        self.taken, self.scope = taken, scope
        self.statements = needed(statements, loaded(taken.x) | loaded(taken.y))
        self.real = dict(scope)
        self.data = self._data()
        self.made = self._made()
        of_x, of_y = (
            leading_to(self.statements, names, self.made) for names in taken.of or (loaded(taken.x), loaded(taken.y))
        )
        both = leading_to(self.statements, loaded(taken.x) | loaded(taken.y), self.made)
        self.chains = tuple(set.union(set(), *chain.values()) for chain in (of_x, of_y))
        """names on the way to the inputs and to the targets"""
        self.kept = [node for node in self.statements if id(node) in {**of_x, **of_y, **both}]
        self.roles: dict[int, tuple[set[str], set[str]]] = {}
        """statement that loads data, by id -> which of its names lead to the inputs, and which to the targets"""
        for k in (id(node) for node in self.kept if self._is_root(node)):
            is_told = k in of_x or k in of_y
            self.roles[k] = (of_x.get(k, set()), of_y.get(k, set())) if is_told else (both[k], both[k])
        self.text = "\n".join([*map(ast.unparse, self.kept), ast.unparse(taken.x), ast.unparse(taken.y), taken.text])
        self.definitions = self._definitions(tree)
        self.lines = sorted({node.lineno for node in self.kept if id(node) not in self.roles})

    @property
    def is_known(self) -> bool:
        """Whether it begins with data that the file loads or makes, or with a data set of its own."""
        return bool(self.roles) or any(word in self.text for word in (INSTANCE, IMAGE_SET, PART, YIELDED))

    @property
    def places(self) -> str:
        """In which lines something is done, before a colon."""
        numbers = ", ".join(map(str, self.lines))
        return f"line{'s' * (len(self.lines) > 1)} {numbers}: " if self.lines else ""

    def _data(self) -> set[str]:
        """Return the names of data, and of what is computed from them."""
        found: set[str] = set()
        for node in self.statements:
            names = changed(node)
            if not loaded(node) & found and any(map(is_written, names)):
                with suppress(Exception), limited():  # it is a stranger's file; what it loads is not there
                    exec(compile(ast.Module([node], []), "<data>", "exec"), self.real)
            if loaded(node) & found or any(_is_data(self.real.get(name, Inert())) for name in names):
                found |= names
        return found

    def _made(self) -> set[str]:
        """Return the names that are made again: of data, within calls that are written out, and of what is not here."""
        found = set(self.data)
        missing = {name for name, value in self.scope.items() if isinstance(value, Inert)}
        for node in self.statements:
            found |= {name for name in changed(node) if is_written(name) or loaded(node) & (missing | found)}
        return found

    def _is_root(self, node: ast.stmt) -> bool:
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        is_first = value is not None and (not loaded(node) & self.data or called(value) == "as_dataset")
        return is_first and bool(changed(node) & self.data) and not BLANK.match(ast.unparse(value))  # type: ignore[arg-type]

    def _definitions(self, tree: ast.Module) -> list[ast.stmt]:
        """Return the functions and classes of the file that the statements use, and those that these use."""
        own = {node.name: node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        names, found = loaded(ast.Module(self.kept, [])) | loaded(self.taken.x) | loaded(self.taken.y), set[str]()
        while new := names & own.keys() - found:
            found |= new
            names |= set.union(*(loaded(own[name]) for name in new))
        return [node for name, node in own.items() if name in found]


def _is_data(value: Any) -> bool:
    if isinstance(value, Inert):
        return True
    if isinstance(value, (tuple, list)):
        return any(map(_is_data, value[:10]))
    if isinstance(value, dict):
        return any(has_role(str(key), "x") or "target" in str(key) for key in value)
    is_array = hasattr(value, "dtype") and hasattr(value, "shape") and len(value.shape) > 0
    return is_array and not hasattr(value, "assign") and "Parameter" not in str(type(value))
