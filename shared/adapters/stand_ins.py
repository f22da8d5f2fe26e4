"""What stands for a data set and its transforms while a file's preparation of its data is repeated."""

import math
import sys
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import numpy as np

from shared.adapters.replacing import replace
from shared.interface import Array
from shared.reading.names import has_role

COLOUR: Final = (3, 32, 32)


class UnfollowedError(Exception):
    """What a file does to its data cannot be repeated; the message says at which statement, and why."""


class Rows(np.ndarray):
    """An array that can be asked like a column of a data frame."""

    @property
    def values(self) -> Array:
        """The array."""
        return np.asarray(self)

    def to_numpy(self, *_: Any, **__: Any) -> Array:
        """Return the array."""
        return np.asarray(self)


class Missing:
    """Stands for a package that is not loaded here; what is done with it cannot be repeated."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> "Missing":
        if name.startswith("__"):
            raise AttributeError(name)
        return Missing(f"{self._name}.{name}")

    def __call__(self, *given: Any, **_: Any) -> Any:
        """Give back what a bar of progress is given; anything else is not known."""
        if "tqdm" in self._name and given:
            return given[0]
        raise UnfollowedError(f"{self._name} is not followed")


class Examples:
    """A data set, however it is asked for its images and its labels."""

    is_last = False
    """whether the label is the last column of a data frame, not the first"""
    of_one: tuple[int, ...] = ()
    """shape of an example; () for that of rows"""
    of_labels: Set[str] = frozenset()
    """further names of the column of the labels"""

    def __init__(self, x: Array, y: Array, size: int, is_torch: bool, dtype: str) -> None:
        self._x, self._y, self._size, self._is_torch, self._dtype = x, y, size, is_torch, dtype
        self._changed: dict[str, Any] = {}

    def _given(self, values: Array) -> Any:
        values = values if values.dtype.kind in "iu" else values.astype(self._dtype)
        return __import__("torch").from_numpy(values.copy()) if self._is_torch else values.copy().view(Rows)

    def __len__(self) -> int:
        return len(self._x)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self._changed:
            return self._changed[name]
        if "target" in name or has_role(name, "y") or name in self.of_labels:
            return self._given(self._y)
        if name == "image":  # of TensorFlow Datasets
            return self._given(shaped(self._x, (*one_of(self._size), 1)))
        if name == "images" or (self._is_torch and name == "data"):
            return self._given(shaped(self._x, one_of(self._size)))
        if has_role(name, "x"):
            return self._given(shaped(self._x, self.of_one or (self._size,)))
        raise AttributeError(name)

    @property
    def shape(self) -> tuple[int, int]:
        """Of a data frame."""
        return len(self._x), self._size + 1

    @property
    def columns(self) -> range:
        """Of a data frame, of which there are names."""
        return range(self._size + 1)

    def pop(self, name: str) -> Any:
        """Return a column of a data frame, which loses it."""
        return self[name]

    def drop(self, *_: Any, **__: Any) -> Any:
        """Return the columns of a data frame without the label."""
        return self._given(self._x)

    @property
    def iloc(self) -> Any:
        """The columns of a data frame: the pixels, and the label before or behind them."""
        label = self._y[:, None]
        return self._given(np.concatenate([self._x, label] if self.is_last else [label, self._x], axis=1))

    values = iloc

    def to_numpy(self, *_: Any, **__: Any) -> Any:
        """Return the columns of a data frame."""
        return self.iloc

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return getattr(self, key)
        raise UnfollowedError(f"a data set is asked for {key!r}")

    def __setitem__(self, key: str, value: Any) -> None:
        self._changed[key] = value

    def __iter__(self) -> Iterator[Any]:
        yield from (self.data, self.target)


class ImageSet(Examples):
    """A data set of torchvision: images of bytes, of which an item is one through the transform."""

    def __init__(
        self, x: Array, y: Array, size: int, dtype: str, transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
    ) -> None:  # fmt: skip
        super().__init__(as_bytes(x), y, size, True, dtype)
        self._of = transform, target_transform
        if size == math.prod(COLOUR):
            self._changed = {"data": shaped(self._x, (32, 32, 3)), "targets": y.tolist()}

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return super().__getitem__(key)
        shape = (32, 32, 3) if self._changed else one_of(self._size)
        item = shaped(self._x[key : key + 1], shape)[0], self._y[key].item()
        return tuple(each if of is None else of(each) for each, of in zip(item, self._of, strict=True))


def as_bytes(x: Array) -> Array:
    """Return pixels from 0 to 1 as bytes."""
    return np.asarray(np.rint(255 * x), np.uint8)


def pixels(rng: np.random.Generator, shape: Sequence[int]) -> Array:
    """Return random images of which each pixel, from 0 to 1, can be a byte."""
    return rng.integers(0, 256, tuple(shape)) / 255


def shaped(x: Array, shape: tuple[int, ...]) -> Array:
    """Return rows with channels first as images of this shape, (h, w, c) too."""
    if len(shape) == 3 and shape[2] in (1, 3):
        return x.reshape(len(x), shape[2], *shape[:2]).transpose(0, 2, 3, 1)
    return x.reshape(len(x), *shape)


def one_of(size: int) -> tuple[int, ...]:
    """Return the shape of an image of so many numbers; (size,) if it is no square."""
    side = math.isqrt(size)
    return (side, side) if side * side == size else (size,)


def as_array(value: Any) -> Array:
    """Return a tensor of any framework as an array."""
    return np.asarray(value.detach().cpu() if hasattr(value, "detach") else value)


@contextmanager
def biased() -> Iterator[None]:
    """Let PyTorch's deviation divide by n: among as many examples as a data set has, n - 1 is the same."""
    torch = sys.modules.get("torch")

    def dividing(function: Any) -> Any:
        return lambda *arguments, **named: function(
            *arguments, **{k: v for k, v in named.items() if k not in ("unbiased", "correction")} | {"correction": 0}
        )

    with ExitStack() as stack:
        for owner in (torch, torch.Tensor) if torch else ():
            for name in ("std", "var"):
                replace(stack, owner, name, dividing(getattr(owner, name)))
        yield
