"""What stands for a data set and its transforms while a file's preparation of its data is repeated."""

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np

from shared.interface import Array
from shared.reading.names import has_role


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


class Examples:
    """A data set, however it is asked for its images and its labels."""

    def __init__(self, x: Array, y: Array, size: int, is_torch: bool, dtype: str) -> None:
        self._x, self._y, self._size, self._is_torch, self._dtype = x, y, size, is_torch, dtype

    def _given(self, values: Array) -> Any:
        values = values if values.dtype.kind == "i" else values.astype(self._dtype)
        return __import__("torch").from_numpy(values.copy()) if self._is_torch else values.copy().view(Rows)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        if "target" in name or has_role(name, "y"):
            return self._given(self._y)
        if name == "images" or (self._is_torch and name == "data"):
            return self._given(self._x.reshape(len(self._x), *one_of(self._size)))
        if has_role(name, "x"):
            return self._given(self._x.reshape(len(self._x), -1))
        raise AttributeError(name)

    def drop(self, *_: Any, **__: Any) -> Any:
        """Return the columns of a data frame without the label."""
        return self._given(self._x)

    @property
    def iloc(self) -> Any:
        """The columns of a data frame: the label, then the pixels."""
        return self._given(np.concatenate([self._y[:, None], self._x], axis=1))

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return getattr(self, key)
        raise UnfollowedError(f"a data set is asked for {key!r}")

    def __iter__(self) -> Iterator[Any]:
        yield from (self.data, self.target)

    @staticmethod
    def transformed(transform: Callable[[Any], Any] | None, images: Array, size: int) -> Any:
        """Return images as torchvision's data sets give them through a transform."""
        torch: Any = __import__("torch")
        shape = (3, 32, 32) if size == 3072 else (1, *one_of(size)[-2:])
        tensors = torch.from_numpy(images.reshape(len(images), *shape).copy()).to(torch.get_default_dtype())
        return tensors if transform is None else torch.stack([transform(each) for each in tensors])


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
    import sys

    torch = sys.modules.get("torch")
    places = [(owner, name) for owner in (torch, torch.Tensor) for name in ("std", "var")] if torch else []
    kept = [getattr(*place) for place in places]

    def dividing(function: Any) -> Any:
        return lambda *arguments, **named: function(
            *arguments, **{k: v for k, v in named.items() if k not in ("unbiased", "correction")} | {"correction": 0}
        )

    for (owner, name), function in zip(places, kept, strict=True):
        setattr(owner, name, dividing(function))
    try:
        yield
    finally:
        for (owner, name), function in zip(places, kept, strict=True):
            setattr(owner, name, function)


def _split(*arrays: Any, **_: Any) -> list[Any]:
    return [array for array in arrays for _ in ("train", "test")]


def _shuffled(*arrays: Any, **_: Any) -> Any:
    return arrays if len(arrays) > 1 else arrays[0]


class _Transforms:
    """Those of torchvision that keep every pixel in its place."""

    @staticmethod
    def Compose(parts: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
        def composed(image: Any) -> Any:
            for part in parts:
                image = part(image)
            return image

        return composed

    @staticmethod
    def ToTensor() -> Callable[[Any], Any]:
        return lambda image: image

    @staticmethod
    def Normalize(mean: Any, std: Any, *_: Any) -> Callable[[Any], Any]:
        m, s = (np.reshape(each, (-1, 1, 1)) for each in (mean, std))
        torch: Any = __import__("torch")
        return lambda image: (image - torch.as_tensor(m, dtype=image.dtype)) / torch.as_tensor(s, dtype=image.dtype)

    @staticmethod
    def Lambda(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return function

    def __getattr__(self, name: str) -> Any:
        raise UnfollowedError(f"transforms.{name} is not followed")


OVERRIDES: Final[dict[str, Any]] = {
    "train_test_split": _split, "shuffle": _shuffled, "transforms": _Transforms(), "T": _Transforms(),
    **{name: getattr(_Transforms, name) for name in ("Compose", "ToTensor", "Normalize", "Lambda")},
}  # fmt: skip
"""name -> what it stands for, in files that mention it."""
