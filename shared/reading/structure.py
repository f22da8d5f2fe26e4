"""The arrays of a network: where they are, and which are the weights and the biases of which layer."""

import copy
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import permutations
from types import FunctionType, ModuleType
from typing import Any, Final

import numpy as np

from shared.reading.names import gradient_of, is_bias, is_weight

Arrays = dict[str, np.ndarray]
"""name of a parameter -> its array, in the file's own layout"""
STATE: Final = re.compile(
    r"(?i:veloc|moment|adam|cache|grad|delta|prev|best|history)|(^|\.)[mvs]\d?(\[|_|$)|(^|\.)[vV]?d[WB]"
)
"""Names of what is shaped like weights and is none: gradients, and the state of an optimizer."""
MOST_PERMUTED: Final = 4
DEEPEST: Final = 5
WITHOUT: Final = frozenset((int, bool, str, type(None), type, FunctionType, ModuleType))
"""Types of what most names of a file stand for; these hold no arrays of its own."""
KERNEL: Final = 4
"""The most axes of an array: those of the kernels of a convolution."""


@dataclass(frozen=True)
class Leaf:
    """An array within dicts, lists and objects."""

    name: str
    """as one would write it: W1, weights[0], params['W1'], network[0].weights"""
    path: tuple[tuple[str, Any], ...]
    """("key", k), ("index", i) or ("attribute", name), from the root"""
    also: tuple[tuple[tuple[str, Any], ...], ...] = ()
    """further paths to the same array: layers may hold those of a dict"""

    def get(self, root: Any) -> Any:
        """Return the array."""
        for kind, key in self.path:
            root = getattr(root, key) if kind == "attribute" else root[key]
        return root

    def put(self, root: Any, value: Any) -> Any:
        """Put another array in its place; return the root, which is another one if it is a tuple."""
        for path in (self.path, *self.also):
            root = _put(root, path, value)
        return root


@dataclass(frozen=True)
class Rows(Leaf):
    """An array that is a list of rows: lists of floats, or neurons which have one each."""

    inner: tuple[tuple[str, Any], ...] = ()
    """from a neuron to its weights or its bias"""

    def get(self, root: Any) -> Any:
        """Return the array."""
        return np.array([Leaf("", self.inner).get(row) for row in super().get(root)])

    def put(self, root: Any, value: Any) -> Any:
        """Put the rows of another array in its place, as Python's numbers."""
        rows = Leaf("", self.path).get(root)
        for i, row in enumerate(np.asarray(value).tolist()):
            rows[i] = _put(rows[i], self.inner, row)
        return root


@dataclass(frozen=True)
class Part(Leaf):
    """An array that is a part of a vector in which all parameters are unrolled."""

    start: int = 0
    shape: tuple[int, ...] = ()

    def get(self, root: Any) -> Any:
        """Return the array."""
        return np.asarray(super().get(root))[self._where].reshape(self.shape)

    def put(self, root: Any, value: Any) -> Any:
        """Put another array in its place; the vector becomes complex with it."""
        old = Leaf("", self.path).get(root)
        vector = np.array(old, dtype=np.result_type(old, value))
        vector[self._where] = np.ravel(value)
        return _put(root, self.path, vector)

    @property
    def _where(self) -> slice:
        return slice(self.start, self.start + int(np.prod(self.shape)))


def _put(root: Any, path: tuple[tuple[str, Any], ...], value: Any) -> Any:
    if not path:
        return value
    (kind, key), *rest = path
    child = _put(getattr(root, key) if kind == "attribute" else root[key], tuple(rest), value)
    if isinstance(root, tuple):
        named: Any = root
        return named._replace(**{key: child}) if kind == "attribute" else (*root[:key], child, *root[key + 1 :])
    if kind == "attribute":
        setattr(root, key, child)
    else:
        root[key] = child
    return root


def leaves(root: Any, is_own: Callable[[Any], bool], name: str = "") -> list[Leaf]:
    """Return the arrays of floats in nested dicts, lists and objects of the file's own classes."""
    found: dict[int, Leaf] = {}
    for leaf in _walk(root, is_own, name, (), set()):
        value = leaf.get(root)
        known = found.get(id(value))
        is_same = known is not None and isinstance(value, np.ndarray) and not isinstance(leaf, Rows)
        is_new = id(value) not in found and not isinstance(leaf, Rows)
        key = id(value) if is_same or is_new else -len(found) - 1
        found[key] = replace(known, also=(*known.also, leaf.path)) if known is not None and is_same else leaf
    return list(found.values())


