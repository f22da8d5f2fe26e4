"""The learning rate of a file, wherever its objects keep it: in a network, its optimizer, the optimizers of layers."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from shared.reading.functions import own_classes
from shared.reading.names import doubt, is_rate, plain
from shared.reading.source import Source


def own_objects(root: Any, source: Source) -> Iterator[Any]:
    """Yield the objects of the file's classes in dicts, lists and other such objects, and the classes, each once."""
    own, seen, left = tuple(own_classes(source).values()), set[int](), [root]
    while left and own:
        value = left.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        is_own = isinstance(value, own) or (isinstance(value, type) and value in own)
        if is_own:
            yield value
        if is_own or isinstance(value, Mapping):
            left += list(vars(value).values() if is_own else value.values())
        elif isinstance(value, (list, tuple)):
            left += list(value)


def rates_in(values: Mapping[str, Any]) -> list[str]:
    """Return the names of the learning rates among names and values: floats, or integers other than 0 and counters."""
    numbers = [
        key
        for key, value in values.items()
        if isinstance(value, float) or (type(value) is int and value and plain(key) != "step")
    ]
    return [key for key in numbers if is_rate(key, numbers)]


def give_rate(
    root: Any, source: Source, rate: float, compute: Callable[[], Any] | None = None, *, is_given: bool = False
) -> bool:
    """Set the learning rate of every object within a root; return whether one has it.

    Parameters
    ----------
    compute : gives what the network computes before it learns; an alpha that changes it is the slope of a leaky ReLU.
        None where that is not known: an alpha is a rate then if nothing else is.
    is_given : whether a rate is given elsewhere.
    """
    held = [(holder, dict(vars(type(holder))) | dict(vars(holder))) for holder in own_objects(root, source)]
    found = [(holder, key, values[key]) for holder, values in held for key in rates_in(values)]
    is_given |= any(not doubt(key) for _, key, _ in found)
    is_set = False
    for holder, key, value in found:
        if doubt(key) and compute is None and is_given:
            continue
        before = compute() if doubt(key) and compute else None
        setattr(holder, key, rate)
        if before is not None and compute and not np.array_equal(before, compute(), equal_nan=True):
            setattr(holder, key, value)
        else:
            is_set = True
    return is_set
