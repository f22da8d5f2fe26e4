"""The real MNIST, where it is at hand: the article's split of the original files, in every layout."""

import gzip
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from numpy.typing import NDArray

from shared.data import Dataset, load, mnist

pytestmark = pytest.mark.mnist

DIGEST: Final = "c97a2c607853b499a01d274c02fa5de533f80f6f09404e77aa0e02ec99b4c1f5"
LABEL_COUNTS: Final = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
"""How often each digit occurs among the 60,000, as is known from the literature."""


@pytest.fixture(scope="module")
def data(mnist_dir: Path) -> Dataset:
    data, notice = load("mnist", mnist_dir, offline=True)
    assert notice == ""
    return data


def content(mnist_dir: Path, file: mnist.MnistFile) -> bytes:
    """Return a file unzipped, by other means than the reader's."""
    path = mnist.find(mnist_dir, file)
    assert path is not None
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def values(mnist_dir: Path, file: mnist.MnistFile) -> NDArray[np.uint8]:
    """Return the values of a file, by other means than the reader's."""
    images = "images" in file.name
    flat = np.frombuffer(content(mnist_dir, file), np.uint8, offset=16 if images else 8)
    return flat.reshape(-1, 784) if images else flat


def test_sizes_and_digest(data: Dataset) -> None:
    assert [len(split) for split in (data.train, data.validation, data.test)] == [50_000, 10_000, 10_000]
    assert data.digest == DIGEST
    assert data.title == (f"MNIST: 50,000 training, 10,000 validation and 10,000 test images, sha256 {DIGEST[:12]}")


def test_label_counts(data: Dataset) -> None:
    labels = np.concatenate([data.train.labels, data.validation.labels])
    assert np.bincount(labels).tolist() == LABEL_COUNTS


def test_split_is_the_articles(data: Dataset, mnist_dir: Path) -> None:
    images, labels = (values(mnist_dir, file) for file in (mnist.TRAIN_IMAGES, mnist.TRAIN_LABELS))
    test_images, test_labels = (values(mnist_dir, file) for file in (mnist.TEST_IMAGES, mnist.TEST_LABELS))
    for split, expected_images, expected_labels in (
        (data.train, images[:50_000], labels[:50_000]),
        (data.validation, images[50_000:], labels[50_000:]),
        (data.test, test_images, test_labels),
    ):
        np.testing.assert_array_equal(split.images, expected_images)
        np.testing.assert_array_equal(split.labels, expected_labels)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays(data: Dataset, dtype: str) -> None:
    x, y = data.test.arrays(dtype)
    assert x.shape == (10_000, 784)
    assert x.dtype == dtype
    assert x.min() == 0
    assert x.max() == 1
    assert y.dtype == np.int64
    assert sorted(set(y.tolist())) == list(range(10))


@pytest.mark.parametrize("below", ["", "MNIST/raw"], ids=["raw", "torchvision"])
def test_layouts(tmp_path: Path, mnist_dir: Path, below: str) -> None:
    folder = tmp_path / below
    folder.mkdir(parents=True, exist_ok=True)
    for file in mnist.FILES:
        (folder / file.name).write_bytes(content(mnist_dir, file))
    data, _ = load("mnist", tmp_path, offline=True)
    assert data.digest == DIGEST
