"""Crashes: as if the machine had run out of memory."""

import os
import signal

from impls.numpy_scratch import Network as Scratch
from shared.interface import Labels


class Network(Scratch):
    def train(self, order: Labels) -> None:
        os.kill(os.getpid(), signal.SIGKILL)
