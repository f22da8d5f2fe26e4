"""The network by hand in NumPy, vectorised over the batch: the reference for all implementations."""

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from threadpoolctl import threadpool_info, threadpool_limits

from shared import layers
from shared.interface import Array, Labels, Parameters
from shared.spec import BETA_1, BETA_2, EPSILON, LEAKY_SLOPE, MOMENTUM, NetworkSpec, TrainingSpec, shares


class Network:
    """Every equation of `shared/spec.py` in NumPy; the contract is `shared.interface.Network`."""

    # ---- Parameters ------------------------------------------------------------------------------------

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        self.spec, self.training = spec, training
        self.f, self.df = zip(*(ACTIVATIONS[layer.activation] for layer in spec.layers), strict=True)
        self.kinds = [KINDS[type(layer)](layer) for layer in spec.layers]
        # All parameters in one vector and all gradients in another, so that (8) is one line; layers are views.
        self.theta = np.empty(spec.parameter_count, next(iter(parameters.values())).dtype)
        self.g = np.empty_like(self.theta)
        self.layers, self.gradient_layers = self.to_layers(self.theta), self.to_layers(self.g)
        self.deltas = [self.theta] * len(self.layers)  # d_1..d_L of the last batch, for `trace`
        self.reset(parameters)

    def reset(self, parameters: Parameters) -> None:
        for name, tensor in self.to_parameters(self.theta).items():
            tensor[:] = parameters[name]
        self.optimizer = OPTIMIZERS[self.training.optimizer](self.theta, self.training.learning_rate)

    def parameters(self) -> Parameters:
        return self.to_parameters(self.theta.copy())

    # ---- Forward (1)-(2) -------------------------------------------------------------------------------

    def forward(self, x: Array) -> tuple[list[Array], list[Array]]:
        """(n, n_in) -> z_1..z_L and a_0..a_{L-1}, each (n, size of its layer) or (n, height, width, channels)."""
        z: list[Array] = []
        a = [self.to_images(x)]
        for l, (W, b) in enumerate(self.layers):
            if l > 0:
                a.append(self.f[l - 1](z[-1]))  # (2)
            z.append(self.kinds[l].forward(a[-1], W, b))  # (1)
        return z, a

    def output(self, z: Array) -> Array:
        """z_L -> a_L, (n, n_out)."""
        return self.f[-1](z)  # (2)

    def predict(self, x: Array) -> Array:
        z, _ = self.forward(x)
        return self.output(z[-1])

    # ---- Loss and gradients (3)-(7) --------------------------------------------------------------------

    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        """z_L and one-hot y of a share, n examples in the whole batch -> the share's part of C (3), and its d_L (4)."""
        a = self.output(z)
        d = a - y
        if self.spec.loss == "cross_entropy":
            return float(np.vdot(y, log_sum_exp(z) - z)) / n, d / n  # (3), (4)
        if self.spec.loss == "binary_cross_entropy":
            return float(softplus((1 - 2 * y) * z).sum()) / n, d / n  # (3), (4)
        return float(np.vdot(d, d)) / (2 * n), d * self.df[-1](z, a) / n  # (3), (4)

    def gradients(self, x: Array, y: Array, n: int) -> float:
        """x and one-hot y of a share, n -> its part of C; its parts of dC/dW_l, dC/db_l go to `gradient_layers`."""
        if self.training.accumulate == 1:
            return self.micro_batch(x, y, n)
        loss, g = 0.0, np.zeros_like(self.g)
        for i in shares(len(y), self.training.accumulate):
            loss += self.micro_batch(x[i], y[i], n)
            g += self.g
        self.g[:] = g
        return loss

    def micro_batch(self, x: Array, y: Array, n: int) -> float:
        """As `gradients`, in one piece."""
        z, a = self.forward(x)
        loss, d = self.loss(z[-1], y, n)
        for l in reversed(range(len(a))):
            self.deltas[l] = d
            self.kinds[l].gradients(d, a[l], *self.gradient_layers[l])  # (6), (7)
            if l > 0:
                W, _ = self.layers[l]
                d = self.kinds[l].back(d, a[l], z[l], W)  # (5), in the shape of a_l
                d *= self.df[l - 1](z[l - 1], a[l])
        return loss

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        loss = self.gradients(x, self.one_hot(y), len(y))
        return loss, self.to_parameters(self.g.copy())

    def trace(self, x: Array, y: Labels) -> dict[str, Array]:
        z, a = self.forward(x)
        self.micro_batch(x, self.one_hot(y), len(y))
        kinds = {"z": z, "a": [*a[1:], self.output(z[-1])], "d": self.deltas}
        return {f"{kind}{l}": flat(tensor) for kind, tensors in kinds.items() for l, tensor in enumerate(tensors, 1)}

    # ---- Update (8) ------------------------------------------------------------------------------------

    def step(self, x: Array, y: Array, i: Labels) -> None:
        """One optimizer step on the examples i."""
        self.gradients(x.take(i, axis=0), y.take(i, axis=0), len(i))
        self.optimizer.step(self.g)  # (8)

    def train(self, order: Labels) -> None:
        for start in range(0, len(order), self.training.batch_size):
            self.step(self.x, self.y, order[start : start + self.training.batch_size])

    # ---- Conversion ------------------------------------------------------------------------------------

    def load(self, x: Array, y: Labels) -> None:
        self.x, self.y = x, self.one_hot(y)

    def to_images(self, x: Array) -> Array:
        """(n, n_in) -> (n, height, width, channels), if the first layer is a convolution or a pool."""
        if type(self.spec.layers[0]) is layers.Dense:
            return x
        return x.reshape(-1, *layers.image_axes(self.spec.input_shape))

    def one_hot(self, y: Labels) -> Array:
        """(n,) labels -> (n, n_out), in the dtype of the parameters."""
        return np.eye(self.spec.n_out, dtype=self.theta.dtype)[y]

    def to_parameters(self, theta: Array) -> Parameters:
        """One vector of all parameters, or gradients -> W1, b1, W2, ... by name, sharing its memory."""
        parameters, end = {}, 0
        for name, shape in self.spec.parameter_shapes.items():
            start, end = end, end + math.prod(shape)
            parameters[name] = theta[start:end].reshape(shape)
        return parameters

    def to_layers(self, theta: Array) -> list[tuple[Array, Array]]:
        """One vector -> W_l and b_l of every layer; those that a layer does not have are 0 and not part of theta."""
        tensors = self.to_parameters(theta)
        weights = [tensors.get(f"W{l}", np.zeros(1, theta.dtype)) for l in range(1, len(self.spec.layers) + 1)]
        return [(W, tensors.get(f"b{l}", np.zeros(len(W), theta.dtype))) for l, W in enumerate(weights, 1)]


