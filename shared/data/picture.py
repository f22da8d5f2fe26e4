"""A drawing or photograph of a digit, converted to the format of MNIST: 28x28 grey levels, ink 255, background 0.

The steps are those that produced MNIST (Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten
digits"): the digit is scaled to fit into 20x20 pixels, keeping its proportions, and placed so that its centre of
mass is the centre of the 28x28 pixels.
"""

import math
import stat
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from shared.data.errors import DataError
from shared.data.photo import STROKE, Grey, Ink, find

FORMATS: Final = ("PNG", "JPEG", "BMP")
LARGEST_FILE: Final = 32 << 20
"""Bytes; a photograph has about a quarter of that."""
LARGEST_SIZE: Final = 50_000_000
"""Pixels; several copies are kept in memory."""
SIDE: Final = 28
BOX: Final = 20
LIGHT: Final = 127
"""Where there is transparency, ink below this grey level is dark, and the paper is light."""
DAMAGED: Final = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)
"""What Pillow raises for files that do not match their format."""


class Seen(NamedTuple):
    """A digit as the networks get it."""

    pixels: Grey
    """(28, 28)"""
    remarks: tuple[str, ...] = ()
    """what makes it doubtful that this is one whole digit"""


def read(path: Path) -> Seen:
    """Return the digit of an image file; `DataError` for a file that cannot be used."""
    return seen(_opened(path), path)


def seen(image: Image.Image, path: Path | str = "image") -> Seen:
    """Return the digit of an image; `DataError` if nothing stands out from its background."""
    found = ink(image, path)
    return Seen(normalised(found.levels), found.remarks)


def _opened(path: Path) -> Image.Image:
    """Return the decoded image; only a regular file is opened, and no large image is decoded."""
    formats = ", ".join(FORMATS)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # opening a FIFO without a writer would block
            raise DataError(path, "not a regular file", f"an image file ({formats})", "name another file")
        file = path.open("rb")
    except OSError as error:
        raise DataError(path, error.strerror or "no file", f"an image file ({formats})", "name another file") from error
    with file:
        if not 0 < status.st_size <= LARGEST_FILE:
            found = f"{status.st_size:,} bytes"
            raise DataError(path, found, f"1 to {LARGEST_FILE:,} bytes", "save the image again, smaller if necessary")
        try:
            with warnings.catch_warnings(), Image.open(file, formats=FORMATS) as image:
                warnings.simplefilter("ignore")  # about metadata, and about sizes, which are checked here
                if image.width * image.height > LARGEST_SIZE:
                    found = f"{image.width:,} x {image.height:,} pixels"
                    raise DataError(path, found, f"at most {LARGEST_SIZE:,} pixels", "scale it down")
                # a camera's JPEG may also contain a preview, which is not an animation
                frames = getattr(image, "n_frames", 1)
                if image.format != "MPO" and frames > 1:
                    found = f"an animation of {frames} frames"
                    raise DataError(path, found, "a single image", "save one of its frames")
                image.load()
                return ImageOps.exif_transpose(image)
        except Image.DecompressionBombError as error:
            found = "more pixels than any photograph"
            raise DataError(path, found, f"at most {LARGEST_SIZE:,} pixels", "scale it down") from error
        except UnidentifiedImageError as error:
            remedy = "save the image in one of these formats"
            raise DataError(path, "another format, or no image", f"an image ({formats})", remedy) from error
        except DAMAGED as error:
            found = f"a damaged image ({error})"
            raise DataError(path, found, f"an image ({formats})", "save it again from its source") from error


def _grey(image: Image.Image) -> NDArray[Any]:
    """Return the grey levels, (height, width), from 0 to 255; transparent pixels show the paper."""
    if image.mode.startswith("I"):  # 16 bits per pixel
        return np.asarray(image).astype(np.float32) / np.float32(257)
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB").convert("L"), np.float32)
    rgba = image.convert("RGBA")
    grey = np.asarray(rgba.convert("RGB").convert("L"), np.float32)
    alpha = np.asarray(rgba.getchannel("A"), np.float32) / 255
    seen = np.average(grey, weights=alpha) if alpha.any() else 0
    paper = 0 if seen > LIGHT else 255  # light ink is drawn on a dark background
    return grey * alpha + paper * (1 - alpha)


def ink(image: Image.Image, path: Path | str = "image") -> Ink:
    """Return the ink of an image; `DataError` if nothing stands out from its background."""
    return find(_grey(image), path)


def normalised(found: Grey) -> Grey:
    """Return ink of any size in the format of MNIST, (28, 28)."""
    from scipy.ndimage import center_of_mass  # 0.3 s, which only `predict` needs

    rows, columns = np.nonzero(found >= STROKE * 255)
    digit = found[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = digit.shape
    scale = BOX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    scaled = np.asarray(Image.fromarray(digit).resize(size, Image.Resampling.LANCZOS), np.float32)
    scaled *= 255 / scaled.max()  # a thin line becomes faint
    picture = np.zeros((SIDE, SIDE), np.uint8)
    top, left = (
        min(max(0, math.floor(SIDE / 2 - mass + 0.5)), SIDE - length)
        for mass, length in zip(center_of_mass(scaled), scaled.shape, strict=True)
    )
    picture[top : top + scaled.shape[0], left : left + scaled.shape[1]] = np.rint(scaled)
    return picture
