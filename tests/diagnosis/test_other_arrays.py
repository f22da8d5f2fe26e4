"""Arrays that are no weights or biases: gamma and beta of a batch norm, the slope of a PReLU."""

from pathlib import Path

import pytest

from shared.diagnosis.as_written import OwnVerdict, judge
from shared.diagnosis.facts import Options, Subject

BATCH_NORM = """
import numpy as np


class Linear:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) / np.sqrt(n_in)
        self.b = np.zeros(n_out)

    def forward(self, x, training=True):
        self.x = x
        return x @ self.W + self.b

    def backward(self, dout):
        self.dW = self.x.T @ dout
        self.db = dout.sum(axis=0)
        return dout @ self.W.T


class BatchNorm:
    def __init__(self, n, eps=1e-5, momentum=0.9):
        self.gamma = np.ones(n)
        self.beta = np.zeros(n)
        self.eps = eps
        self.momentum = momentum
        self.running_mean = np.zeros(n)
        self.running_var = np.ones(n)

    def forward(self, x, training=True):
        if training:
            mu, var = x.mean(axis=0), x.var(axis=0)
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mu
            self.running_var = self.momentum * self.running_var + (1 - self.momentum) * var
        else:
            mu, var = self.running_mean, self.running_var
        self.std = np.sqrt(var + self.eps)
        self.xhat = (x - mu) / self.std
        return self.gamma * self.xhat + self.beta

    def backward(self, dout):
        n = len(dout)
        self.dgamma = (dout * self.xhat).sum(axis=0)
        self.dbeta = dout.sum(axis=0)
        dx = dout * self.gamma
        return (dx - dx.mean(axis=0) - self.xhat * (dx * self.xhat).mean(axis=0)) / self.std


class ReLU:
    def forward(self, x, training=True):
        self.mask = x > 0
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class Net:
    def __init__(self, n_in, n_hidden, n_out, lr=0.1):
        self.layers = [Linear(n_in, n_hidden), BatchNorm(n_hidden), ReLU(), Linear(n_hidden, n_out)]
        self.lr = lr

    def forward(self, x, training=True):
        for layer in self.layers:
            x = layer.forward(x, training)
        return x

    def loss(self, scores, y):
        shifted = scores - scores.max(axis=1, keepdims=True)
        logp = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        return -logp[np.arange(len(y)), y].mean()

    def backward(self, scores, y):
        p = np.exp(scores - scores.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        p[np.arange(len(y)), y] -= 1
        grad = p / len(y)
        for layer in reversed(self.layers):
            grad = layer.backward(grad)

    def step(self):
        for layer in self.layers:
            if isinstance(layer, Linear):
                layer.W -= self.lr * layer.dW
                layer.b -= self.lr * layer.db
            elif isinstance(layer, BatchNorm):
                layer.gamma -= self.lr * layer.dgamma
                layer.beta -= self.lr * layer.dbeta
"""
PRELU = """
import numpy as np


class PReLU:
    # a learnable slope

    def __init__(self, slope=0.25):
        self.slope = np.array([slope])

    def __call__(self, z):
        self.z = z
        return np.where(z > 0, z, self.slope * z)

    def grad(self, dout):
        self.dslope = np.array([np.sum(dout * np.where(self.z > 0, 0, self.z))])
        return dout * np.where(self.z > 0, 1.0, self.slope)


class MLP:
    def __init__(self, n_in, n_hidden, n_out, lr=0.05):
        self.W1 = np.random.randn(n_in, n_hidden) * 0.1
        self.b1 = np.zeros(n_hidden)
        self.W2 = np.random.randn(n_hidden, n_out) * 0.1
        self.b2 = np.zeros(n_out)
        self.act = PReLU()
        self.lr = lr

    def forward(self, X):
        self.X = X
        self.a1 = self.act(X @ self.W1 + self.b1)
        z2 = self.a1 @ self.W2 + self.b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        self.p = e / e.sum(axis=1, keepdims=True)
        return self.p

    def compute_loss(self, y):
        return -np.mean(np.log(self.p[np.arange(len(y)), y]))

    def backward(self, y):
        n = len(y)
        dz2 = self.p.copy()
        dz2[np.arange(n), y] -= 1
        dz2 /= n
        self.dW2 = self.a1.T @ dz2
        self.db2 = dz2.sum(axis=0)
        dz1 = self.act.grad(dz2 @ self.W2.T)
        self.dW1 = self.X.T @ dz1
        self.db1 = dz1.sum(axis=0)

    def step(self):
        for name in ("W1", "b1", "W2", "b2"):
            setattr(self, name, getattr(self, name) - self.lr * getattr(self, "d" + name))
"""
UNIT = "self.W1 = "


def verdict(folder: Path, text: str) -> OwnVerdict:
    path = folder / "net.py"
    path.write_text(text)
    return judge(Subject.load(str(path)).facts(Options()))


@pytest.mark.parametrize("text", [BATCH_NORM, PRELU], ids=["batch norm", "PReLU"])
def test_right_ones_are_not_accused(text: str, tmp_path: Path) -> None:
    """Nor is a bias below a batch norm, whose gradient is 0 and which does not move."""
    found = verdict(tmp_path, text)
    assert found.right, found.diagnosis
    assert not any("gradients" in each for each in found.not_checked)


@pytest.mark.parametrize(
    ("text", "right", "wrong", "name"),
    [
        (BATCH_NORM, "(dout * self.xhat).sum(axis=0)", "(dout * self.xhat).mean(axis=0)", "layers[1].gamma"),
        (BATCH_NORM, "self.dbeta = dout.sum(axis=0)", "self.dbeta = dout.mean(axis=0)", "layers[1].beta"),
        (BATCH_NORM, "dx = dout * self.gamma", "dx = dout", "layers[0].W"),  # right where gamma is 1
        (PRELU, "np.where(self.z > 0, 0, self.z)", "np.where(self.z > 0, 0, 1)", "act.slope"),
    ],
)
def test_a_wrong_gradient_is_told(text: str, right: str, wrong: str, name: str, tmp_path: Path) -> None:
    assert right in text
    found = verdict(tmp_path, text.replace(right, wrong)).diagnosis
    assert found is not None
    assert f"the gradients of {name} are wrong" in found.description


def test_a_gradient_that_is_not_there_is_said_to_be_unchecked(tmp_path: Path) -> None:
    found = verdict(tmp_path, PRELU.replace("self.dslope = ", "unused = "))
    assert found.right
    assert found.not_checked == ["the gradient of act.slope (not found, although the loss depends on it)"]
    assert "updates not checked" not in found.headline


def test_a_constant_array_on_which_nothing_depends_is_not_mentioned(tmp_path: Path) -> None:
    found = verdict(tmp_path, PRELU.replace(UNIT, "self.history = np.zeros(4)\n        " + UNIT))
    assert not found.not_checked