class Dense:
    """z = a W^T + b; W is (n_out, n_in)."""

    def __init__(self, layer: layers.Dense) -> None: ...

    def forward(self, a: Array, W: Array, b: Array) -> Array:
        z = flat(a) @ W.T  # (1), (n, n_out)
        z += b
        return z

    def gradients(self, d: Array, a: Array, dW: Array, db: Array) -> None:
        np.matmul(d.T, flat(a), out=dW)  # (6), (n_out, n_in)
        np.add.reduce(d, axis=0, out=db)  # (7), (n_out,)

    def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:  # noqa: ARG002 - for max pooling
        return images(d @ W, a.shape)  # (5) without f', (n, n_in)


class Conv:
    """A dense layer on the patches of the images; W is (c_out, c_in, k, k)."""

    def __init__(self, layer: layers.Conv) -> None:
        self.k, self.p = layer.kernel, layer.padding
        self.rows: Array = np.empty((0, 0))  # the patches of the last batch, for (6)

    def patches(self, a: Array) -> Array:
        """(n, height, width, c) -> (n height width, k k c): what each output is computed from."""
        padded = np.pad(a, ((0, 0), (self.p, self.p), (self.p, self.p), (0, 0)))
        windows = sliding_window_view(padded, (self.k, self.k), axis=(1, 2))  # (n, height, width, c, k, k)
        return windows.transpose(0, 1, 2, 4, 5, 3).reshape(-1, self.k * self.k * a.shape[3])

    def matrix(self, W: Array) -> Array:
        """(c_out, c_in, k, k) -> (c_out, k k c_in): one row for each channel of the output."""
        return W.transpose(0, 2, 3, 1).reshape(len(W), -1)

    def kernels(self, matrix: Array) -> Array:
        """Undo `matrix`."""
        return matrix.reshape(len(matrix), self.k, self.k, -1).transpose(0, 3, 1, 2)

    def forward(self, a: Array, W: Array, b: Array) -> Array:
        self.rows = self.patches(a)
        z = self.rows @ self.matrix(W).T  # (1), (n height width, c_out)
        z += b
        return z.reshape(*a.shape[:3], len(W))

    def gradients(self, d: Array, a: Array, dW: Array, db: Array) -> None:  # noqa: ARG002 - its patches are kept
        rows = d.reshape(-1, d.shape[3])
        dW[:] = self.kernels(rows.T @ self.rows)  # (6)
        np.add.reduce(rows, axis=0, out=db)  # (7), (c_out,)

    def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:  # noqa: ARG002 - for max pooling
        turned = W[:, :, ::-1, ::-1].swapaxes(0, 1)  # (c_in, c_out, k, k)
        return (self.patches(d) @ self.matrix(turned).T).reshape(a.shape)  # (5) without f'


