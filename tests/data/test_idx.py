"""The reader of IDX files: it returns what is in a good file and raises `DataError` for anything else."""

import math
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from shared.data import DataError
from shared.data.idx import read_images, read_labels
from tests.data.hostile import CASES, GZIP_WITH_EXTRA, IMAGES, LABELS, PIXELS, ZIPPED, Case, gz, idx, pattern


def read(path: Path) -> NDArray[np.uint8]:
    """Read a file by the reader for its name."""
    return read_images(path) if "images" in path.name else read_labels(path)


@pytest.mark.parametrize("suffix", ["", ".gz"])  # neither is believed: what counts is the content
@pytest.mark.parametrize("content", [IMAGES, ZIPPED], ids=["raw", "gzip"])
def test_images(tmp_path: Path, suffix: str, content: bytes) -> None:
    path = tmp_path / f"images{suffix}"
    path.write_bytes(content)
    images = read_images(path)
    assert images.shape == (3, 784)
    assert images.dtype == np.uint8
    assert images.tobytes() == PIXELS


@pytest.mark.parametrize("content", [LABELS, gz(LABELS)], ids=["raw", "gzip"])
def test_labels(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "labels"
    path.write_bytes(content)
    labels = read_labels(path)
    assert labels.dtype == np.uint8
    assert labels.tolist() == [5, 0, 9]


@pytest.mark.parametrize("zipped", [False, True], ids=["raw", "gzip"])
def test_more_than_one_chunk(tmp_path: Path, zipped: bool) -> None:
    values = np.random.default_rng(2).integers(0, 256, (1_500, 784), np.uint8)  # incompressible, 1.2 MB
    content = idx(1_500, 28, 28, values=values.tobytes())
    path = tmp_path / "images"
    path.write_bytes(gz(content) if zipped else content)
    np.testing.assert_array_equal(read_images(path), values)


def test_as_many_examples_as_mnist_has(tmp_path: Path) -> None:
    values = np.arange(60_000) % 10
    path = tmp_path / "labels"
    path.write_bytes(idx(60_000, values=values.astype(np.uint8).tobytes()))
    np.testing.assert_array_equal(read_labels(path), values)


@pytest.mark.parametrize(
    "content",
    [
        ZIPPED[:3] + b"\x08" + ZIPPED[4:10] + b"a name\0" + ZIPPED[10:],
        GZIP_WITH_EXTRA + bytes(65_535) + ZIPPED[10:],
    ],
    ids=["name", "extra-field"],
)
def test_gzip_with_optional_header_fields(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "images.gz"
    path.write_bytes(content)
    assert read_images(path).tobytes() == PIXELS


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_hostile_file(tmp_path: Path, case: Case) -> None:
    path = tmp_path / case.name
    case.make(path)
    with pytest.raises(DataError, match=pattern(case)) as caught:
        read(path)
    assert caught.value.file == str(path)


@pytest.mark.parametrize("target", ["nowhere", "images"], ids=["broken", "loop"])
def test_link_to_nothing(tmp_path: Path, target: str) -> None:
    path = tmp_path / "images"
    path.symlink_to(tmp_path / target)
    with pytest.raises(DataError, match="expected a readable file"):
        read_images(path)


def test_link_to_a_good_file(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_bytes(ZIPPED)
    path = tmp_path / "images"
    path.symlink_to(tmp_path / "elsewhere")
    assert read_images(path).tobytes() == PIXELS


@st.composite
def mutations(draw: st.DrawFn, original: bytes) -> bytes:
    """Draw a file with a few bytes changed, cut off, repeated or put in."""
    content = bytearray(original)
    for _ in range(draw(st.integers(1, 3))):
        where = draw(st.integers(0, min(len(content), 40)) | st.integers(0, len(content)))
        end = draw(st.integers(where, min(len(content), where + 4)) | st.just(len(content)))
        content[where:end] = draw(st.binary(max_size=4) | st.just(bytes(content[where:])))
    return bytes(content)


def well_formed(content: bytes, *item_shape: int) -> bytes | None:
    """Return the unzipped content if it is an IDX file by the book, else None."""
    if content.startswith(b"\x1f\x8b"):
        stream = zlib.decompressobj(wbits=31)
        try:
            content = stream.decompress(content)
        except zlib.error:
            return None
        if not stream.eof or stream.unused_data:
            return None
    n, values = int.from_bytes(content[4:8], "big"), content[8 + 4 * len(item_shape) :]
    right = 1 <= n <= 60_000 and len(values) == n * math.prod(item_shape) and (item_shape or max(values) <= 9)
    return content if right and content == idx(n, *item_shape, values=values) else None


@given(mutations(IMAGES) | mutations(LABELS) | mutations(ZIPPED) | mutations(gz(LABELS)))
@example(IMAGES)
@example(gz(LABELS))
@settings(deadline=None)
def test_mutated_file_is_read_exactly_if_it_is_well_formed(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "mutated"
    path.write_bytes(content)
    for reader, item_shape in ((read_images, (28, 28)), (read_labels, ())):
        expected = well_formed(content, *item_shape)
        if expected is None:
            with pytest.raises(DataError):
                reader(path)
        else:
            values = reader(path)
            assert idx(len(values), *item_shape, values=values.tobytes()) == expected
