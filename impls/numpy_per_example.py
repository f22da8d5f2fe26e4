"""The network as in the article: one example after another, each a column vector; the plain baseline.

After M. Nielsen's network.py ("Neural Networks and Deep Learning", chapter 1).
"""

import numpy as np

from impls import numpy_scratch
from impls.numpy_scratch import log_sum_exp, softplus
from impls.numpy_scratch import set_threads as set_threads
from shared.interface import Array, Labels

ON_REQUEST = True  # many times slower than the others: run by name or with -i all


class Network(numpy_scratch.Network):
    """Equations (1)-(7) in a loop; parameters, update and conversion are `numpy_scratch`'s."""

    # ---- Forward (1)-(2) -------------------------------------------------------------------------------

    def forward(self, x: Array) -> tuple[list[Array], list[Array]]:
        """One example, (n_in, 1) -> z_1..z_L and a_0..a_{L-1}, each (size of its layer, 1)."""
        z: list[Array] = []
        a = [x]
        for l, (W, b) in enumerate(self.layers):
            if l > 0:
                a.append(self.f[l - 1](z[-1]))  # (2), (n_l, 1)
            z.append(W @ a[-1] + b[:, None])  # (1), (n_l, 1)
        return z, a

    def output(self, z: Array) -> Array:
        """z_L -> a_L, (n_out, 1)."""
        return self.f[-1](z.T).T  # (2): the softmax sums over a row

    def predict(self, x: Array) -> Array:
        return np.concatenate([self.output(self.forward(row[:, None])[0][-1]).T for row in x])

    # ---- Loss and gradients (3)-(7) --------------------------------------------------------------------

    def loss(self, z: Array, y: Array) -> tuple[float, Array]:
        """z_L and one-hot y of one example, (n_out, 1) -> its part of C (3) and its d_L (4), without 1/n."""
        a = self.output(z)
        d = a - y
        if self.spec.loss == "cross_entropy":
            return float(np.vdot(y, log_sum_exp(z.T) - z)), d  # (3), (4)
        if self.spec.loss == "binary_cross_entropy":
            return float(softplus((1 - 2 * y) * z).sum()), d  # (3), (4)
        return float(np.vdot(d, d)) / 2, d * self.df[-1](z, a)  # (3), (4)

    def gradients(self, x: Array, y: Array) -> float:
        """x (n, n_in) and one-hot y (n, n_out) -> C; dC/dW_l and dC/db_l go to `gradient_layers`."""
        loss, total = 0.0, [(np.zeros_like(W), np.zeros_like(b)) for W, b in self.layers]
        for x_k, y_k in zip(x, y, strict=True):
            loss_k, layers = self.backprop(x_k[:, None], y_k[:, None])
            total = [(W + dW, b + db) for (W, b), (dW, db) in zip(total, layers, strict=True)]
            loss += loss_k
        for (dW, db), (W, b) in zip(self.gradient_layers, total, strict=True):
            dW[:], db[:] = W / len(x), b / len(x)
        return loss / len(x)

    def backprop(self, x: Array, y: Array) -> tuple[float, list[tuple[Array, Array]]]:
        """One example, (n_in, 1), and its one-hot label, (n_out, 1) -> its parts of C and of the gradients."""
        z, a = self.forward(x)
        loss, d = self.loss(z[-1], y)
        layers: list[tuple[Array, Array]] = []
        for l in reversed(range(len(a))):
            self.deltas[l] = d
            layers.append((d @ a[l].T, d[:, 0]))  # (6), (7)
            if l > 0:
                W, _ = self.layers[l]
                d = (W.T @ d) * self.df[l - 1](z[l - 1], a[l])  # (5), (n_l, 1)
        return loss, layers[::-1]

    def trace(self, x: Array, y: Labels) -> dict[str, Array]:
        found: dict[str, list[Array]] = {}
        for x_k, y_k in zip(x, self.one_hot(y), strict=True):
            z, a = self.forward(x_k[:, None])
            self.backprop(x_k[:, None], y_k[:, None])
            kinds: dict[str, list[Array]] = {
                "z": z,
                "a": [*a[1:], self.output(z[-1])],
                "d": [d / len(x) for d in self.deltas],
            }
            for kind, tensors in kinds.items():
                for l, tensor in enumerate(tensors, 1):
                    found.setdefault(f"{kind}{l}", []).append(tensor.T)
        return {name: np.concatenate(rows) for name, rows in found.items()}
