"""Writes a line into the file of its progress that says nothing."""

import sys

from impls.numpy_scratch import Network as Scratch
from shared.interface import Labels


class Network(Scratch):
    def train(self, order: Labels) -> None:
        with open(sys.argv[1].removesuffix(".job.json") + ".progress.jsonl", "a") as file:  # noqa: PTH123
            file.write('{"stage": ["epochs"], "seconds": NaN}\n')
        super().train(order)
