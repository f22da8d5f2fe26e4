"""Does what it should as a sample, and in its turns what $SAMEGRAD_TEST_TURNS says."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from impls.numpy_scratch import Network as Scratch
from impls.numpy_scratch import set_threads as honest
from shared.interface import Array, Labels
from tests.stubs.hanging import hangs

IN_TURNS = getattr(sys.modules["__main__"].__spec__, "name", "") == "shared.processes.calls"
MODE = os.environ.get("SAMEGRAD_TEST_TURNS", "") if IN_TURNS else ""


def set_threads(n: int) -> dict[str, int]:
    return honest(n) | ({"library": 4} if MODE == "says other threads" else {})


class Network(Scratch):
    calls = 0

    def load(self, x: Array, y: Labels) -> None:
        if MODE == "raises at once":
            raise RuntimeError("planted exception")
        super().load(x, y)

    def train(self, order: Labels) -> None:
        Network.calls += 1  # the network is built anew in the middle
        if Network.calls > 50:
            if MODE == "crashes":
                os.kill(os.getpid(), signal.SIGSEGV)
            if MODE == "hangs":
                hangs(os.environ["SAMEGRAD_TEST_HANGS"])
                time.sleep(1_000_000)
            if MODE == "sleeps":
                child = subprocess.Popen(["sleep", "1000000"])
                marker = Path(os.environ["SAMEGRAD_TEST_MARKER"])
                marker.with_suffix(".tmp").write_text(f"{os.getpid()} {child.pid}")
                marker.with_suffix(".tmp").replace(marker)
                time.sleep(1_000_000)
        if MODE != "does nothing":
            super().train(order)
