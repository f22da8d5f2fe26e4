"""The bundled digits: the same bytes everywhere, resized as is said, in disjoint splits."""

from collections import Counter
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from shared.data import Dataset, Split, load
from shared.data.digits import SIZES, resize

DIGEST: Final = "3294e2f4f100fa22a67b9e0039e648a29a689db4fcc60f399531afb9558b82d8"
small_images = npst.arrays(np.int64, st.tuples(st.integers(1, 3), st.just(8), st.just(8)), elements=st.integers(0, 16))


@pytest.fixture(scope="module")
def data() -> Dataset:
    data, notice = load("digits", None, offline=True)
    assert notice == ""
    return data


def splits_of(data: Dataset) -> tuple[Split, Split, Split]:
    return data.train, data.validation, data.test


def examples_of(images: NDArray[np.uint8], labels: NDArray[np.integer]) -> Counter[tuple[bytes, int]]:
    return Counter((image.tobytes(), int(label)) for image, label in zip(images, labels, strict=True))


# ---- The data set --------------------------------------------------------------------------------------


def test_sizes(data: Dataset) -> None:
    assert tuple(len(split) for split in splits_of(data)) == SIZES == (1297, 250, 250)
    assert [split.images.shape for split in splits_of(data)] == [(n, 784) for n in SIZES]
    assert [split.labels.shape for split in splits_of(data)] == [(n,) for n in SIZES]


def test_digest(data: Dataset) -> None:
    """The bytes and their order, for ever and on every machine."""
    assert data.digest == DIGEST


def test_title(data: Dataset) -> None:
    assert data.title == (
        "bundled digits (8x8, resized): 1,297 training, 250 validation and 250 test images, sha256 3294e2f4f100"
    )


def test_every_class_in_every_split(data: Dataset) -> None:
    for split in splits_of(data):
        assert set(split.labels.tolist()) == set(range(10))


def test_disjoint_splits_cover_all_digits(data: Dataset) -> None:
    from sklearn.datasets import load_digits  # takes a second, in every process that collects the tests

    bunch = load_digits()
    parts = [examples_of(split.images, split.labels) for split in splits_of(data)]
    everything = examples_of(resize(bunch.images), bunch.target)
    assert len(everything) == 1797  # no two are the same, so that each is in one split only
    assert parts[0] + parts[1] + parts[2] == everything


def test_bytes(data: Dataset) -> None:
    for split in splits_of(data):
        assert split.images.dtype == split.labels.dtype == np.uint8
        assert split.images.min() == 0
        assert split.images.max() == 255


def test_ground_is_0_as_in_mnist(data: Dataset) -> None:
    images = data.train.images.reshape(-1, 28, 28)
    assert images[:, :, 0].mean() < 5  # digits hardly touch the left border
    assert images[:, 10:18, 10:18].mean() > 100


# ---- Resizing ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grey", range(17))
def test_resize_keeps_a_constant_image_constant(grey: int) -> None:
    resized = resize(np.full((1, 8, 8), grey))
    assert set(resized.ravel().tolist()) == {(grey * 255 + 8) // 16}


@given(small_images)
@settings(deadline=None)
def test_resize_is_bilinear(images: NDArray[np.int64]) -> None:
    """Against NumPy's interpolation, first in one direction, then in the other."""
    position = (np.arange(28) + 0.5) * 8 / 28 - 0.5
    lines = np.apply_along_axis(lambda line: np.interp(position, np.arange(8), line), 1, images)
    expected = np.apply_along_axis(lambda line: np.interp(position, np.arange(8), line), 2, lines) * 255 / 16
    resized = resize(images)
    assert resized.shape == (len(images), 784)
    assert resized.dtype == np.uint8
    np.testing.assert_allclose(resized.reshape(-1, 28, 28), expected, rtol=0, atol=0.5 + 1e-9)


@given(small_images)
@settings(deadline=None)
def test_resize_is_symmetric(images: NDArray[np.int64]) -> None:
    resized = resize(images).reshape(-1, 28, 28)
    for flipped, expected in (
        (images[:, ::-1], resized[:, ::-1]),
        (images[:, :, ::-1], resized[:, :, ::-1]),
        (images.transpose(0, 2, 1), resized.transpose(0, 2, 1)),
    ):
        np.testing.assert_array_equal(resize(flipped).reshape(-1, 28, 28), expected)


# ---- What every data set can do ------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_arrays(data: Dataset, dtype: str) -> None:
    before = data.test.images.copy()
    x, y = data.test.arrays(dtype)
    assert x.dtype == dtype
    assert y.dtype == np.int64
    np.testing.assert_array_equal(x, data.test.images.astype(dtype) / np.dtype(dtype).type(255))
    np.testing.assert_array_equal(y, data.test.labels)
    x.fill(7)
    np.testing.assert_array_equal(data.test.images, before)


def test_first(data: Dataset) -> None:
    first = data.test.first(3)
    assert len(first) == len(first.images) == 3
    np.testing.assert_array_equal(first.images, data.test.images[:3])
    np.testing.assert_array_equal(first.labels, data.test.labels[:3])


def test_with_train_size(data: Dataset) -> None:
    small = data.with_train_size(100)
    assert len(small.train) == 100
    np.testing.assert_array_equal(small.train.images, data.train.images[:100])
    np.testing.assert_array_equal(small.train.labels, data.train.labels[:100])
    assert small.validation is data.validation
    assert small.test is data.test
    assert small.digest != data.digest
    assert small.title.startswith(f"{data.name}: 100 training, 250 validation and 250 test images, ")


def test_with_full_train_size_is_the_same_data(data: Dataset) -> None:
    assert data.with_train_size(1297).digest == data.digest


@pytest.mark.parametrize("part", ["train", "validation", "test"])
@pytest.mark.parametrize("array", ["images", "labels"])
def test_digest_depends_on_every_array(data: Dataset, part: str, array: str) -> None:
    def copy(split: Split) -> Split:
        return Split(split.images.copy(), split.labels.copy())

    changed = Dataset(data.name, *(copy(split) for split in splits_of(data)))
    getattr(getattr(changed, part), array)[-1:] += np.uint8(1)
    assert changed.digest != data.digest
