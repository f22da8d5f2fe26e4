"""What a file does to its data before its loop, repeated with images of ours in the place of what it loads."""

import ast
import copy
import re
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from shared.adapters.all_rows import AllRows
from shared.adapters.forms import as_rows, one_hot_like, shaped
from shared.adapters.loop_bodies import stored
from shared.adapters.stand_ins import OVERRIDES, Examples, UnfollowedError, as_array, biased, one_of
from shared.boundary import told
from shared.interface import Array
from shared.reading.names import has_role
from shared.reading.source import Inert, limited

BLANK: Final = re.compile(
    r"(\w+\.)?(zeros|ones|empty|full|zeros_like)\(|(\w+\.)*([Tt]ransforms?\b|Compose\(|ToTensor\()"
)
"""What makes arrays that are filled afterwards, or what is done to images: it is repeated as it is."""
TORCH: Final = re.compile(r"\btorch\.|torchvision|\b\w*MNIST\(|CIFAR\d+\(|SVHN\(")
PIXELS: Final = re.compile(r"mnist\.load_data|cifar10+\.load_data|fetch_openml|\b\w*MNIST\(|CIFAR\d+\(|SVHN\(")
"""Data sets whose pixels are 0 to 255."""
SHAPES: Final = {784: (28, 28), 3072: (32, 32, 3)}


class Taken(NamedTuple):
    """What a training takes: expressions for its inputs and its targets."""

    x: ast.expr
    y: ast.expr


