"""The whole training set comes with every call of `train`, as it did once."""

from impls.numpy_scratch import Network as Scratch


class Network:
    def __init__(self, spec, training, parameters):  # type: ignore[no-untyped-def]
        self.scratch = Scratch(spec, training, parameters)

    def train(self, x, y, order):  # type: ignore[no-untyped-def]
        self.scratch.load(x, y)
        self.scratch.train(order)
