"""The pictures of a page: hard images, weights of neurons, and what the layers make of an image."""

import base64
import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.record.schema import Record

SIDE: Final = 28
GAP: Final = 0
"""The level between neurons, which is transparent."""
COLUMNS: Final = 6
"""Neurons per row."""
LESS, MORE = (178, 24, 43), (33, 102, 172)
"""Colours of weights below and above 0, from ColorBrewer's RdBu, which suits colour-blind readers; white is 0."""


@dataclass(frozen=True)
class Bar:
    """An activation, as a bar."""

    digit: int
    value: float | None
    """None if it is not a number"""
    largest: bool


@dataclass(frozen=True)
class Shown:
    """An image with the outputs of the implementations."""

    index: int
    label: int
    wrong: int
    """number of samples that get it wrong"""
    source: str
    """data: URL of the picture"""
    activations: dict[str, list[Bar]]


def images(record: Record, kind: str) -> list[Shown]:
    """Return the images of a kind, "hard" or "split", in the record of a run."""
    return [
        Shown(
            image["index"],
            image["label"],
            image["wrong"],
            png(Image.fromarray(255 - as_bytes(image["pixels"]).reshape(SIDE, SIDE))),
            {name: _bars(values) for name, values in image["activations"].items()},
        )
        for image in (record["gallery"]["hard" if kind == "hard" else "split"] if "gallery" in record else [])
    ]


def _bars(values: list[float | None]) -> list[Bar]:
    known = [-math.inf if value is None else value for value in values]
    largest = known.index(max(known))
    return [Bar(digit, value, digit == largest) for digit, value in enumerate(values)]


def weights(record: Record) -> Mapping[str, str]:
    """Return for each implementation a picture of its hidden neurons' weights, as the data: URL of a PNG."""
    found = record["gallery"]["weights"] if "gallery" in record else {}
    return {name: png(sheet(as_bytes(kept["levels"]), kept["neurons"])) for name, kept in found.items()}


@dataclass(frozen=True)
class Maps:
    """What a layer makes of an image."""

    title: str
    channels: int
    shown: int
    source: str
    """data: URL of the picture"""


def maps(record: Record) -> list[Maps]:
    """Return the feature maps of a record, layer by layer; none for a network without convolutions."""
    layers = record["gallery"]["maps"]["layers"] if "maps" in record.get("gallery", {}) else []
    return [
        Maps(kept["title"], kept["channels"], kept["shape"][0], png(_grid(as_bytes(kept["levels"]), kept["shape"], 8)))
        for kept in layers
    ]


def sheet(levels: NDArray[np.uint8], neurons: int) -> Image.Image:
    """Return the weights of neurons as a grid of squares; those of a kernel, or of a smaller image, are enlarged."""
    side = math.isqrt(levels.size // neurons)
    squares = levels.reshape(neurons, -1)[:, : side * side]
    return _grid(squares, (neurons, side, side), COLUMNS)


def _grid(levels: NDArray[np.uint8], shape: Sequence[int], columns: int) -> Image.Image:
    """Return images (n, height, width) as tiles of 28x28 pixels, row by row, with gaps between."""
    n, height, width = shape
    rows, step = math.ceil(n / columns), SIDE + 2
    down, across = np.arange(SIDE) * height // SIDE, np.arange(SIDE) * width // SIDE
    grid = np.zeros((rows * step, min(columns, n) * step), np.uint8)
    for k, tile in enumerate(levels.reshape(n, height, width)):
        top, left = k // columns * step + 1, k % columns * step + 1
        grid[top : top + SIDE, left : left + SIDE] = tile[down][:, across]
    picture = Image.fromarray(grid, "P")
    picture.putpalette(palette().tobytes())
    picture.info["transparency"] = GAP
    return picture


def palette() -> NDArray[np.uint8]:
    """Return the colour of each level, (256, 3): from 1, the smallest weight, to 128, zero, to 255, the largest."""
    value = (np.arange(256) - 128)[:, None] / 127
    colour = np.where(value < 0, LESS, MORE)
    strength = np.abs(value).clip(0, 1)
    levels: NDArray[np.uint8] = np.rint(255 * (1 - strength) + colour * strength).astype(np.uint8)
    return levels


def as_bytes(text: str) -> NDArray[np.uint8]:
    """Return what a record keeps in base64."""
    return np.frombuffer(base64.b64decode(text), np.uint8)


def png(picture: Image.Image) -> str:
    """Return a picture as the data: URL of a PNG."""
    file = io.BytesIO()
    picture.save(file, format="PNG", optimize=True)
    return f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode('ascii')}"
