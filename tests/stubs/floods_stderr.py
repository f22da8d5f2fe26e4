"""Crashes: after a megabyte of complaints."""

import sys

from impls.numpy_scratch import Network as Scratch
from shared.interface import Array, Labels


class Network(Scratch):
    def train(self, x: Array, y: Labels, order: Labels) -> None:
        for i in range(1 << 14):
            print(f"complaint {i:05} ".ljust(63, "."), file=sys.stderr)
        raise RuntimeError("planted after a flood")
