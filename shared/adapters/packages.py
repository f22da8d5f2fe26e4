"""What stands for the packages that a file uses for its data, and that are not loaded with it."""

import ast
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from shared.adapters.stand_ins import Missing, UnfollowedError, as_array
from shared.interface import Array


def _split(*arrays: Any, **_: Any) -> list[Any]:
    return [array for array in arrays for _ in ("train", "test")]


def _shuffled(*arrays: Any, **_: Any) -> Any:
    return arrays if len(arrays) > 1 else arrays[0]


def _one_hot(labels: Any, num_classes: int | None = None) -> Array:
    of = np.asarray(labels, int).ravel()
    return np.asarray(np.eye(num_classes or int(of.max()) + 1)[of])


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
        """Return what makes an image of bytes one from 0 to 1, and scales nothing else."""
        return lambda image: _channels_first(image, image.dtype == np.uint8)

    @staticmethod
    def PILToTensor() -> Callable[[Any], Any]:
        return lambda image: _channels_first(image, False)

    ToImage = PILToTensor

    @staticmethod
    def ToPILImage(*_: Any) -> Callable[[Any], Any]:
        def image_of(image: Any) -> Array:
            if hasattr(image, "detach"):
                whole = as_array(image if image.dtype == __import__("torch").uint8 else image.double() * 255)
                return np.squeeze(np.rint(whole).astype(np.uint8).transpose(1, 2, 0))
            if image.dtype != np.uint8:
                raise UnfollowedError("an image that is not of bytes is made one of PIL")
            return np.asarray(np.squeeze(image))

        return image_of

    @staticmethod
    def ToDtype(dtype: Any, scale: bool = False) -> Callable[[Any], Any]:
        torch: Any = __import__("torch")
        return lambda image: image.to(dtype) / (255 if scale and image.dtype == torch.uint8 else 1)

    @staticmethod
    def ConvertImageDtype(dtype: Any) -> Callable[[Any], Any]:
        return _Transforms.ToDtype(dtype, scale=True)

    @staticmethod
    def Normalize(mean: Any, std: Any, *_: Any) -> Callable[[Any], Any]:
        m, s = (np.reshape(each, (-1, 1, 1)) for each in (mean, std))
        torch: Any = __import__("torch")
        return lambda image: (image - torch.as_tensor(m, dtype=image.dtype)) / torch.as_tensor(s, dtype=image.dtype)

    @staticmethod
    def Lambda(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
        return function

    @staticmethod
    def Resize(size: Any, *_: Any, **__: Any) -> Callable[[Any], Any]:
        def resized(image: Any) -> Any:
            sides = tuple(image.shape[-2:]) if hasattr(image, "detach") else tuple(image.shape[:2])
            if sides != ((size, size) if isinstance(size, int) else tuple(size)):
                raise UnfollowedError(f"images of {sides[0]} x {sides[1]} pixels get another size")
            return image

        return resized

    @property
    def v2(self) -> "_Transforms":
        return self

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise UnfollowedError(f"transforms.{name} is not followed")


def _channels_first(image: Any, is_scaled: bool) -> Any:
    torch: Any = __import__("torch")
    array = np.asarray(image)
    array = array[:, :, None] if array.ndim == 2 else array
    found = torch.from_numpy(array.transpose(2, 0, 1).copy())
    return found.to(torch.get_default_dtype()) / 255 if is_scaled else found


class _Images:
    """The part of PIL that makes an image of an array: it stays one."""

    @staticmethod
    def fromarray(image: Any, *_: Any, **__: Any) -> Array:
        array = np.asarray(image)
        if array.dtype != np.uint8:
            raise UnfollowedError(f"an image of PIL is made of {array.dtype}")
        return array

    def __getattr__(self, name: str) -> Any:
        raise UnfollowedError(f"Image.{name} is not followed")


TRANSFORMS: Final = _Transforms()
KNOWN: Final[dict[str, Any]] = {
    "torchvision": SimpleNamespace(transforms=TRANSFORMS),
    "torchvision.transforms": TRANSFORMS,
    "torchvision.transforms.v2": TRANSFORMS,
    "sklearn.model_selection.train_test_split": _split,
    "sklearn.utils.shuffle": _shuffled,
    "PIL.Image": _Images(),
    "tensorflow_datasets": SimpleNamespace(as_numpy=lambda data: data),
}
"""what a file imports -> what stands for it"""


def stands_for(imported: str) -> Any:
    """Return what stands for a package, or a part of one, that is not loaded with a file."""
    if imported in KNOWN:
        return KNOWN[imported]
    package, _, name = imported.rpartition(".")
    if KNOWN.get(package) is TRANSFORMS:
        return getattr(TRANSFORMS, name)
    if imported.startswith("sklearn.preprocessing"):
        with suppress(ImportError):
            from sklearn import preprocessing

            return preprocessing if package == "sklearn" else getattr(preprocessing, name)
    return _one_hot if name in ("to_categorical",) else Missing(imported)


def imports(tree: ast.Module) -> dict[str, str]:
    """Return what each name that a file imports is."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                package = each.name.partition(".")[0]
                found[each.asname or package] = each.name if each.asname else package
        elif isinstance(node, ast.ImportFrom):
            found |= {each.asname or each.name: f"{node.module}.{each.name}" for each in node.names}
    return found
