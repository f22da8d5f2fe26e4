"""Where a file keeps its parameters: in objects, in what it initialises, in what its functions take."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any, Final

import numpy as np

from shared.reading.constructions import SMALL, constructions, size_of
from shared.reading.functions import given_as, own_classes, own_functions, return_names, signature
from shared.reading.names import gradient_of, has_role, in_order, is_bias, is_weight, plain
from shared.reading.source import Source
from shared.reading.structure import Arrays, Layout, Leaf, Part, kept, layouts, leaves

INITIALISE: Final = r"init|create|make|build|setup|random|param|network|generate"
SHAPES_OF_BIAS: Final = ("column", "vector", "row", "number")
NUMBERED: Final = r"['\"]{0}['\"] *\+|\bf['\"]{0}\{{"
"""A letter to which the number of a layer is appended: 'W' + str(l), f'W{{l}}'."""


@dataclass(frozen=True)
class Store:
    """Where a file keeps its parameters."""

    root: Any
    """an object, a dict or list that is passed, or a dict of arrays that are passed one by one"""
    leaves: tuple[Leaf, ...]
    kind: str
    """"object", "container", "arguments", or "globals": names of the module"""
    words: str = ""
    data: tuple[str, ...] = ()
    """attributes that hold x and y, where an object gets its data when it is made"""

    @property
    def arrays(self) -> Arrays:
        """The parameters by name."""
        return {leaf.name: np.asarray(leaf.get(self.root)) for leaf in self.leaves}

    def filled(self, arrays: Mapping[str, np.ndarray]) -> Any:
        """Return a copy of the root with other arrays."""
        root = kept(self.root)
        for leaf in self.leaves:
            if leaf.name in arrays:
                root = leaf.put(root, np.array(arrays[leaf.name]))
        return root


def own_leaves(root: Any, source: Source, name: str = "") -> list[Leaf]:
    """Return the arrays of floats in nested dicts, lists and objects of the classes of a file."""
    own = tuple(own_classes(source).values())
    return leaves(root, lambda value: isinstance(value, own), name)


def store_of(root: Any, kind: str, source: Source, words: str) -> tuple[Store, list[Layout]]:
    """Return the store of an object or container, and the ways in which its arrays are layers."""
    every = own_leaves(root, source, words if isinstance(root, list) else "")
    found = layouts({leaf.name: leaf.get(root) for leaf in every})
    if not found:
        return Store(root, (), kind), []
    used = {name for layout in found for name in layout.names}
    return Store(root, tuple(leaf for leaf in every if leaf.name in used), kind, words), found


def stores(source: Source) -> Iterator[tuple[Store, list[Layout]]]:
    """Yield where the parameters may be: in objects, in what the file made, in what its functions take."""
    functions = own_functions(source)
    objects = [each for cls in own_classes(source).values() for each in _objects(source, cls)]
    held = {kind for store, _ in objects for kind in _held(store)}
    yield from (each for each in objects if type(each[0].root) not in held)
    for name, function in functions.items():
        if re.search(INITIALISE, name.lower()) and not re.search("forward|back|train|fit", name.lower()):
            yield from _initialised(source, name, function)
    for name, value in list(source.namespace.items()):
        is_data = has_role(name, "x") or has_role(name, "y")
        if isinstance(value, (list, dict)) and not name.startswith("__") and len(value) and not is_data:
            yield store_of(value, "container", source, name)
    yield from _unrolled(source)
    yield _globals(source)
    yield from _synthesised(source, functions)
    for name, value in list(source.namespace.items()):
        if type(value) in own_classes(source).values():
            yield store_of(value, "object", source, name)


def _unrolled(source: Source) -> Iterator[tuple[Store, list[Layout]]]:
    """Yield parameters that a function takes as one vector: Theta1 = nn_params[:k].reshape(hidden, input + 1)."""
    for name, function in source.functions.items():
        takes = [argument.arg for argument in function.args.args]
        names: dict[str, list[str]] = {}
        for node in (each for each in ast.walk(function) if isinstance(each, ast.Assign)):
            target, text = ast.unparse(node.targets[0]), ast.unparse(node.value)
            if "reshape" in text and (of := next((key for key in takes if re.search(rf"\b{key}\[", text)), None)):
                names.setdefault(of, []).append(target)
        for vector, parts in names.items() if name in source.namespace else ():
            for sizes, extra in product(((9, 6, 5, 3), (6, 5, 3)), (1, 0)):
                if len(parts) == len(sizes) - 1:
                    yield _parts(vector, parts, [(o, i + extra) for i, o in pairwise(sizes)])


def _parts(vector: str, names: Sequence[str], shapes: Sequence[tuple[int, ...]]) -> tuple[Store, list[Layout]]:
    starts = [sum(int(np.prod(shape)) for shape in shapes[:i]) for i in range(len(shapes) + 1)]
    root = {vector: np.zeros(starts[-1])}
    every = zip(names, starts, shapes, strict=False)
    found = tuple(Part(name, (("key", vector),), start=start, shape=shape) for name, start, shape in every)
    arrays = {leaf.name: leaf.get(root) for leaf in found}
    return Store(root, found, "arguments"), [layout for layout in layouts(arrays) if layout.out_first]


def _held(store: Store) -> set[type]:
    """Return the classes of the objects within an object that hold its parameters: they are layers, no networks."""
    found = set()
    for leaf in store.leaves:
        for i, (kind, _) in enumerate(leaf.path):
            if kind == "attribute" and i:
                found.add(type(Leaf("", leaf.path[:i]).get(store.root)))
    return found - {type(store.root)}


def _globals(source: Source) -> tuple[Store, list[Layout]]:
    """Return the parameters in names of the module that functions use without being given them."""
    nodes = [node for function in source.functions.values() for node in ast.walk(function)]
    used = {node.id for node in nodes if isinstance(node, ast.Name)}
    own = tuple(own_classes(source).values())
    names = used - source.stand_ins - source.derived
    values = {name: value for name, value in source.namespace.items() if name in names and not name.startswith("__")}
    kinds = (np.ndarray, list, dict, *own)
    root = {name: value for name, value in values.items() if isinstance(value, kinds)}
    return store_of(root, "globals", source, "")


def _objects(source: Source, cls: type) -> Iterator[tuple[Store, list[Layout]]]:
    for arguments, words in constructions(source, cls):
        with suppress(Exception):
            np.random.seed(1)  # noqa: NPY002 - what people use
            made = cls(**arguments) if isinstance(arguments, dict) else cls(*arguments)
            store, found = store_of(made, "object", source, f"{cls.__name__}({words})")
            attributes = vars(made).items()
            given = list(arguments.values()) if isinstance(arguments, dict) else list(arguments)
            data = tuple(key for key, value in attributes if any(value is each for each in given) and _is_data(value))
            yield replace(store, data=data), found


def _is_data(value: Any) -> bool:
    return isinstance(value, np.ndarray) and value.ndim == 2


def _initialised(source: Source, name: str, function: Callable[..., Any]) -> Iterator[tuple[Store, list[Layout]]]:
    """Yield the parameters that an initialising function of the file returns."""
    for sizes in (*SMALL, ()):
        given = {}
        for parameter in signature(function).parameters.values():
            default = parameter.default if parameter.default is not parameter.empty else None
            own = given_as(source, name, parameter.name) if not sizes and default is None else None
            value = size_of(parameter.name, sizes, default) if sizes else own
            if value is not None:
                given[parameter.name] = value
            elif parameter.default is parameter.empty and re.search("rng|random|generator", parameter.name):
                given[parameter.name] = np.random.default_rng(1)
        with suppress(Exception):
            np.random.seed(1)  # noqa: NPY002 - what people use
            made = function(**given)
            names = return_names(source, name, None)
            if (
                isinstance(made, tuple)
                and len(names) == len(made)
                and all(isinstance(a, (np.ndarray, float)) for a in made)
            ):
                yield from _as_arguments(source, dict(zip(names, made, strict=True)), given)
            elif isinstance(made, tuple) and len(names) == len(made) and all(isinstance(a, list) for a in made):
                yield store_of(dict(zip(names, made, strict=True)), "arguments", source, "")
            elif isinstance(made, (dict, list, tuple)):
                yield store_of(made, "container", source, "")
        if not given:
            return


def _as_arguments(source: Source, made: Arrays, given: Mapping[str, Any]) -> Iterator[tuple[Store, list[Layout]]]:
    """Yield arrays that are passed one by one: of small sizes in the same layout, and as they are."""
    arrays = {name: np.asarray(array, float) for name, array in made.items()}
    _, found = store_of(arrays, "arguments", source, "")
    if not given:
        for layout in found:
            for n_out in (3, layout.sizes[-1]):
                small = resized(arrays, layout, (*(12 + i for i in range(len(layout.layers), 0, -1)), n_out))
                yield store_of(small, "arguments", source, "")
    yield store_of(arrays, "arguments", source, "")


def resized(arrays: Arrays, layout: Layout, sizes: Sequence[int]) -> Arrays:
    """Return arrays of the same layout for other sizes."""
    found: Arrays = {}
    for (weights, bias), n_in, n_out in zip(layout.layers, sizes, sizes[1:], strict=False):
        found[weights] = np.zeros((n_out, n_in) if layout.out_first else (n_in, n_out))
        if bias is not None:
            shape = arrays[bias].shape
            found[bias] = np.zeros(tuple(n_out if size == max(shape) and size > 0 else size for size in shape))
    return {name: found[name] for name in arrays if name in found}


def _synthesised(source: Source, functions: Mapping[str, Callable[..., Any]]) -> Iterator[tuple[Store, list[Layout]]]:
    """Yield parameters of the names that the functions use: as arguments, or as the keys of a dict; or pairs (W, b)."""
    parameters = [key for function in functions.values() for key in signature(function).parameters]
    read = [node for node in ast.walk(source.tree) if isinstance(node, ast.Subscript)]
    values = [node.slice.value for node in sorted(read, key=_place) if isinstance(node.slice, ast.Constant)]
    keys = [value for value in values if isinstance(value, str)]
    numbered = [letter for letter in "Wwb" if re.search(NUMBERED.format(letter), source.text)]
    keys += [f"{letter}{l}" for l in (1, 2, 3) for letter in numbered]
    for kind, words in (("arguments", parameters), ("container", keys)):
        names = _without_gradients(dict.fromkeys(word for word in words if is_weight(word) or is_bias(word)))
        weights = in_order([name for name in names if is_weight(name) and re.search(r"\d|_|^[wW].$", name)])
        biases = in_order([name for name in names if is_bias(name) and re.search(r"\d|_|^[bB].$", name)])
        if not weights and kind == "arguments":  # a single layer
            weights = [name for name in names if name in ("w", "W", "weights", "theta")][:1]
            biases = [name for name in names if name in ("b", "bias")][:1]
        if not weights:
            continue
        for sizes in _sizes_of(source, len(weights)):
            for out_first, shape in product((True, False), SHAPES_OF_BIAS):
                made: Arrays = {}
                for l, name in enumerate(weights):
                    made[name] = np.zeros((sizes[l + 1], sizes[l]) if out_first else (sizes[l], sizes[l + 1]))
                for name, n_out in zip(biases, sizes[1:], strict=False):
                    shapes = {"column": (n_out, 1), "row": (1, n_out), "vector": (n_out,), "number": ()}
                    made[name] = np.zeros(shapes[shape])
                store, found = store_of(made, kind, source, "")
                yield store, [layout for layout in found if layout.out_first == out_first]
    if any(has_role(key, "parameters") for key in parameters):
        for sizes in SMALL:
            for out_first, bias in product((True, False), ((-1,), (-1, 1), (1, -1))):
                pairs = [
                    (np.zeros((n_out, n_in) if out_first else (n_in, n_out)), np.zeros(n_out).reshape(bias))
                    for n_in, n_out in pairwise(sizes)
                ]
                yield _pairs(pairs, sizes, out_first=out_first)


def _without_gradients(names: Iterable[str]) -> list[str]:
    """Return names without those of the gradients of others: weights_1_grad."""
    by_word = {name: plain(name).replace("_", "") for name in names}
    return [
        name
        for name in by_word
        if gradient_of(name, [other for other in by_word if by_word[other] != by_word[name]]) is None
    ]


def _place(node: ast.expr) -> tuple[int, int]:
    return node.lineno, node.col_offset


def _pairs(
    pairs: list[tuple[np.ndarray, np.ndarray]], sizes: tuple[int, ...], *, out_first: bool
) -> tuple[Store, list[Layout]]:
    """Return parameters as a list of pairs (W, b), as in the example that `check` prints."""
    found = [
        Leaf(f"{letter}{l}", (("index", l - 1), ("index", i)))
        for l in range(1, len(pairs) + 1)
        for i, letter in enumerate("Wb")
    ]
    layers = tuple((f"W{l}", f"b{l}") for l in range(1, len(pairs) + 1))
    root = [list(pair) for pair in pairs]
    return Store(root, tuple(found), "container"), [Layout(layers, out_first=out_first, sizes=sizes)]


def _sizes_of(source: Source, depth: int) -> Iterator[tuple[int, ...]]:
    hidden = tuple(range(4 + depth, 4, -1))
    outs = [3, 1]
    outs += sorted({int(text) for text in re.findall(r"\b(?:10|2|4|26)\b", source.text)}, reverse=True)
    for n_out in dict.fromkeys(outs):
        yield (*(size + (9 if n_out == 10 else 0) for size in hidden), n_out)
