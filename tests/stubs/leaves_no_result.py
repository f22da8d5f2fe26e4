"""Crashes: leaves the process by itself, with a status that says that all is well."""

import os

from impls.numpy_scratch import Network as Scratch
from shared.interface import Labels


class Network(Scratch):
    def train(self, order: Labels) -> None:
        os._exit(0)
