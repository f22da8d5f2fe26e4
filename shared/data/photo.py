"""The ink of a photograph: what stands out from its ground, and what is wrong with the photograph.

The ground of a good photograph or drawing is one level, that of its border. Where the border has several, because of
shadows, a gradient of the light or a vignette, the ground is estimated at each place: a smooth surface for the light,
and a median over half the picture, which keeps the edges of shadows. What differs from the ground is divided into
parts. Parts at the border, such as a frame, a shadow or the table beside the paper, are left out if there is anything
else. A remark says so, and whatever else makes the digit doubtful.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.data.errors import DataError

Grey = NDArray[np.uint8]
Levels = NDArray[np.float32]
Mask = NDArray[np.bool_]

CONTRAST: Final = 32
"""Minimum difference of grey levels between background and ink."""
LITTLE: Final = 48
"""Less than this is said to be little."""
FAINT: Final = 0.1
"""Ink below this fraction of the darkest is paper: its grain, its shadows, artefacts of JPEG."""
STROKE: Final = 0.25
"""Ink above this fraction of the darkest belongs to the digit when its extent is measured."""
WORKING_SIDE: Final = 1000
"""Pixels; larger images are reduced, which also averages their noise."""
GROUND_SIDE: Final = 48
"""Pixels, of the reduced image from which an uneven ground is estimated."""
WINDOW: Final = 0.5
"""Side of the median's window, of the picture's: more than twice as wide as a stroke, and as shadows are narrow."""
EVEN: Final = (15, 85)
"""Percentiles of the border's levels between which an even ground varies by less than `CONTRAST`."""
EVEN_BELOW_INK: Final = (25, 75)
PAPER: Final = 0.4
"""The same where so much of the picture has the border's level: a digit that fills the picture crosses its border."""
LEAST_INK: Final = 0.1
MOST_INK: Final = 0.6
"""Of a picture that is cropped to its digit."""
NOISE_OF_STROKE: Final = 3
NOISE_OF_DIGIT: Final = 5
NOISE_OF_CLEAR_DIGIT: Final = 8
"""Noise, in standard deviations: what is less is no ink, what is less is no digit, what is less is doubtful."""
SMALL: Final = 100
"""Pixels; smaller images are drawings, which may fill all of it: an even ground, and no frame and no noise."""
LEFT_BY_SMOOTHING: Final = 0.282
"""The noise that a Gaussian of one pixel leaves of that of independent pixels: 1 / (2 sqrt(pi))."""
NOISY: Final = 4
"""Grey levels of noise from which the digit itself is smoothed."""
GAP: Final = 0.08
"""Of the size of the largest part; parts with a narrower gap are one, such as a 5 and its flag."""
PART: Final = 0.1
"""Of the area of the largest part; what is smaller is a speck."""
EXTENT: Final = 0.03
"""Of the picture; a digit is larger."""

CUT_OFF: Final = "the ink touches the border, so the digit may be cut off"
LEFT_OUT: Final = "what touches the border was left out: a frame, a shadow, or another digit"
FRAMED: Final = "the picture has a frame, and was cut to what is inside"
SEVERAL: Final = "{} separate parts are seen as one digit; there may be more than one digit"
REVERSED: Final = "it is not clear whether the ink is dark or light"
STANDS_OUT_LITTLE: Final = "little stands out from the background, so what is seen may be no digit"


class Ink(NamedTuple):
    """The ink of each pixel, (height, width), at most 255, and what makes it doubtful."""

    levels: Grey
    remarks: tuple[str, ...] = ()


class _Part(NamedTuple):
    """Connected ink, or pieces with narrow gaps."""

    mask: Mask
    area: int
    box: tuple[slice, slice]
    sides: int
    """how many sides of the picture it touches"""

    @property
    def extent(self) -> int:
        """The larger side of its box."""
        return max(int(s.stop - s.start) for s in self.box)


def find(grey: Levels, path: Path | str) -> Ink:
    """Return the ink of a picture.

    Parameters
    ----------
    grey : (height, width), from 0 to 255.

    Raises
    ------
    DataError
        If nothing stands out from the background.
    """
    grey = _reduced(grey, WORKING_SIDE)
    ground = _border_level(grey)
    if ground is None and (cropped := _cropped_to_ink(grey, path)):
        return cropped
    found = _ink(grey, ground, path)
    if ground is None and _is_reversed(grey, found.levels):
        return Ink(found.levels, (*found.remarks, REVERSED))
    if ground is not None and min(grey.shape) >= SMALL and (inside := _inside_frame(found.levels)):
        inner = grey[inside]
        cut = _ink(inner, _border_level(inner), path)
        return Ink(cut.levels, (FRAMED, *cut.remarks))
    return found


