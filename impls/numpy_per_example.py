"""The network as in the article: one example after another, each a column vector; the plain baseline.

After M. Nielsen's network.py ("Neural Networks and Deep Learning", chapter 1).
"""

from typing import Any

import numpy as np

from impls import numpy_scratch
from impls.numpy_scratch import log_sum_exp, softplus
from impls.numpy_scratch import set_threads as set_threads
from shared import layers
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec

ON_REQUEST = True  # many times slower than the others: run by name or with -i all


class Network(numpy_scratch.Network):
    """Equations (1)-(7) in a loop; parameters, update and conversion are `numpy_scratch`'s."""

    # ---- Parameters ------------------------------------------------------------------------------------

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        super().__init__(spec, training, parameters)
        self.kinds = [KINDS[type(layer)](layer) for layer in spec.layers]

    # ---- Forward (1)-(2) -------------------------------------------------------------------------------

    def forward(self, x: Array) -> tuple[list[Array], list[Array]]:
        """One example, (n_in, 1) -> z_1..z_L and a_0..a_{L-1}, each (size, 1) or (channels, height, width)."""
        z: list[Array] = []
        a = [self.to_image(x)]
        for l, (W, b) in enumerate(self.layers):
            if l > 0:
                a.append(self.f[l - 1](z[-1]))  # (2)
            z.append(self.kinds[l].forward(a[-1], W, b))  # (1)
        return z, a

    def output(self, z: Array) -> Array:
        """z_L -> a_L, (n_out, 1)."""
        return self.f[-1](z.T).T  # (2): the softmax sums over a row

    def predict(self, x: Array) -> Array:
        return np.concatenate([self.output(self.forward(row[:, None])[0][-1]).T for row in x])

    # ---- Loss and gradients (3)-(7) --------------------------------------------------------------------

    def loss(self, z: Array, y: Array, n: int) -> tuple[float, Array]:
        """z_L and one-hot y of one of n examples, (n_out, 1) -> its part of C (3) and its d_L (4)."""
        a = self.output(z)
        d = a - y
        if self.spec.loss == "cross_entropy":
            return float(np.vdot(y, log_sum_exp(z.T) - z)) / n, d / n  # (3), (4)
        if self.spec.loss == "binary_cross_entropy":
            return float(softplus((1 - 2 * y) * z).sum()) / n, d / n  # (3), (4)
        return float(np.vdot(d, d)) / (2 * n), d * self.df[-1](z, a) / n  # (3), (4)

    def micro_batch(self, x: Array, y: Array, n: int) -> float:
        loss, total = 0.0, [(np.zeros_like(W), np.zeros_like(b)) for W, b in self.layers]
        for x_k, y_k in zip(x, y, strict=True):
            loss_k, found = self.backprop(x_k[:, None], y_k[:, None], n)
            total = [(W + dW, b + db) for (W, b), (dW, db) in zip(total, found, strict=True)]
            loss += loss_k
        for (dW, db), (W, b) in zip(self.gradient_layers, total, strict=True):
            dW[:], db[:] = W, b
        return loss

    def backprop(self, x: Array, y: Array, n: int) -> tuple[float, list[tuple[Array, Array]]]:
        """One of n examples, (n_in, 1), and its one-hot label, (n_out, 1) -> its parts of C and of the gradients."""
        z, a = self.forward(x)
        loss, d = self.loss(z[-1], y, n)
        found: list[tuple[Array, Array]] = []
        for l in reversed(range(len(a))):
            self.deltas[l] = d
            found.append(self.kinds[l].gradients(d, a[l]))  # (6), (7)
            if l > 0:
                W, _ = self.layers[l]
                d = self.kinds[l].back(d, a[l], W) * self.df[l - 1](z[l - 1], a[l])  # (5)
        return loss, found[::-1]

    def trace(self, x: Array, y: Labels) -> dict[str, Array]:
        found: dict[str, list[Array]] = {}
        for x_k, y_k in zip(x, self.one_hot(y), strict=True):
            z, a = self.forward(x_k[:, None])
            self.backprop(x_k[:, None], y_k[:, None], len(x))
            kinds = {"z": z, "a": [*a[1:], self.output(z[-1])], "d": self.deltas}
            for kind, tensors in kinds.items():
                for l, tensor in enumerate(tensors, 1):
                    found.setdefault(f"{kind}{l}", []).append(tensor.reshape(1, -1))
        return {name: np.concatenate(rows) for name, rows in found.items()}

    # ---- Conversion ------------------------------------------------------------------------------------

    def to_image(self, x: Array) -> Array:
        """(n_in, 1) -> (channels, height, width), if the first layer is a convolution or a pool."""
        images = self.to_images(x)
        return x if images is x else images[0].transpose(2, 0, 1)


