"""The gradients of a person's parameters, among what a function returned or an object keeps."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from shared.reading.names import gradient_of, is_bias
from shared.reading.structure import Layout


def in_value(value: Any, names: Sequence[str], shapes: Mapping[str, tuple[int, ...]], layout: Layout) -> dict[str, Any]:
    """Return parameter -> gradient, as far as they are in what a function returned.

    Parameters
    ----------
    value : a dict, a tuple or list of arrays, of lists, of pairs or of dicts.
    names : what the function's `return` calls the elements; [] if it does not name them.
    shapes : of the parameters.
    """
    if isinstance(value, Mapping):
        return _in_mapping(value, shapes, layout)
    if isinstance(value, (list, tuple)) and len(value) == len(layout.layers) and _are_mappings(value):
        return _in_layers(value, shapes, layout) or _in_layers(value[::-1], shapes, layout)
    if isinstance(value, np.ndarray) and value.ndim and value.dtype != object:
        return {}
    if not isinstance(value, (list, tuple, np.ndarray)):
        return {}
    elements = list(value)
    pairs = len(elements) == len(layout.layers) and all(
        isinstance(each, (list, tuple)) and 1 <= len(each) <= 2 and all(_is_number(part) for part in each)
        for each in elements
    )
    if pairs and not _all_match_weights(elements, layout, shapes):
        return _in_pairs(elements, layout)
    hints = list(names) if len(names) == len(elements) else [""] * len(elements)
    found: dict[str, Any] = {}
    left: list[Any] = []
    for hint, element in zip(hints, elements, strict=True):
        if isinstance(element, Mapping):
            found |= _in_mapping(element, shapes, layout)
        elif isinstance(element, (list, tuple)) and len(element):
            found |= _in_list(element, hint, shapes, layout)
        elif _is_number(element) and (parameter := gradient_of(hint, list(shapes)) if hint else None):
            found[parameter] = element
        elif isinstance(element, np.ndarray) and element.ndim:
            left.append(element)
    return found | _by_shape(left, {name: shape for name, shape in shapes.items() if name not in found})


def _are_mappings(value: Sequence[Any]) -> bool:
    return len(value) > 1 and all(isinstance(each, Mapping) for each in value)


def _in_layers(
    value: Sequence[Mapping[Any, Any]], shapes: Mapping[str, tuple[int, ...]], layout: Layout
) -> dict[str, Any]:
    """Return the gradients in a dict for each layer, where their shapes fit."""
    found: dict[str, Any] = {}
    for each, layer in zip(value, layout.layers, strict=True):
        found |= _in_mapping(each, {name: shapes[name] for name in layer if name is not None}, layout)
    return found if all(_alike(np.shape(array), shapes[name]) for name, array in found.items()) else {}


def _is_number(value: Any) -> bool:
    return (isinstance(value, np.ndarray) and value.dtype != object) or isinstance(value, (float, np.floating))


def _in_mapping(value: Mapping[Any, Any], shapes: Mapping[str, tuple[int, ...]], layout: Layout) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, element in value.items():
        if isinstance(element, (list, tuple)):
            found |= _in_list(element, str(key), shapes, layout)
        elif isinstance(element, Mapping):  # as in the parameters: layers['hidden']['W']
            found |= _in_mapping(element, {name: s for name, s in shapes.items() if f"[{key!r}]" in name}, layout)
        elif _is_number(element) and (parameter := gradient_of(str(key), list(shapes))):
            found[parameter] = element
    return found


def _in_pairs(elements: Sequence[Any], layout: Layout) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for element, (weights, bias) in zip(elements, layout.layers, strict=True):
        found[weights] = element[0]
        if bias is not None and len(element) == 2:
            found[bias] = element[1]
    return found


def _all_match_weights(elements: Sequence[Any], layout: Layout, shapes: Mapping[str, tuple[int, ...]]) -> bool:
    """Return whether a list of lists is the weights' gradients and the biases', not a pair for each layer."""
    if len(layout.layers) != 2 or any(len(element) != 2 for element in elements):
        return False
    weights = [shapes[name] for name, _ in layout.layers]
    return any([np.shape(part) for part in element] == weights for element in elements)


def _in_list(
    element: Sequence[Any], hint: str, shapes: Mapping[str, tuple[int, ...]], layout: Layout
) -> dict[str, Any]:
    """Return the gradients in a list with one array a layer, or one a parameter."""
    weights = [name for name, _ in layout.layers]
    biases = layout.biases
    parts = [part for part in element if part is not None]
    if not all(_is_number(part) for part in parts):
        return in_value(list(element), [], shapes, layout) if len(parts) != len(element) else {}
    for order in (parts, parts[::-1]):
        for names in (weights, biases) if not is_bias(hint.replace("nabla", "").strip("_")) else (biases, weights):
            if len(names) == len(order) and all(
                _alike(np.shape(p), shapes[n]) for p, n in zip(order, names, strict=True)
            ):
                return dict(zip(names, order, strict=True))
    if len(parts) == len(biases) and "b" in hint:
        return dict(zip(biases, parts, strict=True))
    if len(parts) == len(weights) and "w" in hint.lower():
        return dict(zip(weights, parts, strict=True))
    return _by_shape(parts, shapes)


def _alike(shape: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    return shape in (expected, expected[::-1]) or tuple(s for s in shape if s > 1) == tuple(
        s for s in expected if s > 1
    )


def _by_shape(arrays: Sequence[Any], shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """Return arrays by the order of the parameters, or by their shapes, which all differ."""
    if len(arrays) == len(shapes) and all(
        _alike(np.shape(array), shape) for array, shape in zip(arrays, shapes.values(), strict=True)
    ):
        return dict(zip(shapes, arrays, strict=True))
    found: dict[str, Any] = {}
    for array in arrays:
        fits = [name for name, shape in shapes.items() if _alike(np.shape(array), shape) and name not in found]
        if len(fits) == 1:
            found[fits[0]] = array
    return found


def by_name(value: Any, names: list[str], arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a backward pass returned, by the names in its `return`, or else by shapes, or in order."""
    known = list(arrays)
    if isinstance(value, Mapping):
        return {of: each for key, each in value.items() if (of := gradient_of(str(key), known))}
    parts = list(value) if isinstance(value, (tuple, list)) else [value]
    said = [gradient_of(name, known) for name in names] if len(names) == len(parts) else [None] * len(parts)
    found: dict[str, Any] = {}
    for name, part in zip(said, parts, strict=True):
        if name is not None and name not in found:
            found[name] = part
    for i, (name, part) in enumerate(zip(said, parts, strict=True)):
        if name is None and isinstance(part, (np.ndarray, float, np.floating)):
            left = [each for each in known if each not in found]
            fits = [each for each in left if np.shape(part) == np.shape(arrays[each])]
            of = fits[0] if len(fits) == 1 else known[i] if i < len(known) and known[i] in left else None
            found |= {of: part} if of is not None else {}
    return {name: part for name, part in found.items() if isinstance(part, (np.ndarray, float, np.floating))}
