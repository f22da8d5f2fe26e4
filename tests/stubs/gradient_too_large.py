"""Wrong: every gradient is a thousandth too large."""

from impls.numpy_scratch import Network as Scratch
from shared.interface import Array


class Network(Scratch):
    def gradients(self, x: Array, y: Array, n: int) -> float:
        loss = super().gradients(x, y, n)
        self.g *= 1.001
        return loss
