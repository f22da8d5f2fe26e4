"""Never ends: waits in silence, and cannot be asked to stop; says so in the file $SAMEGRAD_TEST_HANGS."""

import os
import signal
import time

from impls.numpy_scratch import Network as Scratch
from shared.interface import Labels
from tests.stubs.hanging import hangs


class Network(Scratch):
    def train(self, order: Labels) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        hangs(os.environ["SAMEGRAD_TEST_HANGS"])
        time.sleep(1_000_000)
