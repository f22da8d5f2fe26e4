"""Activations and losses whose derivative is shorter, or numerically safer, than that of their parts."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

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


def cross_entropy(z: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    """Z and one-hot y, (n, classes) -> -1/n sum y log softmax(z), with reduction="sum" without the 1/n."""
    total = -(log_softmax(z) * y).sum()
    return total if reduction == "sum" else total / len(y)


def binary_cross_entropy(z: Tensor, y: Tensor, reduction: str = "mean") -> Tensor:
    """Z and y from 0 to 1, (n, classes) -> -1/n sum [y log a + (1 - y) log(1 - a)], a = sigmoid(z).

    With reduction="sum" it is without the 1/n. As a function of z it is 1/n sum [log(1 + exp(z)) - y z], in a form
    where exp cannot overflow and nothing cancels.
    """
    a, n = sigmoid(Tensor(z.data)).data, 1 if reduction == "sum" else len(y)
    terms = np.maximum(z.data, 0) - y.data * z.data + np.log1p(np.exp(-np.abs(z.data)))

    def pullback(g: Array) -> tuple[Array, Array]:
        return g * (a - y.data) / n, -g * z.data / n

    return Tensor.computed(np.asarray(terms.sum() / n), (z, y), pullback)


def patches(a: Array, k: int) -> Array:
    """(n, c, height, width) -> (n height width, c k k): the k x k values around each place, with zeros at the rim."""
    p = k // 2
    windows = sliding_window_view(np.pad(a, ((0, 0), (0, 0), (p, p), (p, p))), (k, k), axis=(2, 3))
    return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, a.shape[1] * k * k)


def conv2d(x: Tensor, weight: Tensor) -> Tensor:
    """(n, c_in, height, width) and (c_out, c_in, k, k) -> (n, c_out, height, width); stride 1, zeros around x, k odd.

    It is a matrix product of the patches of x. dC/dx is the convolution of g with the kernels turned by 180 degrees.
    """
    c_out, c_in, k, _ = weight.shape
    n, _, height, width = x.shape
    rows, W = patches(x.data, k), weight.data

    def images(rows: Array) -> Array:
        return rows.reshape(n, height, width, -1).transpose(0, 3, 1, 2)

    def pullback(g: Array) -> tuple[Array | None, Array | None]:
        of_weight = (g.transpose(1, 0, 2, 3).reshape(c_out, -1) @ rows).reshape(W.shape)
        if not x.requires_grad:
            return None, of_weight
        turned = W[:, :, ::-1, ::-1].transpose(0, 2, 3, 1).reshape(-1, c_in)  # (c_out k k, c_in)
        return images(patches(g, k) @ turned), of_weight

    return Tensor.computed(images(rows @ W.reshape(c_out, -1).T), (x, weight), pullback)


def max_pool2d(x: Tensor) -> Tensor:
    """(n, c, height, width) -> (n, c, height/2, width/2): the largest of each 2x2 window.

    Of several equal ones, the first gets the gradient, row by row.
    """
    n, c, height, width = x.shape
    windows = x.data.reshape(n, c, height // 2, 2, width // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(-1, 4)
    largest = windows.argmax(axis=1)

    def pullback(g: Array) -> tuple[Array]:
        back = np.zeros_like(windows)
        back[np.arange(len(back)), largest] = g.reshape(-1)
        back = back.reshape(n, c, height // 2, width // 2, 2, 2).transpose(0, 1, 2, 4, 3, 5)
        return (back.reshape(x.shape),)

    return Tensor.computed(windows.max(axis=1).reshape(n, c, height // 2, width // 2), (x,), pullback)


def flatten(x: Tensor) -> Tensor:
    """(n, ...) -> (n, size)."""
    return x.reshape(len(x), -1)