class Preparation:
    """The statements between what a file loads and what its training takes.

    Parameters
    ----------
    statements : those before the training, in order.
    taken : by the training.
    scope : the names that they see.
    used : further text in which the scale of the pixels may show: that of the loop.
    size, n_out : numbers of an example, and outputs of the model.
    dtype : in which it is repeated, whatever it is written for.
    """

    def __init__(
        self, statements: Sequence[ast.stmt], taken: Taken, scope: dict[str, Any], used: str,
        size: int, n_out: int, dtype: str,
    ) -> None:  # fmt: skip
        self.taken, self.scope = taken, scope
        self.statements = [each for node in statements for each in _apart(node)]
        self.size, self.n_out, self.dtype = size, n_out, dtype
        self.data = self._data()
        of_x, of_y = (self._chain(loaded(each) & self.data) for each in taken)
        self.chains = tuple(set.union(set(), *chain.values()) for chain in (of_x, of_y))
        """names on the way to the inputs and to the targets"""
        self.kept = [node for node in self.statements if id(node) in {**of_x, **of_y}]
        self.roles = {id(n): (of_x.get(id(n), set()), of_y.get(id(n), set())) for n in self.kept if self._is_root(n)}
        self.text = "\n".join([*map(ast.unparse, self.kept), *map(ast.unparse, taken)])
        self.mentioned = f"{self.text}\n{used}"
        self.shape: tuple[int, ...] = ()
        """of an example as the training takes it, after a call"""
        self.is_tensor = False
        self.lines = sorted({node.lineno for node in self.kept if id(node) not in self.roles})

    # ---- Which statements -----------------------------------------------------------------------------------

    def _data(self) -> set[str]:
        """Return the names of data, and of what is computed from them."""
        found: set[str] = set()
        for node in self.statements:
            names = changed(node)
            if loaded(node) & found or any(_is_data(self.scope.get(name, Inert())) for name in names):
                found |= names
        return found

    def _chain(self, names: set[str]) -> dict[int, set[str]]:
        """Return the statements that give names their values, by id, each with which of the names that it makes."""
        wanted, found = set(names), dict[int, set[str]]()
        for node in reversed(self.statements):
            if hit := changed(node) & wanted:
                found[id(node)] = hit
                if isinstance(node, (ast.Assign, ast.AnnAssign)):
                    wanted -= stored(node)
                wanted |= loaded(node) & self.data
        return found

    def _is_root(self, node: ast.stmt) -> bool:
        value = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
        return value is not None and not loaded(node) & self.data and not BLANK.match(ast.unparse(value))

    @property
    def is_known(self) -> bool:
        """Whether it begins with data that the file loads or makes."""
        return bool(self.roles) or any("_images" in ast.unparse(each) for each in self.taken)

    # ---- Again, with other examples -------------------------------------------------------------------------

    def __call__(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return what the training takes in the place of images (n, size) from 0 to 1 and labels or numbers (n,).

        Raises
        ------
        UnfollowedError
            Where a statement does not work with them; the message says which.
        """
        failures = list[str]()
        for shape in dict.fromkeys([(self.size,), SHAPES.get(self.size, (self.size,)), one_of(self.size)]):
            try:
                return self._again(x.reshape(len(x), -1), y, shape)
            except UnfollowedError as error:
                failures.append(str(error))
        raise UnfollowedError(failures[0])

    def _again(self, x: Array, y: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
        n, classes = len(x), max(self.n_out, 2)
        black_and_white = np.arange(classes) % 2.0  # so that the largest pixel and each class are there
        images = np.concatenate([x, np.repeat(black_and_white[:, None], self.size, axis=1)])
        labels = np.concatenate([y, np.arange(classes) / (1 if self.n_out > 1 else classes - 1)])
        scope = self.scope | {name: each for name, each in OVERRIDES.items() if name in self.mentioned}
        scope |= {"_rows": len(images), "_images": lambda transform: Examples.transformed(transform, images, self.size)}
        scope["_labels"] = labels.astype(np.int64) if self.n_out > 1 else labels
        with biased():
            for node in self.kept:
                if id(node) in self.roles:
                    self._load(node, images, labels, shape, scope)
                else:
                    self._run(node, scope)
            found = [self._value(each, scope) for each in self.taken]
        self.is_tensor = hasattr(found[0], "detach")
        inputs, targets = (as_array(each) for each in found)
        if len(inputs) != len(images) or len(targets) != len(images) or inputs.size != images.size:
            numbers = ", ".join(map(str, self.lines))
            lines = f"line{'s' * (len(self.lines) > 1)} {numbers}: " if self.lines else ""
            raise UnfollowedError(
                f"{lines}{len(images)} examples become inputs {inputs.shape}, targets {targets.shape}"
            )
        self.shape = inputs.shape[1:]
        return inputs[:n], targets[:n]

    def _run(self, node: ast.stmt, scope: dict[str, Any]) -> None:
        again = ast.fix_missing_locations(AllRows(self.dtype).visit(copy.deepcopy(node)))
        try:
            with limited():
                exec(compile(ast.Module([again], []), "<data>", "exec"), scope)
        except Exception as error:
            raise UnfollowedError(f"line {node.lineno}: {ast.unparse(node)[:60]}: {told(error)[:100]}") from error

    def _value(self, expression: ast.expr, scope: dict[str, Any]) -> Any:
        again = ast.fix_missing_locations(AllRows(self.dtype).visit(copy.deepcopy(expression)))
        try:
            return eval(compile(ast.Expression(again), "<data>", "eval"), scope)
        except Exception as error:
            raise UnfollowedError(f"{ast.unparse(expression)[:60]}: {told(error)[:100]}") from error

    def _load(self, node: Any, images: Array, labels: Array, shape: tuple[int, ...], scope: dict[str, Any]) -> None:
        """Put our examples in the place of what a statement loads or makes."""
        text, real = ast.unparse(node.value), dict(self.scope)
        try:
            with limited():
                exec(compile(ast.Module([node], []), "<data>", "exec"), real)
        except Exception:  # noqa: BLE001 - what it loads is not there
            real = {}
        is_torch = TORCH.search(text) is not None
        for name in set.union(*self.roles[id(node)]):
            of_x, of_y = (name in each for each in self.roles[id(node)])
            own = real.get(name)
            own = None if isinstance(own, Inert) or not hasattr(own, "dtype") else own
            like = is_torch if own is None else hasattr(own, "detach")
            sizes = tuple(own.shape[1:]) if own is not None else ()
            x = images * self._most(text, own)
            fits = own is not None and own.ndim > 0 and int(np.prod(sizes)) == self.size
            y = one_hot_like(labels, sizes, self.n_out, own is not None)
            if column := re.search(rf"\b{name}\[:, *(0|-1)\]", self.text):
                parts = [labels[:, None], x] if column[1] == "0" else [x, labels[:, None]]
                scope[name] = as_rows(np.concatenate(parts, axis=1), like, self.dtype)
            elif re.search(rf"\b{name}(\.(data|targets?|images|labels)\b(?!\()|\[['\"])", self.text):
                scope[name] = Examples(x, y, self.size, like, self.dtype)
            elif of_x and (not of_y or has_role(name, "x")):
                scope[name] = as_rows(shaped(x, sizes if fits else shape), like, self.dtype)
            elif of_y and not of_x:
                scope[name] = as_rows(y, like, self.dtype)
            else:
                scope[name] = Examples(x, y, self.size, like, self.dtype)

    def _most(self, text: str, own: Any) -> float:
        """Return what a white pixel is in what a file loads: 255, 16 or 1."""
        if "load_digits" in text:
            return 16.0
        said = re.search(r"\b(25[56]|127\.5)\b", self.mentioned) is not None
        if own is not None:
            return 255.0 if "uint8" in str(own.dtype) or (said and float(own.max()) > 1) else 1.0
        sixteen = re.search(r"/ *16\b", self.mentioned) is not None
        return 255.0 if PIXELS.search(text) or said else 16.0 if sixteen else 1.0


def loaded(node: ast.AST) -> set[str]:
    """Return the names whose values something within a node takes."""
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)}
    return names | {
        n.target.id for n in ast.walk(node) if isinstance(n, ast.AugAssign) and isinstance(n.target, ast.Name)
    }


def changed(node: ast.AST) -> set[str]:
    """Return the names that a statement gives values to, or changes in place."""
    found = stored(node)
    for each in ast.walk(node):
        if isinstance(each, ast.Subscript) and isinstance(each.ctx, ast.Store) and isinstance(each.value, ast.Name):
            found.add(each.value.id)
        if isinstance(node, ast.Expr) and isinstance(each, ast.Attribute) and isinstance(each.value, ast.Name):
            found |= {each.value.id} if re.fullmatch(r"[a-z]\w*_", each.attr) else set()
    return found


def _apart(node: ast.stmt) -> list[ast.stmt]:
    """Return an assignment to several names as one each, where none of them needs another."""
    if not (
        isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple) and isinstance(node.value, ast.Tuple)
    ):
        return [node]
    pairs = list(zip(node.targets[0].elts, node.value.elts, strict=False))
    names = [stored(target) for target, _ in pairs]
    if len(pairs) < len(node.value.elts) or any(
        loaded(value) & (set.union(*names) - own) for (_, value), own in zip(pairs, names, strict=True)
    ):
        return [node]
    return [ast.copy_location(ast.Assign([target], value), node) for target, value in pairs]


def _is_data(value: Any) -> bool:
    if isinstance(value, Inert):
        return True
    if isinstance(value, (tuple, list)):
        return any(map(_is_data, value[:10]))
    if isinstance(value, dict):
        return any(has_role(str(key), "x") or "target" in str(key) for key in value)
    is_array = hasattr(value, "dtype") and hasattr(value, "shape") and len(value.shape) > 0
    return is_array and not hasattr(value, "assign") and "Parameter" not in str(type(value))
