"""The grid of a sweep: lists of values as they are typed, and their combinations."""

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from shared.options import Options

AXES: Final = ("network", "batch_size", "learning_rate", "seed")
"""The options of which a sweep takes several values."""
WORDS: Final = {"batch_size": "batch", "learning_rate": "rate", "seed": "seed"}
MOST: Final = 100_000
"""The most combinations: beyond it the typed range is more likely a mistake."""


def networks(text: str) -> list[str]:
    """Return the networks of a list; ValueError if it is none.

    A comma also separates the parts of one network: in `784-30-10, relu, 784-20-10` the activation belongs to the
    first. A part that begins with a digit begins a network.
    """
    found: list[str] = []
    for part in map(str.strip, text.split(",")):
        if part[:1].isdigit():
            found.append(part)
        elif found and part:
            found[-1] += f", {part}"
        else:
            raise ValueError(f"got {text!r}, expected networks such as 784-30-10,784-128-10")
    return _different(found, text)


def numbers(text: str, kind: Callable[[str], Any]) -> list[Any]:
    """Return the numbers of a list such as 1,10,100, or of a range of whole numbers such as 1:10, both ends included.

    Raises
    ------
    ValueError
        If a part is neither.
    """
    found: list[Any] = []
    for part in map(str.strip, text.split(",")):
        try:
            if ends := re.fullmatch(r"(\d+):(\d+)", part):
                first, last = map(int, ends.groups())
                if not 0 <= last - first < MOST:
                    raise ValueError(part)
                found += map(kind, map(str, range(first, last + 1)))
            else:
                found.append(kind(part))
        except ValueError:
            what = f"{'whole ' * (kind is int)}numbers such as 10,64, or a range such as 1:10"
            raise ValueError(f"got {part!r} in {text!r}, expected {what}") from None
    return _different(found, text)


def _different(values: list[Any], text: str) -> list[Any]:
    if twice := [value for k, value in enumerate(values) if value in values[:k]]:
        raise ValueError(f"got {twice[0]} twice in {text!r}, expected different values")
    return values


@dataclass(frozen=True)
class Cell:
    """One combination; each is a run of one round."""

    network: str | None
    batch_size: int
    learning_rate: float
    seed: int

    @property
    def name(self) -> str:
        """The name of its folder."""
        network = re.sub(r"[^\w-]+", "_", self.network or "")
        rest = (f"{WORDS[axis]}-{getattr(self, axis):g}" for axis in AXES[1:])
        return "_".join([network, *rest])


def cells(axes: Mapping[str, Sequence[Any] | None], options: Options) -> list[Cell]:
    """Return every combination, in the order of the axes; an axis without values has that of the options."""
    values = [axes.get(axis) or [options[axis]] for axis in AXES]
    return [Cell(*combination) for combination in itertools.product(*values)]
