"""The outputs of every implementation for an image: ten activations side by side, the digit, and whether they agree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.data.photo import Grey
from shared.evaluation import predicted_digits
from shared.interface import Array
from shared.report import numbers
from shared.report.document import Document, Table

INK: Final = " .:-=+*#%@"
"""From no ink to full ink."""
ROWS_A_LINE: Final = 2
"""Rows of pixels per line: a character is twice as high as it is wide."""


@dataclass(frozen=True)
class Row:
    """The outputs of one implementation for one image."""

    image: str
    implementation: str
    digit: int
    activations: list[float]


def sketch(picture: Grey) -> str:
    """Return an image as characters, 28 wide and 14 high."""
    height, width = picture.shape
    pairs = picture.reshape(height // ROWS_A_LINE, ROWS_A_LINE, width).mean(axis=1)
    levels = np.rint(pairs / 255 * (len(INK) - 1)).astype(int)
    return "\n".join("".join(INK[level] for level in line).rstrip() for line in levels)


def document(
    images: Sequence[str], activations: Mapping[str, Array], heading: Sequence[str], remarks: Sequence[str]
) -> Document:
    """Return a table for each image: a line for each digit, a column for each implementation."""
    digits = {name: predicted_digits(a) for name, a in activations.items()}
    tables, rows = [], []
    for k, image in enumerate(images):
        columns = [_column(a[k]) for a in activations.values()]
        lines = [[str(digit), *cells] for digit, cells in enumerate(zip(*columns, strict=True))]
        lines.append(["digit", *(str(found[k]) for found in digits.values())])
        tables.append(Table(["activation", *activations], lines, image, [_comparison(k, digits, activations)]))
        rows += [Row(image, name, int(digits[name][k]), [float(v) for v in a[k]]) for name, a in activations.items()]
    return Document(list(heading), tables, list(remarks), rows)


def _column(activations: Array) -> list[str]:
    """Return the ten activations, with a mark at the largest."""
    largest = int(activations.argmax())
    return [f"> {value:.3f}" if digit == largest else f"{value:.3f}" for digit, value in enumerate(activations)]


def _comparison(k: int, digits: Mapping[str, NDArray[np.uint8]], activations: Mapping[str, Array]) -> str:
    """Return whether all agree on image k, and how far apart their activations are, as text."""
    said = {name: int(found[k]) for name, found in digits.items()}
    if not said:
        return "no implementation gave an answer"
    every = np.array([a[k] for a in activations.values()])
    apart = f"activations differ by at most {numbers.error(float(np.ptp(every, axis=0).max()))}"
    if len(said) == 1:
        return f"{next(iter(said))} says {next(iter(said.values()))}"
    if len(set(said.values())) == 1:
        return f"all {len(said)} say {next(iter(said.values()))}; {apart}"
    by_digit = {d: ", ".join(name for name in said if said[name] == d) for d in sorted(set(said.values()))}
    return f"THEY DIFFER: {'; '.join(f'{names} say {d}' for d, names in by_digit.items())}; {apart}"
