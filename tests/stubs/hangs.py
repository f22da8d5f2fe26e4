"""Never ends: waits in silence, and cannot be asked to stop; says so in the file $SAMEGRAD_TEST_HANGS."""

import os
import signal
import time
from pathlib import Path

from impls.numpy_scratch import Network as Scratch
from shared.interface import Labels


class Network(Scratch):
    def train(self, order: Labels) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        Path(os.environ["SAMEGRAD_TEST_HANGS"]).write_text("hangs")
        time.sleep(1_000_000)
