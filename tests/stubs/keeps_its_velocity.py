"""Wrong: `reset` takes the parameters, and goes on with the optimizer that it has."""

from impls.numpy_scratch import Network as Scratch
from shared.interface import Parameters


class Network(Scratch):
    def reset(self, parameters: Parameters) -> None:
        kept = getattr(self, "optimizer", None)
        super().reset(parameters)
        self.optimizer = kept or self.optimizer
