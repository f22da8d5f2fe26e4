"""Wrong: sigma'(a) for sigma'(z) in the hidden layer."""

from typing import Any

from impls.numpy_scratch import Network as Scratch
from shared.interface import Array


class Network(Scratch):
    def gradients(self, x: Array, y: Array) -> float:
        right = self.df

        def df(z: Array, a: Array) -> Any:
            return right(a, self.f(a)) if z.shape[1] != self.spec.sizes[-1] else right(z, a)

        self.df = df
        loss = super().gradients(x, y)
        self.df = right
        return loss
