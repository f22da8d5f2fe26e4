"""Wrong: sigma'(a) for sigma'(z) in the hidden layers."""

from collections.abc import Callable

from impls.numpy_scratch import Network as Scratch
from shared.interface import Array, Parameters
from shared.spec import NetworkSpec, TrainingSpec


def of_activation(f: Callable[[Array], Array], df: Callable[[Array, Array], Array]) -> Callable[[Array, Array], Array]:
    return lambda z, a: df(a, f(a))


class Network(Scratch):
    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        super().__init__(spec, training, parameters)
        self.df = (*map(of_activation, self.f[:-1], self.df[:-1]), self.df[-1])
