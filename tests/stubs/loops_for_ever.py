"""Never ends: works and works."""

from impls.numpy_scratch import Network as Scratch
from shared.interface import Array, Labels


class Network(Scratch):
    def train(self, x: Array, y: Labels, order: Labels) -> None:
        while True:
            super().train(x, y, order)