class Dense:
    """z = W a + b; W is (n_out, n_in), and an image is taken row by row, one channel after the other."""

    def __init__(self, layer: layers.Dense) -> None: ...

    def forward(self, a: Array, W: Array, b: Array) -> Array:
        return W @ a.reshape(-1, 1) + b[:, None]  # (1), (n_out, 1)

    def gradients(self, d: Array, a: Array) -> tuple[Array, Array]:
        return d @ a.reshape(1, -1), d[:, 0]  # (6), (7)

    def back(self, d: Array, a: Array, W: Array) -> Array:
        return (W.T @ d).reshape(a.shape)  # (5) without f'


class Conv:
    """Every place of the output sees one window of the input; W is (c_out, c_in, k, k)."""

    def __init__(self, layer: layers.Conv) -> None:
        self.k, self.p = layer.kernel, layer.padding

    def padded(self, a: Array) -> Array:
        return np.pad(a, ((0, 0), (self.p, self.p), (self.p, self.p)))

    def forward(self, a: Array, W: Array, b: Array) -> Array:
        padded, z = self.padded(a), np.empty((len(W), *a.shape[1:]), a.dtype)
        for i, j in np.ndindex(a.shape[1:]):
            window = padded[:, i : i + self.k, j : j + self.k]  # (c_in, k, k)
            z[:, i, j] = (W * window).sum(axis=(1, 2, 3)) + b  # (1), (c_out,)
        return z

    def gradients(self, d: Array, a: Array) -> tuple[Array, Array]:
        padded, dW = self.padded(a), np.zeros((len(d), len(a), self.k, self.k), a.dtype)
        for i, j in np.ndindex(a.shape[1:]):
            window = padded[:, i : i + self.k, j : j + self.k]
            dW += d[:, i, j, None, None, None] * window  # (6), (c_out, c_in, k, k)
        return dW, d.sum(axis=(1, 2))  # (7), (c_out,)

    def back(self, d: Array, a: Array, W: Array) -> Array:
        padded = self.padded(np.zeros_like(a))
        for i, j in np.ndindex(a.shape[1:]):
            window = padded[:, i : i + self.k, j : j + self.k]
            window += (d[:, i, j, None, None, None] * W).sum(axis=0)  # (5) without f', (c_in, k, k)
        return padded[:, self.p : self.p + a.shape[1], self.p : self.p + a.shape[2]]


class MaxPool:
    """The largest of each 2x2 window, and the first of several that are equal."""

    def __init__(self, layer: layers.MaxPool) -> None: ...

    def forward(self, a: Array, W: Array, b: Array) -> Array:  # noqa: ARG002 - it has none
        c, height, width = a.shape
        z = np.empty((c, height // 2, width // 2), a.dtype)
        for k, i, j in np.ndindex(z.shape):
            z[k, i, j] = a[k, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].max()  # (1)
        return z

    def gradients(self, d: Array, a: Array) -> tuple[Array, Array]:  # noqa: ARG002 - it has none
        """There are no parameters."""
        return np.zeros(1, a.dtype), np.zeros(1, a.dtype)

    def back(self, d: Array, a: Array, W: Array) -> Array:  # noqa: ARG002 - it has none
        back = np.zeros_like(a)
        for k, i, j in np.ndindex(d.shape):
            u, v = divmod(int(a[k, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2].argmax()), 2)
            back[k, 2 * i + u, 2 * j + v] = d[k, i, j]  # (5) without f'
        return back


KINDS: dict[type, Any] = {layers.Dense: Dense, layers.Conv: Conv, layers.MaxPool: MaxPool}
