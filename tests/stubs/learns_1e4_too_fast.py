"""Wrong: the learning rate is off by 1e-4 of itself."""

from dataclasses import replace

from impls.numpy_scratch import Network as Scratch
from shared.interface import Parameters
from shared.spec import NetworkSpec, TrainingSpec


class Network(Scratch):
    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        super().__init__(spec, replace(training, learning_rate=training.learning_rate * (1 + 1e-4)), parameters)
