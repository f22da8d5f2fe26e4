"""Wrong: the biases have the right gradients, and stay as they are."""

from impls.numpy_scratch import Network as Scratch
from shared.interface import Array, Labels


class Network(Scratch):
    def step(self, x: Array, y: Array, i: Labels) -> None:
        before = [b.copy() for _, b in self.layers]
        super().step(x, y, i)
        for (_, b), kept in zip(self.layers, before, strict=True):
            b[:] = kept
