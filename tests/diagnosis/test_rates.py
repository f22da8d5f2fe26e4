"""Numbers that objects keep: which one is the learning rate, a slope, a number of turns, or a count of the steps."""

from itertools import product
from pathlib import Path

import pytest

from shared.diagnosis.as_written import OwnVerdict, judge
from shared.diagnosis.facts import Options, Subject

LAYERS = """
import numpy as np

class Dense:
    def __init__(self, n_in, n_out):
        self.W = np.random.randn(n_in, n_out) * 0.3
        self.b = np.zeros((1, n_out))

    def forward(self, x):
        self.x = x
        return x @ self.W + self.b

    def backward(self, grad, lr):
        dx = grad @ self.W.T
        self.W -= lr * self.x.T @ grad
        self.b -= lr * grad.sum(axis=0, keepdims=True)
        return dx

class Leaky:
    def __init__(self, alpha=0.1):
        self.alpha = alpha

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.alpha * x)

    def backward(self, grad, lr):
        return grad * np.where(self.x > 0, 1.0, self.alpha)

class ELU:
    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def forward(self, x):
        self.x = x
        return np.where(x > 0, x, self.alpha * (np.exp(x) - 1))

    def backward(self, grad, lr):
        return grad * np.where(self.x > 0, 1.0, self.alpha * np.exp(self.x))

class Scaled:
    def __init__(self, eps=1e-2):
        self.eps = eps

    def forward(self, x):
        self.x, self.r = x, np.sqrt((x**2).mean(axis=1, keepdims=True) + self.eps)
        return x / self.r

    def backward(self, grad, lr):
        return grad / self.r - self.x * (grad * self.x).mean(axis=1, keepdims=True) / self.r**3

class Rate:
    def __init__(self, {name}=0.1):
        self.{name} = {name}

class Network:
    def __init__(self, n_in, n_hidden, n_out):
        self.layers = [Dense(n_in, n_hidden), {layer}(), Dense(n_hidden, n_out)]
        {attribute}

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def loss(self, output, y):
        return 0.5 * np.mean(np.sum((output - y) ** 2, axis=1))

    def train(self, x, y{argument}):
        output = self.forward(x)
        grad = (output - y) / len(x){half}
        for layer in reversed(self.layers):
            grad = layer.backward(grad, {rate})
        return self.loss(output, y)
"""
RATES = {
    "argument": {"argument": ", lr=0.1", "rate": "lr"},
    "attribute": {"attribute": "self.lr = 0.1", "rate": "self.lr"},
    "alpha of its own": {"attribute": "self.alpha = 0.1", "rate": "self.alpha"},
    "in an object": {"attribute": "self.steps = [Rate()]", "rate": "self.steps[0].alpha", "name": "alpha"},
    "copied": {"attribute": "self.lr = 0.1; self.rule = Rate(self.lr)", "rate": "self.rule.alpha", "name": "alpha"},
    "a number": {"rate": "0.1"},
}
"""Where the learning rate is, beside an alpha or eps of a layer."""
NOTHING = {"attribute": "pass", "argument": "", "half": "", "name": "lr"}
ADAM = """
import numpy as np

class Adam:
    def __init__(self, learning_rate=0.001, epsilon=1e-7):
        self.learning_rate, self.epsilon, self.iterations, self.state = learning_rate, epsilon, {first}, {{}}

    def update(self, name, w, g):
        m, v = self.state.get(name, (0, 0))
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        self.state[name] = m, v
        t = {t}
        w -= self.learning_rate * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + self.epsilon)

class Network:
    def __init__(self, n_in, n_hidden, n_out):
        self.W1, self.b1 = np.random.randn(n_in, n_hidden), np.zeros(n_hidden)
        self.W2, self.b2 = np.random.randn(n_hidden, n_out), np.zeros(n_out)
        {held}

    def forward(self, x):
        self.x, self.h = x, np.tanh(x @ self.W1 + self.b1)
        return self.h @ self.W2 + self.b2

    def loss(self, output, y):
        return 0.5 * np.mean(np.sum((output - y) ** 2, axis=1))

    def backward(self, output, y):
        grad = (output - y) / len(y)
        self.dW2, self.db2 = self.h.T @ grad, grad.sum(axis=0)
        grad = grad @ self.W2.T * (1 - self.h**2)
        self.dW1, self.db1 = self.x.T @ grad, grad.sum(axis=0)

    def train(self, x, y):
        self.backward(self.forward(x), y)
        for name in ("W1", "b1", "W2", "b2"):
            {adam}.update(name, getattr(self, name), getattr(self, "d" + name))
        {adam}.iterations += 1
"""
HELD = {"self.optimizer": "self.optimizer = Adam()", "self.parts[0]": "self.parts = [Adam()]"}


def verdict(folder: Path, text: str) -> OwnVerdict:
    path = folder / "net.py"
    path.write_text(text)
    return judge(Subject.load(str(path)).facts(Options()))


@pytest.mark.parametrize(("layer", "where"), list(product(("Leaky", "ELU", "Scaled"), RATES)))
def test_a_slope_is_no_learning_rate(layer: str, where: str, tmp_path: Path) -> None:
    found = verdict(tmp_path, LAYERS.format(layer=layer, **(NOTHING | RATES[where])))
    assert found.right, found.diagnosis


@pytest.mark.parametrize("where", RATES)
def test_beside_a_slope_a_factor_is_found(where: str, tmp_path: Path) -> None:
    found = verdict(tmp_path, LAYERS.format(layer="Leaky", **(NOTHING | RATES[where] | {"half": " / 3"})))
    assert found.right == (where == "a number"), found.diagnosis  # it may be a third of another rate


@pytest.mark.parametrize(("adam", "first"), list(product(HELD, (0, 1))))
def test_a_count_of_steps_is_no_number_of_turns(adam: str, first: int, tmp_path: Path) -> None:
    t = "self.iterations" + " + 1" * (not first)
    found = verdict(tmp_path, ADAM.format(first=first, t=t, held=HELD[adam], adam=adam))
    assert "the update is Adam with beta_1 0.9 and beta_2 0.999" in found.conventions
