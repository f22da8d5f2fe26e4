"""What a file does to its data before its loop, repeated with images of ours in the place of what it loads."""

import ast
import copy
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np

from shared.adapters.all_rows import AllRows
from shared.adapters.chains import ELEMENT, PART, YIELDED, Chains, Taken
from shared.adapters.forms import as_rows, one_hot_like
from shared.adapters.packages import imports, stands_for
from shared.adapters.pipelines import Order, element, is_tensorflow, loaded_by_tensorflow, order_of, straight
from shared.adapters.stand_ins import Examples, ImageSet, UnfollowedError, as_array, as_bytes, biased, one_of, shaped
from shared.adapters.written_out import IMAGE_SET, INSTANCE, as_in_file
from shared.boundary import told
from shared.interface import Array
from shared.reading.names import has_role
from shared.reading.source import Inert, limited

TORCH: Final = re.compile(r"\btorch\.|torchvision|\b\w*MNIST\(|CIFAR\d+\(|SVHN\(")
PIXELS: Final = re.compile(
    r"mnist\.load_data|cifar10+\.load_data|fetch_openml|tfds\.load|as_dataset\(|\b\w*MNIST\(|CIFAR\d+\(|SVHN\("
)
"""Data sets whose pixels are 0 to 255."""
WHITE: Final = re.compile(r"\b(255|127\.5|uint8)\b|(?<!/)/=? *256\b|\bdiv(ide)?_?\([^()]*\b256\b|fromarray\(")
"""What shows that pixels are loaded as 0 to 255."""
LARGEST: Final = 2048
"""Examples in a batch of a generator."""
SHAPES: Final = {784: (28, 28), 3072: (32, 32, 3)}


