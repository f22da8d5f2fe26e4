"""tensorflow_keras, but images are flattened as Keras does it: the permutation of the weights is forgotten."""

from impls import tensorflow_keras
from impls.tensorflow_keras import set_threads as set_threads
from shared.interface import Array, Parameters
from shared.layers import Shape


def to_keras(W: Array, image: Shape) -> Array:
    return tensorflow_keras.to_keras(W, image[:1])


class Network(tensorflow_keras.Network):
    def reset(self, parameters: Parameters) -> None:
        super().reset(parameters)
        for variable, (name, given) in zip(self.model.trainable_variables, parameters.items(), strict=True):
            variable.assign(to_keras(given, self.image(name)))

    def to_parameters(self, theta):  # type: ignore[no-untyped-def]
        pairs = zip(self.spec.parameter_shapes.items(), theta, strict=True)
        return {
            name: tensorflow_keras.from_keras(tensor.numpy(), shape, self.image(name)[:1])
            for (name, shape), tensor in pairs
        }
