"""Images of digits: MNIST's own preprocessing, and files that are hostile, odd, or no images."""

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import center_of_mass

from impls.numpy_scratch import Network
from shared import data, evaluation, initial
from shared.data import DataError, picture
from shared.data.photo import Grey
from shared.spec import NetworkSpec, TrainingSpec

SAMPLES = Path(__file__).resolve().parents[2] / "docs" / "digits"
SHOWN = {"two.png": 2, "three.jpg": 3, "four.png": 4, "seven.png": 7}
SEVEN = Image.open(SAMPLES / "seven.png").convert("L")
SEEN = picture.seen(SEVEN).pixels


def png(*chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file of these chunks, whatever they hold."""
    written = b"\x89PNG\r\n\x1a\n"
    for kind, content in chunks:
        written += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return written


def header(width: int, height: int) -> tuple[bytes, bytes]:
    return b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)


def saved(image: Image.Image, path: Path, **how: object) -> bytes:
    image.save(path, **how)  # type: ignore[arg-type]
    return path.read_bytes()


def truncated(kind: str) -> Callable[[Path], bytes]:
    return lambda path: saved(SEVEN, path.with_suffix(f".{kind}"))[:-900]


def animation(path: Path) -> bytes:
    SEVEN.save(path, save_all=True, append_images=[SEVEN.rotate(20), SEVEN.rotate(40)])
    return path.read_bytes()


BLANK = Image.new("L", (90, 90), 255)
HUGE = png(header(60_000, 60_000), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))
LARGE = png(header(9_000, 9_000), (b"IDAT", zlib.compress(bytes(1000))), (b"IEND", b""))


def text_bomb(_: Path) -> bytes:
    text = b"a\0\0" + zlib.compress(bytes(200_000_000), 1)
    return png(header(9, 9), (b"zTXt", text), (b"IDAT", zlib.compress(bytes(90))))


REFUSED: dict[str, tuple[Callable[[Path], bytes], str]] = {
    "empty": (lambda _: b"", "0 bytes"),
    "text": (lambda _: b"not an image at all\n" * 9, "another format, or no image"),
    "EPS": (lambda _: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n", "another format"),
    "GIF": (lambda path: saved(SEVEN, path.with_suffix(".gif")), "another format"),
    "TIFF": (lambda path: saved(SEVEN, path.with_suffix(".tiff")), "another format"),
    "PDF": (lambda path: saved(SEVEN, path.with_suffix(".pdf")), "another format"),
    "SVG": (lambda _: b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "another format"),
    "truncated PNG": (truncated("png"), "damaged"),
    "truncated JPEG": (truncated("jpg"), "damaged"),
    "truncated BMP": (truncated("bmp"), "damaged"),
    "PNG header alone": (lambda _: png(header(20, 20)), "damaged|another format"),
    "PNG with a wrong checksum": (
        lambda path: saved(SEVEN, path).replace(b"IDAT", b"IDAT\0", 1),
        "damaged|another format",
    ),
    "animation": (animation, "an animation of 3 frames"),
    "bomb": (lambda _: HUGE, "pixels"),
    "large": (lambda _: LARGE, "9,000 x 9,000 pixels"),
    "bomb of text": (text_bomb, "damaged"),
    "larger than any photograph": (lambda _: bytes(picture.LARGEST_FILE + 1), "33,554,433 bytes"),
    "blank": (lambda path: saved(BLANK, path), "no digit"),
    "all transparent": (lambda path: saved(Image.new("RGBA", (50, 50)), path), "no digit"),
    "one pixel": (lambda path: saved(Image.new("L", (1, 1)), path), "no digit"),
    "too faint": (lambda path: saved(SEVEN.point(lambda v: 200 + v // 16), path), "no digit"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_cannot_be_used_is_refused_and_says_why(tmp_path: Path, kind: str) -> None:
    make, message = REFUSED[kind]
    content = make(tmp_path / "made.png")
    path = tmp_path / "image.png"
    path.write_bytes(content)
    with pytest.raises(DataError, match=f"image.png: found .*({message}).*, expected .*\n  remedy: ."):
        picture.read(path)


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "fifo")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for path in (tmp_path / "fifo", tmp_path, Path("/dev/zero"), tmp_path / "broken", tmp_path / "loop"):
        with pytest.raises(DataError, match="expected an image file"):
            picture.read(path)


def with_ink(ink: tuple[int, int, int], mode: str = "RGBA") -> Image.Image:
    """The seven as ink on nothing."""
    found = Image.new("RGBA", SEVEN.size, (*ink, 0))
    found.putalpha(Image.fromarray(255 - np.asarray(SEVEN)))
    return found.convert(mode)


def in_16_bits() -> Image.Image:
    return Image.fromarray(np.asarray(SEVEN).astype(np.uint16) * 257)


def palette() -> Image.Image:
    found = SEVEN.convert("P")
    found.info["transparency"] = 255
    return found


def lying() -> tuple[Image.Image, Image.Exif]:
    """As a camera held on its side has it: turned, and the file says so."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return SEVEN.transpose(Image.Transpose.ROTATE_90), exif


READ: dict[str, Callable[[Path], bytes]] = {
    "as it is": lambda path: saved(SEVEN, path),
    "JPEG": lambda path: saved(SEVEN, path.with_suffix(".jpg"), quality=70),
    "BMP": lambda path: saved(SEVEN, path.with_suffix(".bmp")),
    "light on dark": lambda path: saved(Image.fromarray(255 - np.asarray(SEVEN)), path),
    "colours": lambda path: saved(SEVEN.convert("RGB"), path),
    "CMYK": lambda path: saved(SEVEN.convert("CMYK"), path.with_suffix(".jpg")),
    "16 bits": lambda path: saved(in_16_bits(), path),
    "1 bit": lambda path: saved(SEVEN.convert("1", dither=Image.Dither.NONE), path.with_suffix(".bmp")),
    "black on nothing": lambda path: saved(with_ink((0, 0, 0)), path),
    "white on nothing": lambda path: saved(with_ink((255, 255, 255)), path),
    "grey with transparency": lambda path: saved(with_ink((0, 0, 0), "LA"), path),
    "palette with transparency": lambda path: saved(palette(), path, transparency=255),
    "turned by its EXIF": lambda path: saved(lying()[0], path.with_suffix(".jpg"), exif=lying()[1]),
    "large": lambda path: saved(SEVEN.resize((1800, 2000)), path),
    "small": lambda path: saved(SEVEN.resize((45, 50)), path),
    "in a corner": lambda path: saved(
        Image.fromarray(np.pad(np.asarray(SEVEN), ((0, 300), (0, 70)), constant_values=245)), path
    ),
}


@pytest.mark.parametrize("kind", READ)
def test_the_same_digit_in_any_guise_is_seen_alike(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "image"
    path.write_bytes(READ[kind](tmp_path / "made.png"))
    seen, remarks = picture.read(path)
    assert remarks == ()
    assert seen.shape == (28, 28)
    assert seen.dtype == np.uint8
    assert np.corrcoef(seen.ravel(), SEEN.ravel())[0, 1] > 0.95
    centre = center_of_mass(seen.astype(float))
    assert all(13.4 <= c <= 14.6 for c in centre)
    rows, columns = np.nonzero(seen)
    assert max(np.ptp(rows), np.ptp(columns)) == picture.BOX - 1
    assert seen.max() == 255


def learnt(dataset: data.Dataset, epochs: int) -> Network:
    training = TrainingSpec(epochs=epochs)
    network = Network(NetworkSpec(), training, initial.draw_parameters(NetworkSpec(), training))
    network.load(*dataset.train.arrays("float32"))
    for order, _ in zip(initial.draw_orders(training, len(dataset.train)), range(epochs), strict=False):
        network.train(order)
    return network


@pytest.mark.mnist
def test_mnists_own_images_come_out_as_they_went_in(mnist_dir: Path) -> None:
    """Drawn larger, off the centre and dark on light, they are classified as well as the originals."""
    dataset, _ = data.load("mnist", mnist_dir, offline=True)
    network = learnt(dataset, 1)
    images, labels = dataset.test.images[:600].reshape(-1, 28, 28), dataset.test.labels[:600]

    def accuracy(seen: list[Grey]) -> float:
        return evaluation.accuracy(network.predict(np.reshape(seen, (-1, 784)).astype("float32") / 255), labels)

    again = [picture.seen(Image.fromarray(image)).pixels for image in images]
    drawn = [
        255 - np.pad(np.asarray(Image.fromarray(image).resize((150, 150), Image.Resampling.BICUBIC)), ((9, 0), (5, 40)))
        for image in images
    ]
    assert np.abs(np.array(again, int) - images).mean() < 1.5
    found = [picture.seen(Image.fromarray(image)).pixels for image in drawn]
    original = accuracy(list(images))
    assert accuracy(again) == pytest.approx(original, abs=0.01)
    assert accuracy(found) == pytest.approx(original, abs=0.015)


def test_the_samples_are_one_of_each() -> None:
    assert {path.name for path in SAMPLES.iterdir()} == set(SHOWN)
    for name in SHOWN:
        seen = picture.read(SAMPLES / name)
        assert seen.pixels.any()
        assert seen.remarks == ()


@pytest.mark.mnist
def test_the_samples_are_recognised(mnist_dir: Path) -> None:
    network = learnt(data.load("mnist", mnist_dir, offline=True)[0], 2)
    x = np.array([picture.read(SAMPLES / name).pixels.ravel() for name in SHOWN], "float32") / 255
    assert list(network.predict(x).argmax(axis=1)) == list(SHOWN.values())
