"""Right: the examples of a batch are summed the other way round, so that only rounding differs."""

from impls.numpy_scratch import Network as Scratch
from shared.interface import Array


class Network(Scratch):
    def gradients(self, x: Array, y: Array, n: int) -> float:
        return super().gradients(x[::-1], y[::-1], n)
