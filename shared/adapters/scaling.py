"""What is done to the pixels of images, as a factor and a summand, and in words."""

from typing import Final, NamedTuple

import numpy as np

from shared.interface import Array
from shared.spec import MEAN, STANDARD_DEVIATION

CLOSE: Final = 1e-5


class Scaling(NamedTuple):
    """What a pixel from 0 to 1 becomes: times a factor, plus a summand."""

    factor: float = 1.0
    summand: float = 0.0

    @property
    def is_nothing(self) -> bool:
        """Whether the pixels stay as they are."""
        return bool(np.allclose(self, Scaling(), atol=CLOSE))

    def undone(self, values: Array) -> Array:
        """Return what becomes these values."""
        return values if self.is_nothing else (values - self.summand) / self.factor

    def words(self) -> str:
        """Return what it does."""
        for words, known in KNOWN.items():
            if np.allclose(self, known, rtol=1e-3):
                return words
        ends = (self.summand, self.factor + self.summand)
        low, high = (0.0 if abs(each) < CLOSE * abs(self.factor) else each for each in ends)
        return f"pixels from {low:.4g} to {high:.4g}"


KNOWN: Final = {
    "pixels from 0 to 1": Scaling(),
    "pixels from 0 to 255, which nothing divides": Scaling(255),
    "pixels from 0 to 16, which nothing divides": Scaling(16),
    "pixels from -1 to 1": Scaling(2, -1),
    "pixels divided by 255 that are already from 0 to 1": Scaling(1 / 255),
    "pixels standardised by MNIST's mean and deviation": Scaling(1 / STANDARD_DEVIATION, -MEAN / STANDARD_DEVIATION),
}


def scaling_of(before: Array, after: Array) -> Scaling | None:
    """Return the scaling that makes one array of the other, each (n, size); None if none does."""
    if before.size != after.size or not np.isfinite(after).all():
        return None
    a, b = np.ravel(before).astype(float), np.ravel(after).astype(float)
    factor, summand = (float(each) for each in np.polyfit(a, b, 1))
    is_close = np.linalg.norm(factor * a + summand - b) <= CLOSE * (np.linalg.norm(b) or 1)
    return Scaling(factor, summand) if is_close and factor else None
