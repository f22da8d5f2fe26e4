"""Where gradients are: in a dict for each layer, in dicts in dicts, beside expressions; and arrays that have none."""

import re
from pathlib import Path

import pytest

from shared.diagnosis.as_written import OwnVerdict, judge
from shared.diagnosis.facts import Options, Subject
from shared.reading.program import UnreadableError

FUNCTIONS = """
import numpy as np

def init(sizes):
    return [{"W": np.random.randn(m, n), "b": np.zeros(n)} for m, n in zip(sizes[:-1], sizes[1:])]

def forward(params, X):
    acts = [X]
    for i, p in enumerate(params):
        z = acts[-1] @ p["W"] + p["b"]
        acts.append(np.tanh(z) if i < len(params) - 1 else z)
    return acts[-1], acts

def loss(out, y):
    return 0.5 * np.mean(np.sum((out - y) ** 2, axis=1))

def backward(params, acts, y):
    d, grads = (acts[-1] - y) / len(y), []
    for i in reversed(range(len(params))):
        grads.append({"W": acts[i].T @ d, "b": d.sum(axis=0)})
        if i:
            d = d @ params[i]["W"].T * (1 - acts[i] ** 2)
    return grads[::-1]

params = init([10, 20, 15, 3])
"""
CLASS = """
import numpy as np

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.shift, self.scale = np.full(n_in, 0.5), np.full(n_out, 2.0)
        self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros(n_hidden)
        self.W2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros(n_out)

    def forward(self, x):
        self.x = x - self.shift
        self.h = np.tanh(self.x @ self.W1 + self.b1)
        return (self.h @ self.W2 + self.b2) * self.scale

    def loss(self, out, y):
        return 0.5 * np.mean(np.sum((out - y) ** 2, axis=1))

    def backward(self, out, y):
        d = (out - y) / len(y) * self.scale
        dW2, db2 = self.h.T @ d, d.sum(0)
        d = d @ self.W2.T * (1 - self.h ** 2)
        return self.x.T @ d, d.sum(0), dW2, db2
"""
NESTED = """
import numpy as np

class Model:
    def __init__(self, n_in, n_hidden, n_out):
        self.layers = {
            "hidden": {"W": np.random.randn(n_hidden, n_in), "b": np.zeros((n_hidden, 1))},
            "output": {"W": np.random.randn(n_out, n_hidden), "b": np.zeros((n_out, 1))},
        }

    def forward(self, X):
        hidden, output = self.layers["hidden"], self.layers["output"]
        self.X, self.a = X, np.tanh(hidden["W"] @ X + hidden["b"])
        return output["W"] @ self.a + output["b"]

    def loss(self, Y_hat, Y):
        return np.sum((Y_hat - Y) ** 2) / (2 * Y.shape[1])

    def backward(self, Y_hat, Y):
        d = (Y_hat - Y) / Y.shape[1]
        grads = {"output": {"W": d @ self.a.T, "b": d.sum(axis=1, keepdims=True)}}
        d = self.layers["output"]["W"].T @ d * (1 - self.a ** 2)
        grads["hidden"] = {"W": d @ self.X.T, "b": d.sum(axis=1, keepdims=True)}
        return grads
"""
OBJECTS = """
import numpy as np

class Tensor:
    def __init__(self, data):
        self.data, self.grad = data, None

class Linear:
    def __init__(self, n_in, n_out):
        self.weight, self.bias = Tensor(np.random.randn(n_in, n_out)), Tensor(np.zeros(n_out))

    def __call__(self, x):
        self.x = x
        return x @ self.weight.data + self.bias.data

    def backward(self, d):
        self.weight.grad, self.bias.grad = self.x.T @ d, d.sum(axis=0)
        return d @ self.weight.data.T

class Net:
    def __init__(self, n_in, n_hidden, n_out):
        self.fc1, self.fc2 = Linear(n_in, n_hidden), Linear(n_hidden, n_out)

    def forward(self, x):
        self.h = np.tanh(self.fc1(x))
        return self.fc2(self.h)

    def loss(self, out, y):
        return 0.5 * ((out - y) ** 2).sum() / len(y)

    def backward(self, out, y):
        self.fc1.backward(self.fc2.backward((out - y) / len(y)) * (1 - self.h ** 2))
"""
BESIDE = """
import numpy as np

class Linear:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_in, n_out), np.zeros(n_out)

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, g):
        self.dW, self.db = self.x.T @ g, g.sum(axis=0)
        return g @ self.W.T

class Tanh:
    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, g):
        return g * (1 - self.y ** 2)

class Sequential:
    def __init__(self, n_in, n_hidden, n_out):
        self.layers = [Linear(n_in, n_hidden), Tanh(), Linear(n_hidden, n_out)]

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def backward(self, g):
        for layer in reversed(self.layers):
            g = layer.backward(g)

def mse(pred, target):
    return np.mean((pred - target) ** 2)

def mse_grad(pred, target):
    return 2 * (pred - target) / pred.size
"""
FILES = {
    "from the slope of a loss beside the network": BESIDE,
    "an object for each array": OBJECTS,
    "a dict for each layer": FUNCTIONS,
    "from the last layer": FUNCTIONS.replace("grads[::-1]", "grads"),
    "dicts in a dict": NESTED,
    "expressions": CLASS,
}


def verdict(folder: Path, text: str) -> OwnVerdict:
    path = folder / "net.py"
    path.write_text(text)
    return judge(Subject.load(str(path)).facts(Options()))


@pytest.mark.parametrize("name", FILES)
def test_the_gradients_are_found(name: str, tmp_path: Path) -> None:
    found = verdict(tmp_path, FILES[name])
    assert found.right, found.diagnosis
    assert not verdict(tmp_path, re.sub(r"\(1 - \S+ \*\* 2\)", "1", FILES[name])).right


def test_an_array_that_is_not_learned_is_not_called_wrong(tmp_path: Path) -> None:
    """One has the size of the input, as the bias of a last layer would have if the network were read upside down."""
    found = verdict(tmp_path, CLASS)
    assert found.not_checked[-1] == "the gradient of shift, of scale (not found, although the loss depends on it)"


def test_a_backward_pass_is_not_given_outputs_for_a_gradient(tmp_path: Path) -> None:
    with pytest.raises(UnreadableError):
        verdict(tmp_path, BESIDE[: BESIDE.index("def mse_grad")])