def _walk(
    value: Any, is_own: Callable[[Any], bool], name: str, path: tuple[tuple[str, Any], ...], seen: set[int]
) -> Iterator[Leaf]:
    if type(value) in WITHOUT:
        return
    if isinstance(value, np.ndarray):
        if (
            value.dtype.kind == "f"
            and value.size
            and (1 <= value.ndim <= KERNEL or (value.ndim == 0 and is_bias(name)))
        ):
            yield Leaf(name, path)
        return
    if isinstance(value, (float, np.floating)):
        if is_bias(name) or gradient_of(name, ["b", "bias", "biases"]):  # one number for a layer
            yield Leaf(name, path)
        return
    if id(value) in seen or len(path) > DEEPEST:
        return
    seen = seen | {id(value)}
    if isinstance(value, list) and (rows := list(_rows(value, is_own, name, path))):
        yield from rows
        return
    if isinstance(value, Mapping):
        keys = [key for key in value if key != "__builtins__"]  # which `exec` adds
        items = [("key", key, f"{name}[{key!r}]" if name else str(key)) for key in keys]
    elif isinstance(value, tuple) and hasattr(value, "_fields"):
        items = [("attribute", key, f"{name}.{key}" if name else key) for key in value._fields]
    elif isinstance(value, (list, tuple)):
        items = [("index", i, f"{name}[{i}]") for i in range(len(value))] if len(value) < 100 else []
    elif is_own(value):
        items = [("attribute", key, f"{name}.{key}" if name else key) for key in vars(value)]
    else:
        return
    for kind, key, text in items:
        child = getattr(value, key) if kind == "attribute" else value[key]
        yield from _walk(child, is_own, text, (*path, (kind, key)), seen)


def _rows(
    value: list[Any], is_own: Callable[[Any], bool], name: str, path: tuple[tuple[str, Any], ...]
) -> Iterator[Rows]:
    """Yield the arrays in a list whose elements are rows of floats, or neurons."""
    if not value or len({type(each) for each in value}) > 1:
        return
    if all(isinstance(each, list) for each in value):
        if _is_row(value[0]) and all(_is_row(each) and len(each) == len(value[0]) for each in value):
            yield Rows(name, path)
        return
    kind = "key" if isinstance(value[0], dict) else "attribute" if is_own(value[0]) else ""
    for key in (value[0] if kind == "key" else vars(value[0])) if kind else ():
        parts: list[Any] = [each.get(key) if kind == "key" else getattr(each, key, None) for each in value]
        is_row = is_weight(str(key)) and all(_is_row(part) and len(part) == len(parts[0]) for part in parts)
        if is_row or (is_bias(str(key)) and all(type(part) is float for part in parts)):
            yield Rows(f"{name}.{key}", path, inner=((kind, key),))


