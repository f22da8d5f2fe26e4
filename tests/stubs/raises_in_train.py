"""Crashes: an exception."""

from impls.numpy_scratch import Network as Scratch
from shared.interface import Labels


class Network(Scratch):
    def train(self, order: Labels) -> None:
        raise RuntimeError("planted exception")
