"""Crashes: as if the machine had run out of memory."""

import os
import signal

from impls.numpy_scratch import Network as Scratch
from shared.interface import Array, Labels


class Network(Scratch):
    def train(self, x: Array, y: Labels, order: Labels) -> None:
        os.kill(os.getpid(), signal.SIGKILL)