def _is_row(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(type(each) is float for each in value)


@dataclass(frozen=True)
class Layout:
    """The layers of a network, by the names of its arrays."""

    layers: tuple[tuple[str, str | None], ...]
    """weights and bias of each layer, from the first"""
    out_first: bool
    """whether W is (out, in)"""
    sizes: tuple[int, ...]
    """n_in, ..., n_out"""
    has_bias_column: bool = False
    """whether a column, or row, of W is the bias"""
    image: tuple[int, ...] = ()
    """the shape of an example of a network with convolutions; () of a dense one"""

    @property
    def names(self) -> list[str]:
        """The parameters, layer by layer."""
        return [name for layer in self.layers for name in layer if name is not None]

    @property
    def biases(self) -> list[str]:
        """The biases, from the first layer."""
        return [bias for _, bias in self.layers if bias is not None]

    def canonical(self, arrays: Mapping[str, Any], column: int = -1) -> Arrays:
        """Return W1 (out, in), b1 (out,), ... of arrays in the file's layout; a missing or odd one stays as it is.

        A bias that is a column of W is the last one, or another `column`.
        """
        found: Arrays = {}
        for l, (weights, bias) in enumerate(self.layers, 1):
            W = np.asarray(arrays[weights])
            W = W if self.out_first else W.T
            found[f"W{l}"] = np.delete(W, column, axis=1) if self.has_bias_column else W
            if self.has_bias_column:
                found[f"b{l}"] = W[:, column]
            if bias is not None:
                found[f"b{l}"] = np.asarray(arrays[bias]).reshape(-1)
        return found


def layouts(arrays: Mapping[str, Any]) -> list[Layout]:
    """Return the ways in which arrays can be the layers of a network; [] if there is none.

    One with convolutions has no `image` yet, and the size of its input is that of its first dense layer.
    """
    every = {name: np.shape(array) for name, array in arrays.items()}
    kernels = [name for name, shape in every.items() if len(shape) > 2 and max(shape) < int(np.prod(shape))]
    kernels = [name for name in kernels if not is_bias(name) and not STATE.search(name)]
    if kernels:
        return [_above(kernels, dense, every) for dense in _dense({k: s for k, s in every.items() if k not in kernels})]
    return _dense(every)


def _above(kernels: list[str], dense: Layout, shapes: Mapping[str, tuple[int, ...]]) -> Layout:
    """Return the layers of a network with convolutions below dense layers."""
    left, layers = [name for name in shapes if name not in (*kernels, *dense.names)], list[tuple[str, str | None]]()
    for name in kernels:
        fits = [each for each in left if is_bias(each) and {1, *shapes[name]} & set(shapes[each])]
        fits.sort(key=lambda each: (each.rpartition(".")[0] != name.rpartition(".")[0], _number(each) != _number(name)))
        layers.append((name, fits[0] if fits else None))
        left = [each for each in left if each not in fits[:1]]
    return replace(dense, layers=(*layers, *dense.layers))


def _dense(shapes: Mapping[str, tuple[int, ...]]) -> list[Layout]:
    """Return the ways in which matrices can be the layers of a dense network."""
    matrices = [name for name, shape in shapes.items() if len(shape) == 2 and not is_bias(name)]
    matrices = [name for name in matrices if not STATE.search(name)] or matrices
    named = [name for name in matrices if is_weight(name)]
    thick = [name for name in matrices if min(shapes[name]) > 1]
    for weights in dict.fromkeys((tuple(named), tuple(matrices), tuple(thick))):
        found = _chains(list(weights), shapes)
        if found:
            return found
    return []


def _chains(weights: list[str], shapes: Mapping[str, tuple[int, ...]]) -> list[Layout]:
    if not weights:
        return []
    orders: list[tuple[str, ...]] = [tuple(weights), tuple(reversed(weights))]
    if len(weights) <= MOST_PERMUTED:
        orders += permutations(weights)
    others = [name for name in shapes if name not in weights]
    for extra in (0, 1):
        found = []
        for order in dict.fromkeys(orders):
            for out_first in (True, False):
                pairs = [shapes[name] if out_first else shapes[name][::-1] for name in order]
                outs, ins = [pair[0] for pair in pairs], [pair[1] - extra for pair in pairs]
                if ins[1:] == outs[:-1] and ins[0] > 0:
                    layers = _with_biases(order, outs, others, shapes)
                    found.append(Layout(layers, out_first, (ins[0], *outs), bool(extra)))
        if found:
            return sorted(found, key=_oddity)
    return []


def _oddity(layout: Layout) -> tuple[int, int]:
    """Return how many biases are missing, and how many have another number than their weights."""
    missing = len(layout.layers) - len(layout.biases)
    return missing, sum(bias is not None and _number(bias) != _number(weights) for weights, bias in layout.layers)


def _number(name: str) -> str:
    return "".join(re.findall(r"\d", name))


def _with_biases(
    order: tuple[str, ...], outs: list[int], others: list[str], shapes: Mapping[str, tuple[int, ...]]
) -> tuple[tuple[str, str | None], ...]:
    left, layers = list(others), []
    for name, out in zip(order, outs, strict=True):
        fits = [each for each in left if int(np.prod(shapes[each])) == out and max(shapes[each], default=1) == out]
        fits = [each for each in fits if is_bias(each) or not STATE.search(each)]
        fits.sort(key=lambda each: (not is_bias(each), _number(each) != _number(name)))
        bias = fits[0] if fits else None
        if bias is not None:
            left.remove(bias)
        layers.append((name, bias))
    return tuple(layers)


def kept(value: Any) -> Any:
    """Return a deep copy; the value itself where it cannot be copied."""
    if type(value) is np.ndarray and value.dtype != object:
        return value.copy()
    try:
        return copy.deepcopy(value)
    except Exception:  # noqa: BLE001 - a lock, a module: it is shared then
        return value