class Preparation(Chains):
    """The statements between what a file loads and what its training takes, run again with other examples.

    Parameters
    ----------
    statements, taken, tree, scope : see `Chains`.
    used : further text in which the scale of the pixels may show: that of the loop.
    inputs, n_out : shape of an example, and outputs, of the model.
    dtype : in which it is repeated, whatever it is written for.
    """

    order: Order | None = None
    """of the tf.data.Dataset from which the training takes its batches, after a call"""
    shape: tuple[int, ...] = ()
    """of an example as the training takes it, after a call"""
    is_tensor = False

    def __init__(
        self, statements: Sequence[ast.stmt], taken: Taken, tree: ast.Module, scope: dict[str, Any], used: str,
        inputs: tuple[int, ...], n_out: int, dtype: str,
    ) -> None:  # fmt: skip
        super().__init__(statements, taken, tree, scope)
        self.imported = imports(tree)
        self.size, self.n_out, self.dtype = int(np.prod(inputs)), n_out, dtype
        shapes = [(self.size,), SHAPES.get(self.size, (self.size,)), one_of(self.size)]
        self.shapes = dict.fromkeys(shapes if len(inputs) == 1 else shapes[::-1])
        """of an example as it may be loaded: first that which the model takes"""
        self.mentioned = "\n".join([self.text, used, *map(ast.unparse, self.definitions)])

    def __call__(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return what the training takes in the place of images (n, size) from 0 to 1 and labels or numbers (n,).

        Raises
        ------
        UnfollowedError
            Where a statement does not work with them, or changes them by chance; the message says which.
        """
        failures = list[str]()
        for shape in self.shapes:
            try:
                found = self._again(x.reshape(len(x), -1), y, shape)
            except UnfollowedError as error:
                failures.append(str(error))
                continue
            again = self._again(x.reshape(len(x), -1), y, shape)
            if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(found, again, strict=True)):
                raise UnfollowedError(f"{self.places}its examples are changed by chance")
            return found
        raise UnfollowedError(failures[0])

    def _again(self, x: Array, y: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
        n, classes = len(x), max(self.n_out, 2)
        black_and_white = np.arange(classes) % 2.0  # so that the largest pixel and each class are there
        images = np.concatenate([x, np.repeat(black_and_white[:, None], self.size, axis=1)])
        labels = np.concatenate([y, np.arange(classes) / (1 if self.n_out > 1 else classes - 1)])
        labels = labels.astype(np.int64) if self.n_out > 1 else labels
        least = len(images)
        if YIELDED in self.text:  # a generator may leave a smaller batch out
            times = -(-LARGEST // least)
            images, labels = np.tile(images, (times, 1)), np.tile(labels, times)
        scope = self._scope(images, labels, least)
        with biased(), straight(least):
            for node in self.kept:
                if id(node) in self.roles:
                    self._load(node, images, labels, shape, scope)
                else:
                    self._run(node, scope)
            found = [self._value(each, scope) for each in self.taken[:2]]
        self.is_tensor = hasattr(found[0], "detach")
        inputs, targets = (as_array(each) for each in found)
        if not len(inputs) == len(targets) == least or inputs.size != least * self.size:
            raise UnfollowedError(
                f"{self.places}{least} examples become inputs {inputs.shape}, targets {targets.shape}"
            )
        self.shape = inputs.shape[1:]
        return inputs[:n], targets[:n]

    def _scope(self, images: Array, labels: Array, least: int) -> dict[str, Any]:
        """Return the names that the statements see: what stands for what is not loaded, and what gives the examples."""

        def element_of(data: Any, key: int | str) -> Any:
            self.order = order_of(data)
            return element(data, key, least)

        scope = {name: stands_for(self.imported.get(name, name)) if isinstance(value, Inert) else value
                 for name, value in self.scope.items()}  # fmt: skip
        scope |= {
            "_rows": len(images),
            "_in_order": lambda x: np.arange(x) if np.ndim(x) == 0 else x,
            IMAGE_SET: lambda *transforms: ImageSet(images, labels, self.size, self.dtype, *transforms),
            INSTANCE: _instance,
            PART: lambda data, collate, key: _part(data, collate, key, least),
            ELEMENT: element_of,
            YIELDED: lambda batches, key: _yielded(batches, key, least),
        }
        for node in self.definitions:
            with suppress(UnfollowedError):
                self._run(node, scope, is_item=True)
        return scope

    def _run(self, node: ast.stmt, scope: dict[str, Any], is_item: bool = False) -> None:
        again = ast.fix_missing_locations(AllRows(self.dtype, is_item).visit(copy.deepcopy(node)))
        try:
            with limited():
                exec(compile(ast.Module([again], []), "<data>", "exec"), scope)
        except Exception as error:
            text = as_in_file(ast.unparse(node))
            raise UnfollowedError(f"line {node.lineno}: {text[:60]}: {_why(error)}") from error

    def _value(self, expression: ast.expr, scope: dict[str, Any]) -> Any:
        again = ast.fix_missing_locations(AllRows(self.dtype).visit(copy.deepcopy(expression)))
        try:
            return eval(compile(ast.Expression(again), "<data>", "eval"), scope)
        except Exception as error:
            text = as_in_file(ast.unparse(expression))
            text = re.sub(rf"({PART}|{ELEMENT}|{YIELDED})\((.*?)(, None)?, \S+\)$", r"what \2 gives", text)
            raise UnfollowedError(f"{text[:60]}: {_why(error)}") from error

    def _load(self, node: Any, images: Array, labels: Array, shape: tuple[int, ...], scope: dict[str, Any]) -> None:
        """Put our examples in the place of what a statement loads or makes."""
        text, real = ast.unparse(node.value), dict(self.real)
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
            x = self._scaled(images, text, own)
            fits = own is not None and own.ndim > 0 and int(np.prod(sizes)) == self.size
            if is_tensorflow(text):
                scope[name] = Inert() if "info" in name else loaded_by_tensorflow(images, labels, self.size, text)
                continue
            y = one_hot_like(labels, sizes, self.n_out, own is not None)
            examples = Examples(x, y, self.size, like, self.dtype)
            examples.of_one = shape
            examples.of_labels = set(re.findall(r"\.(?:drop|pop)\((?:columns=)?\[?['\"](\w+)", self.text))
            examples.is_last = re.search(r"\[[^\[\]]*, *(\[-1\]|-1|0?:-1)\]", self.text) is not None
            if column := re.search(rf"\b{name}\[:, *\[?(0|-1)\]", self.text):
                parts = [labels[:, None], x] if column[1] == "0" else [x, labels[:, None]]
                scope[name] = as_rows(np.concatenate(parts, axis=1), like, self.dtype)
            elif re.search(rf"\b{name}(\.(data|targets?|images|labels|i?loc)\b(?!\()|\.drop\(|\[['\"])", self.text):
                scope[name] = examples
            elif of_x and (not of_y or has_role(name, "x")):
                scope[name] = as_rows(shaped(x, sizes if fits else shape), like, self.dtype)
            elif of_y and (not of_x or has_role(name, "y")):
                scope[name] = as_rows(y, like, self.dtype)
            else:
                scope[name] = examples

    def _scaled(self, images: Array, text: str, own: Any) -> Array:
        """Return images as a file loads them: bytes, or pixels up to 255, 16 or 1."""
        is_bytes = "uint8" in str(own.dtype) if own is not None else "uint8" in text
        is_bytes |= own is None and bool(PIXELS.search(text)) and "openml" not in text
        if is_bytes:
            return as_bytes(images)
        most = self._most(text, own)
        return np.rint(255 * images) if most == 255.0 else most * images

    def _most(self, text: str, own: Any) -> float:
        """Return what a white pixel is in what a file loads: 255, 16 or 1."""
        if "load_digits" in text:
            return 16.0
        said = WHITE.search(self.mentioned) is not None
        if own is not None:
            return 255.0 if said and float(own.max()) > 1 else 1.0
        sixteen = re.search(r"/ *16\b", self.mentioned) is not None
        return 255.0 if PIXELS.search(text) or said else 16.0 if sixteen else 1.0


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, UnfollowedError) else told(error)[:100]


def _yielded(batches: Iterator[Any], key: int, rows: int) -> Any:
    """Return a part of what a generator gives, all batches of an epoch as one."""
    found = list[Array]()
    for batch in batches:
        found.append(as_array(batch[key]))
        is_torch = hasattr(batch[key], "detach")
        if sum(map(len, found)) >= rows:
            break
    if not found:
        raise UnfollowedError(f"no batch of {rows} examples")
    whole = np.concatenate(found)
    return __import__("torch").from_numpy(whole[:rows]) if is_torch else whole[:rows]


def _instance(cls: Any, **kept: Any) -> Any:
    """Return a data set of a class of the file that keeps these."""
    made = cls.__new__(cls)
    made.__dict__.update(kept)
    return made


def _part(data: Any, collate: Any, key: int | str, rows: int) -> Any:
    """Return a part of all items of a data set, as a DataLoader gives them in a batch."""
    torch: Any = __import__("torch")
    return (collate or torch.utils.data.default_collate)([data[k] for k in range(rows)])[key]
