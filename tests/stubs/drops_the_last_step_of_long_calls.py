"""Leaves out the last step of a long call."""

from impls.numpy_scratch import Network as Scratch
from shared.interface import Labels


class Network(Scratch):
    def train(self, order: Labels) -> None:
        super().train(order[:-7] if len(order) > 1000 else order)
