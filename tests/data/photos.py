"""Photographs of digits, good and bad, made from the digits of the bundled data set."""

from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Page = NDArray[np.float64]
"""Brightness from 0 to 1."""
PAPER: Final = 0.9
SIDE: Final = 240
DIGIT: Final = 130


class Photo(NamedTuple):
    """How to make a kind of photograph."""

    make: Callable[[Page, Page, np.random.Generator], Page]
    """from the ink of two digits, 28x28 from 0 to 1; the second is used by few"""
    digits: int
    """how many digits are to be seen"""
    warns: bool | None = None
    """whether there must be a warning, or must be none; None if either is right"""


def drawn(
    ink: Page, side: int = SIDE, height: int = DIGIT, at: tuple[int, int] | None = None, dark: float = 0.8
) -> Page:
    """Paper with a digit."""
    page = np.full((side, side), PAPER)
    put(page, ink, height, at, dark)
    return page


def put(page: Page, ink: Page, height: int, at: tuple[int, int] | None = None, dark: float = 0.8) -> None:
    """Draw a digit on a page, in its middle or at a place; what lies outside is cut off."""
    large = Image.fromarray(np.rint(255 * ink).astype(np.uint8)).resize((height, height), Image.Resampling.BICUBIC)
    found = np.asarray(large, np.float64) / 255
    top, left = at or ((page.shape[0] - height) // 2, (page.shape[1] - height) // 2)
    found = found[max(0, -top) :, max(0, -left) :]
    part = page[max(0, top) :, max(0, left) :][: found.shape[0], : found.shape[1]]
    part *= 1 - dark * found[: part.shape[0], : part.shape[1]]


def places(page: Page) -> tuple[Page, Page]:
    """The row and the column of each pixel, from 0 to 1."""
    rows, columns = np.mgrid[: page.shape[0], : page.shape[1]].astype(float)
    return rows / (page.shape[0] - 1), columns / (page.shape[1] - 1)


def step(distance: Page, width: float) -> Page:
    """0 on one side, 1 on the other, with an edge of a width."""
    return np.clip(distance / width + 0.5, 0, 1)


def corner_shadow(page: Page, depth: float = 0.55, edge: float = 0.08) -> Page:
    rows, columns = places(page)
    return page * (1 - depth * step(rows + columns - 1.35, edge))


def shadow_across(page: Page) -> Page:
    rows, columns = places(page)
    return page * (1 - 0.45 * step(rows - 0.3 * columns - 0.4, 0.02))


def frame(page: Page, width: float, level: float = 0.15) -> Page:
    rows, columns = places(page)
    inside = np.minimum(np.minimum(rows, 1 - rows), np.minimum(columns, 1 - columns)) - width
    return np.where(inside < 0, level, page)


def tilted(page: Page) -> Page:
    """The table is to be seen beside the paper."""
    rows, columns = places(page)
    return np.where(columns - 0.2 * rows < 0.08, 0.3, page)


def vignette(page: Page) -> Page:
    rows, columns = places(page)
    return page * (1 - 1.1 * ((rows - 0.5) ** 2 + (columns - 0.5) ** 2))


def gradient(page: Page, darkest: float = 0.3) -> Page:
    rows, columns = places(page)
    return page * (1 - (1 - darkest) * (0.7 * columns + 0.3 * rows))


def noisy(page: Page, rng: np.random.Generator, sigma: float = 0.02) -> Page:
    """As every camera has it."""
    return np.clip(page + rng.normal(0, sigma, page.shape), 0, 1)


def two(one: Page, other: Page) -> Page:
    page = np.full((SIDE, SIDE), PAPER)
    put(page, one, 100, (70, 15))
    put(page, other, 100, (75, 125))
    return page


def blank(side: int = SIDE) -> Page:
    return np.full((side, side), PAPER)


PHOTOS: Final = {
    "clean": Photo(lambda a, _, rng: drawn(a), 1, warns=False),
    "corner shadow": Photo(lambda a, _, rng: noisy(corner_shadow(drawn(a)), rng), 1),
    "sharp corner shadow": Photo(lambda a, _, rng: noisy(corner_shadow(drawn(a), 0.6, 0.005), rng), 1),
    "shadow across": Photo(lambda a, _, rng: noisy(shadow_across(drawn(a)), rng), 1),
    "thin dark frame": Photo(lambda a, _, rng: noisy(frame(drawn(a), 0.03), rng), 1, warns=True),
    "wide dark frame": Photo(lambda a, _, rng: noisy(frame(drawn(a), 0.12), rng), 1, warns=True),
    "vignette": Photo(lambda a, _, rng: noisy(vignette(drawn(a)), rng), 1),
    "gradient light": Photo(lambda a, _, rng: noisy(gradient(drawn(a)), rng), 1, warns=False),
    "noise": Photo(lambda a, _, rng: noisy(drawn(a), rng, 0.1), 1, warns=False),
    "inverted": Photo(lambda a, _, rng: noisy(1 - drawn(a), rng), 1, warns=False),
    "inverted, gradient light": Photo(lambda a, _, rng: noisy(gradient(1 - drawn(a)), rng), 1, warns=False),
    "tilted paper": Photo(lambda a, _, rng: noisy(tilted(drawn(a)), rng), 1, warns=True),
    "small digit": Photo(lambda a, _, rng: noisy(drawn(a, 640, 60, (120, 400)), rng), 1, warns=False),
    "small digit, gradient": Photo(
        lambda a, _, rng: noisy(gradient(drawn(a, 640, 60, (120, 400))), rng), 1, warns=False
    ),
    "pencil": Photo(lambda a, _, rng: noisy(drawn(a, dark=0.3), rng), 1),
    "touches the border": Photo(lambda a, _, rng: noisy(drawn(a, at=(-25, 50)), rng), 0, warns=True),
    "two digits": Photo(lambda a, b, rng: noisy(two(a, b), rng), 2, warns=True),
    "two digits, gradient": Photo(lambda a, b, rng: noisy(gradient(two(a, b)), rng), 2, warns=True),
    "empty page": Photo(lambda a, _, rng: noisy(blank(), rng), 0, warns=True),
    "empty page, noise": Photo(lambda a, _, rng: noisy(blank(), rng, 0.1), 0, warns=True),
    "empty gradient": Photo(lambda a, _, rng: gradient(blank(), 0.1), 0, warns=True),
    "empty vignette": Photo(lambda a, _, rng: noisy(vignette(blank()), rng), 0, warns=True),
    "empty page, shadow": Photo(lambda a, _, rng: noisy(corner_shadow(blank()), rng), 0, warns=True),
    "empty page, frame": Photo(lambda a, _, rng: noisy(frame(blank(), 0.05), rng), 0, warns=True),
}


def photograph(kind: str, ink: Page, other: Page, seed: int) -> Image.Image:
    """A photograph of one or two digits, 28x28 from 0 to 1."""
    page = PHOTOS[kind].make(ink, other, np.random.default_rng(seed))
    return Image.fromarray(np.rint(255 * page).astype(np.uint8))