class MaxPool:
    """The largest of each 2x2 window, and the first of several that are equal."""

    def __init__(self, layer: layers.MaxPool) -> None: ...

    @staticmethod
    def corners(a: Array) -> list[Array]:
        """(n, height, width, c) -> the four values of every window, row by row, each (n, height/2, width/2, c)."""
        return [a[:, u::2, v::2] for u in (0, 1) for v in (0, 1)]

    def forward(self, a: Array, W: Array, b: Array) -> Array:  # noqa: ARG002 - it has none
        one, two, three, four = self.corners(a)
        return np.maximum(np.maximum(one, two), np.maximum(three, four))  # (1)

    def gradients(self, d: Array, a: Array, dW: Array, db: Array) -> None:
        """There are no parameters."""

    def back(self, d: Array, a: Array, z: Array, W: Array) -> Array:  # noqa: ARG002 - it has none
        back, free = np.empty_like(a), np.True_
        for corner, to in zip(self.corners(a), self.corners(back), strict=True):
            is_here = (corner == z) & free
            np.multiply(d, is_here, out=to)  # (5) without f'
            free = free & ~is_here
        return back


KINDS: dict[type, Any] = {layers.Dense: Dense, layers.Conv: Conv, layers.MaxPool: MaxPool}


def flat(a: Array) -> Array:
    """(n, height, width, c) -> (n, c height width), row by row of one channel after the other; (n, size) as it is."""
    return a if a.ndim == 2 else a.transpose(0, 3, 1, 2).reshape(len(a), math.prod(a.shape[1:]))


def images(a: Array, shape: tuple[int, ...]) -> Array:
    """Undo `flat`: return `a` in this shape of images; what has it already is returned as it is."""
    if a.shape == shape:
        return a
    n, height, width, channels = shape
    return np.ascontiguousarray(a.reshape(n, channels, height, width).transpose(0, 2, 3, 1))


def sigmoid(z: Array) -> Array:
    a = np.maximum(z, -88)  # exp(88) is the last below float32's maximum
    np.exp(np.negative(a, out=a), out=a)  # in place: temporaries cost 6 % of the step
    a += 1
    return np.reciprocal(a, out=a)


def softplus(z: Array) -> Array:
    """log(1 + exp(z)), elementwise, in a form where exp cannot overflow."""
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def log_sum_exp(z: Array) -> Array:
    """(n, n_out) -> (n, 1); shifted by the row's maximum, so that exp cannot overflow."""
    top = z.max(axis=1, keepdims=True)
    return top + np.log(np.exp(z - top).sum(axis=1, keepdims=True))


def softmax(z: Array) -> Array:
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


ACTIVATIONS: dict[str, tuple[Any, Any]] = {
    "sigmoid": (sigmoid, lambda z, a: a * (1 - a)),
    "tanh": (np.tanh, lambda z, a: 1 - a * a),
    "relu": (lambda z: np.maximum(z, 0), lambda z, a: (z > 0).astype(z.dtype)),
    "leaky_relu": (
        lambda z: np.maximum(z, LEAKY_SLOPE * z),
        lambda z, a: np.where(z > 0, z.dtype.type(1), z.dtype.type(LEAKY_SLOPE)),
    ),
    "identity": (lambda z: z, lambda z, a: np.ones_like(z)),
    "softmax": (softmax, None),  # with cross-entropy (4) has no f'
}
"""f(z) and f'(z), which may use a = f(z)."""


class SGD:
    """theta <- theta - eta g; like the other optimizers it may overwrite g."""

    def __init__(self, theta: Array, eta: float) -> None:
        self.theta, self.eta = theta, theta.dtype.type(eta)

    def step(self, g: Array) -> None:
        g *= self.eta  # in place: a temporary of all parameters costs 5 % of the step
        self.theta -= g


class Momentum(SGD):
    """v <- mu v + g, theta <- theta - eta v."""

    def __init__(self, theta: Array, eta: float) -> None:
        super().__init__(theta, eta)
        self.v = np.zeros_like(theta)

    def step(self, g: Array) -> None:
        self.v *= self.v.dtype.type(MOMENTUM)
        self.v += g
        self.theta -= self.eta * self.v


class Adam(SGD):
    """Kingma and Ba, Algorithm 1."""

    def __init__(self, theta: Array, eta: float) -> None:
        super().__init__(theta, eta)
        self.m, self.v, self.t = np.zeros_like(theta), np.zeros_like(theta), 0

    def step(self, g: Array) -> None:
        self.t += 1
        self.m += (1 - BETA_1) * (g - self.m)
        self.v += (1 - BETA_2) * (g * g - self.v)
        m_hat, v_hat = self.m / (1 - BETA_1**self.t), self.v / (1 - BETA_2**self.t)
        self.theta -= self.eta * m_hat / (np.sqrt(v_hat) + EPSILON)


OPTIMIZERS = {"sgd": SGD, "momentum": Momentum, "adam": Adam}


def set_threads(n: int) -> dict[str, int]:
    """Ask the BLAS of NumPy for n threads; return what each library reports."""
    threadpool_limits(n)
    return {pool["internal_api"]: pool["num_threads"] for pool in threadpool_info()}
