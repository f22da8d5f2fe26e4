"""The bundled data set: scikit-learn's 1,797 real handwritten digits, resized from 8x8 to 28x28.

Source: E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.data.dataset import Dataset, Split

SPLIT_SEED: Final = 0
SIZES: Final = (1297, 250, 250)
"""Training, validation and test images."""


def resize(images: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Resize bilinearly, with integers, so that the bytes are the same on every machine.

    images: (n, 8, 8) grey levels from 0 to 16 -> (n, 784) from 0 to 255. The centre of pixel i of 28 is at
    (i + 1/2) 8/28 - 1/2 = (4 i - 5) / 14 of the 8, so all weights are fourteenths.
    """
    weights = np.zeros((28, 8), np.int64)
    for i in range(28):
        position = min(max(4 * i - 5, 0), 7 * 14)
        low, part = divmod(position, 14)
        weights[i, low] += 14 - part
        weights[i, min(low + 1, 7)] += part
    fine = weights @ images.astype(np.int64) @ weights.T  # in 14 * 14 * 16ths of full ink
    full = 14 * 14 * 16
    return ((fine * 255 + full // 2) // full).astype(np.uint8).reshape(-1, 784)


def _table() -> NDArray[np.int64]:
    """Return the 64 pixels and the label of each digit, (1797, 65).

    They are read from scikit-learn's file: its `load_digits` returns the same, after an import of more than a second.
    """
    package = find_spec("sklearn")
    for folder in (package and package.submodule_search_locations) or []:
        if (file := Path(folder, "datasets", "data", "digits.csv.gz")).is_file():
            return np.loadtxt(file, np.int64, delimiter=",")
    from sklearn.datasets import load_digits  # it says what is missing, or knows where the file has moved

    bunch = load_digits()
    return np.column_stack([bunch.data, bunch.target]).astype(np.int64)


def load(data_dir: Path | None = None, *, offline: bool = True) -> Dataset:  # noqa: ARG001 - as `mnist.load`
    """Return the digits, split by a fixed seed; NumPy never changes `RandomState`, so the split stays the same."""
    *pixels, labels = _table().T
    order = np.random.RandomState(SPLIT_SEED).permutation(len(labels))
    images, labels = resize(np.stack(pixels, axis=1).reshape(-1, 8, 8))[order], labels[order].astype(np.uint8)
    ends = np.cumsum(SIZES)[:-1]
    splits = [Split(*pair) for pair in zip(np.split(images, ends), np.split(labels, ends), strict=True)]
    # 1/40 of MNIST's images: 3 epochs would be too few to train or to time anything.
    return Dataset("bundled digits (8x8, resized)", *splits, key="digits", epochs=10)
