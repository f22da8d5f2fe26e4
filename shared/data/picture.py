"""A drawing or photograph of a digit as MNIST has its own: 28x28 grey levels, the ink 255 and the ground 0.

The steps are those of MNIST's makers (Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits"):
the digit is scaled to fit into 20x20 pixels, its proportions kept, and placed so that its centre of mass is that of
the 28x28.
"""

import math
import stat
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from scipy.ndimage import center_of_mass

from shared.data.errors import DataError

FORMATS: Final = ("PNG", "JPEG", "BMP")
LARGEST_FILE: Final = 32 << 20
"""Bytes; a photograph has a quarter of that."""
LARGEST_SIZE: Final = 50_000_000
"""Pixels; they are held in memory a few times over."""
SIDE: Final = 28
BOX: Final = 20
LIGHT: Final = 127
"""A ground above this grey level is light, and the ink dark."""
CONTRAST: Final = 32
"""Grey levels between ground and ink, at least."""
FAINT: Final = 0.1
"""Ink below this part of the darkest is paper: its grain, its shadows, what JPEG adds."""
STROKE: Final = 0.25
"""Ink above this part of the darkest belongs to the digit, where its extent is measured."""

Grey = NDArray[np.uint8]
DAMAGED: Final = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)
"""What Pillow raises on files that are not what they say."""


def read(path: Path) -> Grey:
    """Return the digit of an image file, (28, 28); `DataError` for a file that cannot be used."""
    return normalised(ink(_opened(path), path))


def _opened(path: Path) -> Image.Image:
    """Return the decoded image; nothing but a regular file is opened, and nothing large is decoded."""
    formats = ", ".join(FORMATS)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):  # a FIFO without a writer would keep us waiting
            raise DataError(path, "no regular file", f"an image file ({formats})", "name another")
        file = path.open("rb")
    except OSError as error:
        raise DataError(path, error.strerror or "no file", f"an image file ({formats})", "name another") from error
    with file:
        if not 0 < status.st_size <= LARGEST_FILE:
            found = f"{status.st_size:,} bytes"
            raise DataError(path, found, f"1 to {LARGEST_FILE:,} bytes", "save the image anew, smaller if need be")
        try:
            with warnings.catch_warnings(), Image.open(file, formats=FORMATS) as image:
                warnings.simplefilter("ignore")  # about metadata, and sizes, which are judged here
                if image.width * image.height > LARGEST_SIZE:
                    found = f"{image.width:,} x {image.height:,} pixels"
                    raise DataError(path, found, f"at most {LARGEST_SIZE:,} pixels", "scale it down")
                # a camera's JPEG may hold a preview besides, which is no animation
                frames = getattr(image, "n_frames", 1)
                if image.format != "MPO" and frames > 1:
                    found = f"an animation of {frames} frames"
                    raise DataError(path, found, "a single image", "save one frame of it")
                image.load()
                return ImageOps.exif_transpose(image)
        except Image.DecompressionBombError as error:
            found = "more pixels than any photograph has"
            raise DataError(path, found, f"at most {LARGEST_SIZE:,} pixels", "scale it down") from error
        except UnidentifiedImageError as error:
            remedy = "save the image as one of these"
            raise DataError(path, "another format, or none", f"an image ({formats})", remedy) from error
        except DAMAGED as error:
            found = f"a damaged image ({error})"
            raise DataError(path, found, f"an image ({formats})", "save it anew, from where it came") from error


def _grey(image: Image.Image) -> NDArray[Any]:
    """Return the grey levels, (height, width), from 0 to 255; what is transparent lets paper through."""
    if image.mode.startswith("I"):  # 16 bits a pixel
        return np.asarray(image).astype(np.float32) / np.float32(257)
    if not image.has_transparency_data:
        return np.asarray(image.convert("RGB").convert("L"), np.float32)
    rgba = image.convert("RGBA")
    grey = np.asarray(rgba.convert("RGB").convert("L"), np.float32)
    alpha = np.asarray(rgba.getchannel("A"), np.float32) / 255
    seen = np.average(grey, weights=alpha) if alpha.any() else 0
    paper = 0 if seen > LIGHT else 255  # light ink was drawn on something dark
    return grey * alpha + paper * (1 - alpha)


def ink(image: Image.Image, path: Path | str = "image") -> Grey:
    """Return how much ink a pixel has, (height, width): 255 for the most; the ground is what the border mostly is."""
    grey = _grey(image)
    ground = np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    found = (ground - grey if ground > LIGHT else grey - ground).clip(0)
    most = float(found.max())
    if most < CONTRAST:
        flat = f"no digit (its darkest and lightest parts are {most:.0f} of 255 grey levels apart)"
        raise DataError(path, flat, "a digit that stands out from its ground", "draw with more contrast, off the edge")
    found /= most
    found[found < FAINT] = 0
    levels: Grey = np.rint(255 * found).astype(np.uint8)
    return levels


def normalised(found: Grey) -> Grey:
    """Return the ink of any size as MNIST has it, (28, 28)."""
    rows, columns = np.nonzero(found >= STROKE * 255)
    digit = found[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = digit.shape
    scale = BOX / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    scaled = np.asarray(Image.fromarray(digit).resize(size, Image.Resampling.LANCZOS), np.float32)
    scaled *= 255 / scaled.max()  # a thin line has become faint
    picture = np.zeros((SIDE, SIDE), np.uint8)
    top, left = (
        min(max(0, math.floor(SIDE / 2 - mass + 0.5)), SIDE - length)
        for mass, length in zip(center_of_mass(scaled), scaled.shape, strict=True)
    )
    picture[top : top + scaled.shape[0], left : left + scaled.shape[1]] = np.rint(scaled)
    return picture