def _is_reversed(grey: Levels, levels: Grey) -> bool:
    """Return whether the ink is light above its own ground and dark above the border's, or the reverse."""
    difference = grey - np.float32(np.median(_border(grey)))
    mask = levels >= STROKE * 255
    is_dark = bool(grey[mask].mean() < grey[~mask].mean())
    fills = mask.mean() >= LEAST_INK  # beside a small digit, the light differs more than the ink
    return bool(fills and is_dark != (_towards_ink(difference) is not difference))


def _cropped_to_ink(grey: Levels, path: Path | str) -> Ink | None:
    """Return the ink of a picture that is cropped to its digit, which makes the border uneven; None if it is not.

    Above an even ground there is then one part, and it touches all four sides.
    """
    try:
        found = _ink(grey, float(np.median(_border(grey))), path)
    except DataError:
        return None
    mask = found.levels >= STROKE * 255
    fills = all(end.any() for end in (mask[0], mask[-1], mask[:, 0], mask[:, -1])) and mask.mean() < MOST_INK
    return found if fills and found.remarks == (CUT_OFF,) else None


def _ink(grey: Levels, ground: float | None, path: Path | str) -> Ink:
    from scipy.ndimage import binary_dilation, gaussian_filter

    raw = _above_uneven_ground(grey) if ground is None else _towards_ink(grey - np.float32(ground))
    noise, smooth, is_noisy = 0.0, raw, False
    if min(raw.shape) >= SMALL:
        noise, smooth = _noise(raw), gaussian_filter(raw, 1)
        is_noisy = noise > NOISY
        noise *= LEFT_BY_SMOOTHING
    contrast = smooth.clip(min=0)
    kept, remarks = _digit(contrast, noise, path)
    mask = np.any([part.mask for part in kept], axis=0)
    strength = float(np.median(contrast[mask]))
    if strength < NOISE_OF_DIGIT * noise:
        raise _nothing(path, f"what stands out, by {strength:.0f} of 255 grey levels, is noise")
    if strength < max(LITTLE, NOISE_OF_CLEAR_DIGIT * noise):
        remarks.append(STANDS_OUT_LITTLE)
    reach = _reach(kept[0])
    near = mask if min(mask.shape) < 2 else binary_dilation(mask, iterations=1 + reach)
    shown = np.where(near, contrast if is_noisy else raw.clip(min=0), 0)
    shown /= shown.max()
    shown[shown < FAINT] = 0
    return Ink(np.rint(255 * shown).astype(np.uint8), tuple(remarks))


def _nothing(path: Path | str, why: str) -> DataError:
    expected = "a digit that stands out from its background"
    return DataError(path, f"no digit ({why})", expected, "draw with more contrast, away from the edge")


# ---- The ground ----------------------------------------------------------------------------------------


def _reduced(grey: Levels, side: int) -> Levels:
    """Return a picture whose larger side has at most so many pixels."""
    scale = max(grey.shape) / side
    if scale <= 1:
        return grey.astype(np.float32)
    height, width = (max(1, round(length / scale)) for length in grey.shape)
    return np.asarray(Image.fromarray(grey.astype(np.float32)).resize((width, height), Image.Resampling.BOX))


def _border_level(grey: Levels) -> float | None:
    """Return the level of the border; None if it has several, and is not that of a small drawing."""
    if min(grey.shape) < SMALL:
        return float(np.median(_border(grey)))
    small = _reduced(grey, GROUND_SIDE)  # without the noise
    level, border = float(np.median(_border(grey))), _border(small)
    is_paper = float((np.abs(small - level) < CONTRAST / 2).mean()) >= PAPER
    low, high = np.percentile(border, EVEN_BELOW_INK if is_paper else EVEN)
    return level if high - low < CONTRAST else None


def _border(grey: Levels) -> Levels:
    return np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]])


def _towards_ink(difference: Levels) -> Levels:
    """Return a difference from the ground with the sign for which the ink is positive."""
    is_dark = bool(np.square(difference.clip(max=0)).sum() > np.square(difference.clip(min=0)).sum())
    return -difference if is_dark else difference


def _above_uneven_ground(grey: Levels) -> Levels:
    """Return the ink of each pixel, positive, where the ground is a median, of the picture or of what a surface leaves.

    At the edge of a shadow the ground is known to a pixel of the reduced picture: there it is the level next to the
    ink's. Dark ink absorbs a share of the light, so in a shadow it differs less, and is divided by the light.
    """
    from scipy.ndimage import maximum_filter, median_filter, minimum_filter

    small = _reduced(grey, GROUND_SIDE)
    window = [max(1, round(WINDOW * length)) for length in small.shape]
    grounds = [light + median_filter(small - light, window) for light in (np.zeros_like(small), _surface(small))]
    ground = min(grounds, key=lambda each: np.abs(small - each).sum())  # a surface fits gradients, and no shadows
    difference = small - ground
    is_dark = _towards_ink(difference) is not difference
    ground = (minimum_filter if is_dark else maximum_filter)(ground, 3)
    size = grey.shape[1], grey.shape[0]
    level = np.asarray(Image.fromarray(ground).resize(size, Image.Resampling.BILINEAR))
    found = (level - grey) * (np.median(level) / level.clip(min=CONTRAST)) if is_dark else grey - level
    return np.asarray(found, np.float32)


