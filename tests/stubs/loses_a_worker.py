"""Its second worker is killed in the middle of training; who the workers are stands in $SAMEGRAD_TEST_MARKER."""

import os
import signal
from pathlib import Path

from impls import numpy_workers
from shared.interface import Array, Labels


class Network(numpy_workers.Network):
    def train(self, order: Labels) -> None:
        if self.team.rank == 0:
            processes = [os.getpid(), *(process.pid for process in self.team._processes)]
            Path(os.environ["SAMEGRAD_TEST_MARKER"]).write_text(" ".join(map(str, processes)))
        super().train(order)

    def step(self, x: Array, y: Array, i: Labels) -> None:
        super().step(x, y, i)
        if self.team.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
