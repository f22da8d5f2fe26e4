"""Activations and losses whose derivative is shorter, or numerically safer, than that of their parts."""

import numpy as np

from minitorch.tensor import Array, Tensor


def sigmoid(z: Tensor) -> Tensor:
    """1 / (1 + exp(-z)), elementwise."""
    a = 1 / (1 + np.exp(-np.maximum(z.data, -88)))  # exp(88) is the last below float32's maximum
    return Tensor.computed(a, (z,), lambda g: (g * a * (1 - a),))


def tanh(z: Tensor) -> Tensor:
    """Return tanh(z), elementwise."""
    a = np.tanh(z.data)
    return Tensor.computed(a, (z,), lambda g: (g * (1 - a * a),))


def relu(z: Tensor) -> Tensor:
    """max(z, 0), elementwise; its derivative at 0 is 0."""
    return leaky_relu(z, 0.0)


def leaky_relu(z: Tensor, slope: float) -> Tensor:
    """Return z where z > 0, else slope z; its derivative at 0 is the slope."""
    positive = z.data > 0
    a = np.where(positive, z.data, slope * z.data)
    return Tensor.computed(a, (z,), lambda g: (np.where(positive, g, slope * g),))


def log_softmax(z: Tensor) -> Tensor:
    """(n, classes) -> the logarithm of each row's softmax, shifted by the row's maximum so that exp cannot overflow."""
    shifted = z.data - z.data.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    def pullback(g: Array) -> tuple[Array]:
        return (g - np.exp(log_p) * g.sum(axis=1, keepdims=True),)

    return Tensor.computed(log_p, (z,), pullback)


def softmax(z: Tensor) -> Tensor:
    """(n, classes) -> each row's exp(z) / sum exp(z)."""
    return log_softmax(z).exp()


def cross_entropy(z: Tensor, y: Tensor) -> Tensor:
    """Z and one-hot y, (n, classes) -> -1/n sum y log softmax(z)."""
    return -(log_softmax(z) * y).sum() / len(y)


def binary_cross_entropy(z: Tensor, y: Tensor) -> Tensor:
    """Z and y from 0 to 1, (n, classes) -> -1/n sum [y log a + (1 - y) log(1 - a)], a = sigmoid(z).

    As a function of z it is 1/n sum [log(1 + exp(z)) - y z], in a form where exp cannot overflow and nothing cancels.
    """
    a, n = sigmoid(Tensor(z.data)).data, len(y)
    terms = np.maximum(z.data, 0) - y.data * z.data + np.log1p(np.exp(-np.abs(z.data)))

    def pullback(g: Array) -> tuple[Array, Array]:
        return g * (a - y.data) / n, -g * z.data / n

    return Tensor.computed(np.asarray(terms.sum() / n), (z, y), pullback)
