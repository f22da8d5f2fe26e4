"""The learning rate of a file, wherever its objects keep it: in a network, its optimizer, the optimizers of layers."""

from collections.abc import Iterator, Mapping
from typing import Any

from shared.reading.functions import own_classes
from shared.reading.names import is_rate
from shared.reading.source import Source


def own_objects(root: Any, source: Source) -> Iterator[Any]:
    """Yield the objects of the file's classes in dicts, lists and other such objects, and the classes, each once."""
    own, seen, left = tuple(own_classes(source).values()), set[int](), [root]
    while left:
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


def give_rate(root: Any, source: Source, rate: float) -> bool:
    """Set the learning rate of every object within a root; return whether one has it."""
    is_set = False
    for holder in own_objects(root, source):
        for key, value in [*vars(type(holder)).items(), *vars(holder).items()]:
            if is_rate(key, vars(holder)) and isinstance(value, (int, float)) and not isinstance(value, bool):
                setattr(holder, key, rate)
                is_set = True
    return is_set
