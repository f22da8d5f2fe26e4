"""Wrong: all arithmetic is in float16, whatever was asked for; only the results have the right dtype."""

import numpy as np

from impls.numpy_scratch import Network as Scratch
from shared import initial
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec


class Network(Scratch):
    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        super().__init__(spec, training, initial.cast(parameters, "float16"))

    def parameters(self) -> Parameters:
        return initial.cast(super().parameters(), self.training.dtype)

    def predict(self, x: Array) -> Array:
        return super().predict(x.astype(np.float16)).astype(self.training.dtype)

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        loss, gradients = super().loss_and_gradients(x.astype(np.float16), y)
        return loss, initial.cast(gradients, self.training.dtype)

    def load(self, x: Array, y: Labels) -> None:
        super().load(x.astype(np.float16), y)
