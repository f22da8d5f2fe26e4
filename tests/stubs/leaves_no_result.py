"""Crashes: leaves the process by itself, with a status that says that all is well."""

import os

from impls.numpy_scratch import Network as Scratch
from shared.interface import Array, Labels


class Network(Scratch):
    def train(self, x: Array, y: Labels, order: Labels) -> None:
        os._exit(0)
