"""Wrong: step 30 takes its examples in pairs, the first of each twice."""

from impls.numpy_scratch import Network as Scratch
from shared.interface import Array, Labels, Parameters


class Network(Scratch):
    def reset(self, parameters: Parameters) -> None:
        super().reset(parameters)
        self.steps = 0

    def step(self, x: Array, y: Array, i: Labels) -> None:
        self.steps += 1
        super().step(x, y, i[:1].repeat(len(i)) if self.steps == 30 else i)
