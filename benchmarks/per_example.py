"""The article's loop: column vectors, one example after the other, gradients summed over the batch.

After M. Nielsen's network.py ("Neural Networks and Deep Learning", chapter 1), in the dtype of the parameters.
"""

import numpy as np

from shared.interface import Array, Labels, Parameters


def sigmoid(z: Array) -> Array:
    return 1 / (1 + np.exp(-np.maximum(z, -88)))


class Network:
    """Sigmoid layers with the quadratic cost; equations (1)-(8), per example."""

    def __init__(self, parameters: Parameters, learning_rate: float) -> None:
        self.weights = [W.copy() for W, _ in parameters]
        self.biases = [b.reshape(-1, 1).copy() for _, b in parameters]
        self.learning_rate = learning_rate

    def train(self, x: Array, y: Labels, order: Labels, batch_size: int) -> None:
        """Take one step for each `batch_size` indices of `order`."""
        columns = x.reshape(len(x), -1, 1)
        targets = np.eye(len(self.biases[-1]), dtype=x.dtype)[y].reshape(len(y), -1, 1)
        for start in range(0, len(order), batch_size):
            self.step([(columns[i], targets[i]) for i in order[start : start + batch_size]])

    def step(self, batch: list[tuple[Array, Array]]) -> None:
        """One step on the mean gradient of a batch."""
        sum_W = [np.zeros_like(W) for W in self.weights]
        sum_b = [np.zeros_like(b) for b in self.biases]
        for x, y in batch:
            dWs, dbs = self.backprop(x, y)
            sum_W = [total + dW for total, dW in zip(sum_W, dWs, strict=True)]
            sum_b = [total + db for total, db in zip(sum_b, dbs, strict=True)]
        rate = self.learning_rate / len(batch)
        self.weights = [W - rate * dW for W, dW in zip(self.weights, sum_W, strict=True)]
        self.biases = [b - rate * db for b, db in zip(self.biases, sum_b, strict=True)]

    def backprop(self, x: Array, y: Array) -> tuple[list[Array], list[Array]]:
        """One example, (n_in, 1) and (n_out, 1) -> gradients of W_1..W_L and b_1..b_L."""
        activations = [x]
        for W, b in zip(self.weights, self.biases, strict=True):
            activations.append(sigmoid(W @ activations[-1] + b))  # (1), (2)
        a = activations[-1]
        d = (a - y) * a * (1 - a)  # (4), without 1/n
        dWs: list[Array] = [d @ activations[-2].T]  # (6)
        dbs: list[Array] = [d]  # (7)
        for l in range(len(self.weights) - 1, 0, -1):
            a = activations[l]
            d = (self.weights[l].T @ d) * a * (1 - a)  # (5)
            dWs.append(d @ activations[l - 1].T)
            dbs.append(d)
        return dWs[::-1], dbs[::-1]