def _surface(grey: Levels) -> Levels:
    """Return a parabolic surface through most of the pixels: those that are far from it are left out, three times."""
    rows, columns = (places.ravel() for places in np.mgrid[-1 : 1 : grey.shape[0] * 1j, -1 : 1 : grey.shape[1] * 1j])
    terms = np.stack([np.ones_like(rows), rows, columns, rows**2, rows * columns, columns**2], axis=1)
    levels, near = grey.ravel().astype(np.float64), np.ones(grey.size, bool)
    fitted = np.zeros_like(levels)
    for _ in range(3):
        fitted = terms @ np.linalg.lstsq(terms[near], levels[near], rcond=None)[0]
        off = np.abs(levels - fitted)
        near = off <= max(1.0, 2 * float(np.median(off)))
    return fitted.reshape(grey.shape).astype(np.float32)


def _noise(raw: Levels) -> float:
    """Return the standard deviation of the noise, from second differences, most of which are at no edge."""
    return 1.4826 * float(np.median(np.abs(np.diff(raw, 2, axis=1)))) / math.sqrt(6)


def _inside_frame(levels: Grey) -> tuple[slice, slice] | None:
    """Return the inside of a frame, if the ink is a filled area: the paper on a dark table; None if it is a digit."""
    from scipy.ndimage import binary_fill_holes

    mask = levels >= STROKE * 255
    box = _box(mask)
    height, width = (s.stop - s.start for s in box)
    if min(height, width) < 0.3 * min(mask.shape) or not 0.4 < height / width < 2.5:
        return None
    inside = mask[box]
    if inside.mean() < 0.6 or binary_fill_holes(inside).mean() < 0.85:
        return None
    rows, columns = box
    edge = [max(2, round(0.04 * length)) for length in (height, width)]
    return slice(rows.start + edge[0], rows.stop - edge[0]), slice(columns.start + edge[1], columns.stop - edge[1])


# ---- The parts -----------------------------------------------------------------------------------------


def _digit(contrast: Levels, noise: float, path: Path | str) -> tuple[list[_Part], list[str]]:
    """Return the parts that are the digit, the largest first, and remarks; parts at the border are erased."""
    remarks = []
    while True:
        most = float(contrast.max(initial=0))
        if most < CONTRAST:
            raise _nothing(path, f"the darkest and lightest parts differ by {most:.0f} of 255 grey levels")
        parts = list(_parts(contrast >= max(STROKE * most, NOISE_OF_STROKE * noise)))
        if not parts:
            raise _nothing(path, "what stands out is noise")
        inner, outer = ([p for p in parts if (p.sides > 0) == is_outer] for is_outer in (False, True))
        inner = [p for p in inner if p.extent >= EXTENT * max(contrast.shape)]
        largest = max((p.area for p in inner), default=0)
        dropped = [p for p in outer if p.sides > 1 or p.area < largest]
        if not dropped or not inner:
            break
        for part in dropped:
            contrast[part.mask] = 0
        remarks = [LEFT_OUT]
    parts = sorted(parts, key=lambda p: -p.area)
    kept = [p for p in parts if p.area >= PART * parts[0].area]
    if any(p.sides for p in kept):
        remarks.append(CUT_OFF)
    if len(kept) > 1:
        remarks.append(SEVERAL.format(len(kept)))
    return kept, remarks


def _parts(mask: Mask) -> Iterator[_Part]:
    """Yield the parts of a mask; pieces with a gap that is narrow beside the largest are one part."""
    from scipy.ndimage import binary_dilation, find_objects, label

    around = np.ones((3, 3), bool)
    pieces, n = label(mask, around)
    if not n:
        return
    largest = int(np.bincount(pieces.ravel())[1:].argmax()) + 1
    reach = _reach(_part(pieces == largest))
    joined, _ = label(binary_dilation(mask, around, iterations=reach) if reach else mask, around)
    joined[~mask] = 0
    for number, box in enumerate(find_objects(joined), 1):
        if box is not None:
            yield _part(joined == number)


def _part(mask: Mask) -> _Part:
    ends = mask[0], mask[-1], mask[:, 0], mask[:, -1]
    return _Part(mask, int(mask.sum()), _box(mask), sum(bool(end.any()) for end in ends))


def _reach(part: _Part) -> int:
    """Return half the gap over which pieces are one part, in pixels."""
    return int(GAP * part.extent / 2)


def _box(mask: Mask) -> tuple[slice, slice]:
    rows, columns = np.nonzero(mask)
    return slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)
