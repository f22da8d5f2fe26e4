"""Never ends: works and works; says so in the file $SAMEGRAD_TEST_HANGS."""

import os
from pathlib import Path

from impls.numpy_scratch import Network as Scratch
from shared.interface import Labels


class Network(Scratch):
    def train(self, order: Labels) -> None:
        Path(os.environ["SAMEGRAD_TEST_HANGS"]).write_text("loops")
        while True:
            super().train(order)
