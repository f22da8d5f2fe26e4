"""Crashes: after 50 megabytes of complaints."""

import sys

from impls.numpy_scratch import Network as Scratch
from shared.interface import Labels


class Network(Scratch):
    def train(self, order: Labels) -> None:
        for i in range(50 << 10):
            print(f"complaint {i:05} ".ljust(1023, "."), file=sys.stderr)
        raise RuntimeError("planted after a flood")
