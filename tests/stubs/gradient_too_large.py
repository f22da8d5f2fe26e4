"""Wrong: every gradient is a thousandth too large."""

from impls.numpy_scratch import Network as Scratch
from shared.interface import Array


class Network(Scratch):
    def gradients(self, x: Array, y: Array) -> float:
        loss = super().gradients(x, y)
        self.g *= 1.001
        return loss
