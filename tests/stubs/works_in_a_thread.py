"""Right; lets another thread spend 20 ms of CPU time whenever it trains."""

import threading
import time

from impls.numpy_scratch import Network as Scratch
from shared.interface import Labels


def spend() -> None:
    end = time.thread_time_ns() + 20_000_000
    while time.thread_time_ns() < end:
        pass


class Network(Scratch):
    def train(self, order: Labels) -> None:
        other = threading.Thread(target=spend)
        other.start()
        other.join()
        super().train(order)
