"""Files as learners write them, right ones, and the changes that make them wrong; nothing of it knows the catalogue."""

from pathlib import Path
from typing import NamedTuple

from shared.diagnosis.diagnose import Verdict, diagnose
from shared.diagnosis.scenes import ask_all
from shared.diagnosis.subject import Subject, source_lines, spec_of
from shared.spec import LOSSES, NetworkSpec

HEAD = '''"""A learner's network."""
import numpy as np

{constants}
LOSS = "{loss}"
HIDDEN = "{hidden}"
OUTPUT = "{output}"


def f(z, name=HIDDEN):
    if name == "sigmoid":
        return 1.0 / (1.0 + np.exp(-np.clip(z, -80, None)))
    if name == "tanh":
        return np.tanh(z)
    if name == "relu":
        return np.maximum(0, z)
    if name == "leaky_relu":
        return np.where(z > 0, z, 0.01 * z)
    return z


def f_prime(z, name=HIDDEN):
    if name == "sigmoid":
        return f(z, name) * (1 - f(z, name))
    if name == "tanh":
        return 1 - np.tanh(z) ** 2
    if name == "relu":
        return (z > 0) * 1.0
    if name == "leaky_relu":
        return np.where(z > 0, 1.0, 0.01)
    return np.ones_like(z)


def softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True)


def log_softmax(z):
    z = z - z.max(axis=1, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def encode(y, n_classes):
    target = np.zeros((len(y), n_classes))
    target[np.arange(len(y)), y] = 1.0
    return target


def run(parameters, x):
    zs, activations = [], [x]
    for number, (weights, biases) in enumerate(parameters):
        z = np.dot(activations[-1], weights.T) + biases
        zs.append(z)
        last = number == len(parameters) - 1
        activations.append(f(z) if not last else softmax(z) if LOSS == "cross_entropy" else f(z, OUTPUT))
    return zs, activations


def cost(parameters, x, y):
    zs, activations = run(parameters, x)
    target = encode(y, activations[-1].shape[1])
    if LOSS == "cross_entropy":
        return -np.sum(target * log_softmax(zs[-1])) / len(x)
    if LOSS == "binary_cross_entropy":
        return np.sum(np.logaddexp(0, zs[-1]) - target * zs[-1]) / len(x)
    return np.sum((activations[-1] - target) ** 2) / 2 / len(x)


def backprop(parameters, x, y):
    zs, activations = run(parameters, x)
    n = len(x)
    error = activations[-1] - encode(y, activations[-1].shape[1])
    if LOSS == "quadratic":
        error = error * f_prime(zs[-1], OUTPUT)
    error = error / n
    found = []
    for layer in range(len(parameters) - 1, -1, -1):
        grad_w = np.dot(error.T, activations[layer])
        grad_b = np.sum(error, axis=0)
        found.append((grad_w, grad_b))
        if layer > 0:
            error = np.dot(error, parameters[layer][0]) * f_prime(zs[layer - 1])
    return found[::-1]
'''

FUNCTIONS = (
    HEAD
    + """

def forward(parameters, x):
    return run(parameters, x)[1][-1]


def gradients(parameters, x, y):
    return backprop(parameters, x, y)


def loss(parameters, x, y):
    return cost(parameters, x, y)
"""
)

CLASS = (
    HEAD
    + """

class Network:
    def __init__(self, spec, training, parameters):
        self.rate = training.learning_rate
        self.size = training.batch_size
        self.reset(parameters)

    def reset(self, parameters):
        self.theta = [(parameters[f"W{l}"].copy(), parameters[f"b{l}"].copy()) for l in range(1, len(SIZES))]

    def parameters(self):
        return named([(W.copy(), b.copy()) for W, b in self.theta])

    def predict(self, x):
        return run(self.theta, x)[1][-1]

    def loss_and_gradients(self, x, y):
        return float(cost(self.theta, x, y)), named(backprop(self.theta, x, y))

    def load(self, x, y):
        self.x, self.y = x, y

    def train(self, order):
        for start in range(0, len(order), self.size):
            batch = order[start : start + self.size]
            steps = backprop(self.theta, self.x[batch], self.y[batch])
            for (W, b), (dW, db) in zip(self.theta, steps):
                W -= self.rate * dW
                b -= self.rate * db


def named(layers):
    return {f"{kind}{l}": tensor for l, pair in enumerate(layers, 1) for kind, tensor in zip("Wb", pair)}
"""
)


class Slip(NamedTuple):
    """A change to a right file: `old` becomes `new`."""

    mistake: str
    old: str
    new: str
    loss: str = ""
    """the loss with which it is a mistake; "" for all"""
    activation: str = "sigmoid"


QUADRATIC, CROSS_ENTROPY, BINARY = LOSSES
GW, GB = "grad_w = np.dot(error.T, activations[layer])", "grad_b = np.sum(error, axis=0)"
OVER_N = "    error = error / n\n"
BACK = "error = np.dot(error, parameters[layer][0]) * f_prime(zs[layer - 1])"
SLOPE = "error = error * f_prime(zs[-1], OUTPUT)"
FORWARD = "z = np.dot(activations[-1], weights.T) + biases"
STEP = "W -= self.rate * dW\n                b -= self.rate * db"

IN_FUNCTIONS = [
    Slip("missing 1/n", OVER_N, ""),
    Slip("1/n twice", GW + "\n        " + GB, GW + " / n\n        grad_b = np.mean(error, axis=0)"),
    Slip("mean over the outputs", OVER_N, "    error = error / error.size\n"),
    Slip("mean squared error of a framework", OVER_N, "    error = 2 * error / error.size\n"),
    Slip("weight decay", GW, GW + "\n        grad_w = grad_w + 1e-4 * parameters[layer][0]"),
    Slip("weight decay", GW, GW + "\n        grad_w = grad_w + 5.0 / n * parameters[layer][0]"),
    Slip("factor 2", OVER_N, "    error = 2 * error / n\n"),
    Slip("factor 1/2", OVER_N, "    error = error / (2 * n)\n"),
    Slip("wrong sign", "error = activations[-1] - encode(y, activations[-1].shape[1])",
         "error = encode(y, activations[-1].shape[1]) - activations[-1]"),
    Slip("W transposed", "np.dot(error, parameters[layer][0])", "np.dot(error, parameters[layer][0].T)"),
    Slip("W transposed", GW, "grad_w = np.dot(activations[layer].T, error)"),
    Slip("f'(a) instead of f'(z)", "f_prime(zs[layer - 1])", "f_prime(activations[layer])"),
    Slip("f'(a) instead of f'(z)", SLOPE, "error = error * f_prime(activations[-1], OUTPUT)", QUADRATIC),
    Slip("f' missing at the output", SLOPE, "pass", QUADRATIC),
    Slip("extra f' at the output", f'if LOSS == "quadratic":\n        {SLOPE}', "error = error * f_prime(zs[-1])", CROSS_ENTROPY),
    Slip("extra f' at the output", 'if LOSS == "quadratic":\n        error', "if True:\n        error", BINARY),
    Slip("f' missing in a hidden layer", BACK, "error = np.dot(error, parameters[layer][0])"),
    Slip("f' of the output missing on the way down", BACK,
         "if layer == len(parameters) - 1:\n                error = (activations[-1] - encode(y, activations[-1].shape[1])) / n\n"
         "            " + BACK, QUADRATIC),
    Slip("1/n twice below the last layer", BACK, BACK + " / n"),
    Slip("dW in place of W", "np.dot(error, parameters[layer][0])", "np.dot(error, grad_w)"),
    Slip("the last layer's delta in every layer", BACK, "pass"),
    Slip("softmax applied twice in the loss", "error = activations[-1] - encode(", "error = softmax(activations[-1]) - encode(",
         CROSS_ENTROPY),
    Slip("delta through the wrong weights", "parameters[layer][0])", "parameters[layer - 1][0])"),
    Slip("bias gradient is one number", GB, "grad_b = np.sum(error)"),
    Slip("bias gradient is one number", GB, "grad_b = np.full(error.shape[1], np.mean(error))"),
    Slip("bias gradient is one number", GB, "grad_b = n * np.mean(error, keepdims=True)"),
    Slip("bias gradient is a mean", GB, "grad_b = error.mean(axis=0)"),
    Slip("bias gradient missing", GB, "grad_b = np.zeros(error.shape[1])"),
    Slip("bias gradient missing", GB, "grad_b = None"),
    Slip("only the first example is used", "    n = len(x)\n", "    n = len(x)\n    zs, activations = run(parameters, x[:1])\n"
         "    y = y[:1]\n"),
    Slip("only the last example is used", GW + "\n        " + GB,
         "for one in range(n):\n            grad_w = np.outer(error[one], activations[layer][one])\n"
         "            grad_b = error[one]"),
    Slip("bias gradient of one example", GB, "grad_b = error[0]"),
    Slip("gradients of the last layer only", BACK, "error = 0 * np.dot(error, parameters[layer][0])"),
    Slip("gradients accumulated", "    return found[::-1]\n", "    for k, (W, b) in enumerate(found):\n"
         "        if (k, W.shape) in TOTAL:\n            W += TOTAL[k, W.shape][0]\n            b += TOTAL[k, W.shape][1]\n"
         "        TOTAL[k, W.shape] = (W.copy(), b.copy())\n    return found[::-1]\n\n\nTOTAL = {}\n"),
    Slip("one-hot labels off by one", "target[np.arange(len(y)), y] = 1.0",
         "target[np.arange(len(y)), (y + 1) % n_classes] = 1.0"),
    Slip("one-hot labels off by one", "target[np.arange(len(y)), y] = 1.0", "target[np.arange(len(y)), y - 1] = 1.0"),
    Slip("labels used as numbers", "    target = np.zeros((len(y), n_classes))\n    target[np.arange(len(y)), y] = 1.0\n",
         "    target = np.tile(y.astype(float)[:, np.newaxis], n_classes)\n"),
    Slip("integer division", OVER_N, "    error = error // n\n"),
    Slip("integer dtype", "found.append((grad_w, grad_b))", "found.append((grad_w.astype(int), grad_b.astype(int)))"),
    Slip("integer dtype", "zs, activations = [], [x]", "zs, activations = [], [x.astype(int)]"),
    Slip("integer dtype", "    zs, activations = run(parameters, x)\n    n",
         "    x = x.astype(int)\n    zs, activations = run(parameters, x)\n    n"),
    Slip("softmax overflows", "def softmax(z):\n    z = z - z.max(axis=1, keepdims=True)\n", "def softmax(z):\n",
         CROSS_ENTROPY),
    Slip("activation overflows", "1.0 / (1.0 + np.exp(-np.clip(z, -80, None)))", "np.exp(z) / (1.0 + np.exp(z))"),
    Slip("activation overflows", "return np.tanh(z)", "return (np.exp(2 * z) - 1) / (np.exp(2 * z) + 1)", "", "tanh"),
    Slip("log of zero", "target * log_softmax(zs[-1])", "target * np.log(activations[-1])", CROSS_ENTROPY),
    Slip("log of zero", "np.logaddexp(0, zs[-1]) - target * zs[-1]",
         "-target * np.log(activations[-1]) - (1 - target) * np.log(1 - activations[-1])", BINARY),
    Slip("float16 precision", "    zs, activations = run(parameters, x)\n    n",
         "    parameters = [(W.astype(np.float16), b.astype(np.float16)) for W, b in parameters]\n"
         "    zs, activations = run(parameters, x.astype(np.float16))\n    n"),
    Slip("inputs modified in place", "    zs, activations = run(parameters, x)\n    n",
         "    x -= 0.1\n    zs, activations = run(parameters, x)\n    n"),
    Slip("inputs modified in place", "found.append((grad_w, grad_b))",
         "found.append((grad_w, grad_b))\n        parameters[layer][1][:] -= 0.1 * grad_b"),
    Slip("results are random", OVER_N, "    error = error / n * np.random.random(error.shape)\n"),
    Slip("bias missing", FORWARD, "z = np.dot(activations[-1], weights.T)"),
    Slip("hidden activation missing", "activations.append(f(z) if not last", "activations.append(z if not last"),
    Slip("output activation missing", "    return run(parameters, x)[1][-1]", "    return run(parameters, x)[0][-1]"),
    Slip("softmax over the batch", "    return e / e.sum(axis=1, keepdims=True)", "    return e / e.sum(axis=0)", CROSS_ENTROPY),
    Slip("activation instead of softmax", 'softmax(z) if LOSS == "cross_entropy" else f(z, OUTPUT)', "f(z)", CROSS_ENTROPY),
    Slip("inputs scaled twice", "zs, activations = [], [x]", "zs, activations = [], [x / 255]"),
    Slip("wrong loss", "    return cost(parameters, x, y)", "    return cost(parameters, x, y) * len(x)"),
]  # fmt: skip

IN_CLASS = [
    Slip("learning rate applied twice", STEP, STEP.replace("self.rate", "self.rate * self.rate")),
    Slip("learning rate missing", STEP, STEP.replace("self.rate * ", "")),
    Slip("update with the wrong sign", STEP, STEP.replace("-=", "+=")),
    Slip("update divided by the batch size", STEP, STEP.replace("self.rate", "self.rate / len(batch)")),
    Slip("biases not updated", STEP, "W -= self.rate * dW"),
    Slip("weights not updated", STEP, "b -= self.rate * db"),
    Slip("parameters not updated", STEP, STEP.replace("-=", "=").replace("W = ", "W = W - ").replace("b = ", "b = b - ")),
    Slip("last batch dropped", "range(0, len(order), self.size)", "range(0, len(order) - self.size + 1, self.size)"),
    Slip("order ignored", "batch = order[start : start + self.size]",
         "batch = np.arange(start, min(start + self.size, len(order)))"),
    Slip("one step for all batches", "batch = order[start : start + self.size]", "batch = order if start == 0 else order[:0]"),
    Slip("only the first batch is used", "                b -= self.rate * db\n",
         "                b -= self.rate * db\n            break\n"),
    Slip("batches in reverse order", "in range(0, len(order), self.size)", "in reversed(range(0, len(order), self.size))"),
    Slip("last batch divided by the full size", "self.rate * d", "self.rate * len(batch) / self.size * d"),
    Slip("update before all gradients are computed", "            steps = backprop(self.theta, self.x[batch], self.y[batch])\n"
         "            for (W, b), (dW, db) in zip(self.theta, steps):\n"
         "                W -= self.rate * dW\n                b -= self.rate * db\n",
         "            for layer in reversed(range(len(self.theta))):\n"
         "                zs, a = RUN(self, self.x[batch], start, layer)\n"
         "                error = a[-1] - encode(self.y[batch], a[-1].shape[1])\n"
         "                error = error * f_prime(zs[-1], OUTPUT) if LOSS == 'quadratic' else error\n"
         "                error = error / len(batch)\n"
         "                for above in range(len(self.theta) - 1, layer, -1):\n"
         "                    error = error @ self.theta[above][0] * f_prime(zs[above - 1])\n"
         "                self.theta[layer][0][:] -= self.rate * error.T @ a[layer]\n"
         "                self.theta[layer][1][:] -= self.rate * error.sum(axis=0)\n\n"
         "CACHE = {}\n\ndef RUN(self, x, start, layer):\n"
         "    if layer == len(self.theta) - 1:\n        CACHE['run'] = run(self.theta, x)\n    return CACHE['run']\n"),
    Slip("momentum in plain SGD", STEP, "W -= self.rate * (dW + 0.9 * self.v.get(id(W), 0))\n"
         "                b -= self.rate * (db + 0.9 * self.v.get(id(b), 0))\n"
         "                self.v[id(W)] = dW + 0.9 * self.v.get(id(W), 0)\n"
         "                self.v[id(b)] = db + 0.9 * self.v.get(id(b), 0)"),
    Slip("learning rate inside the gradient", "named(backprop(self.theta, x, y))",
         "named([(self.rate * dW, self.rate * db) for dW, db in backprop(self.theta, x, y)])"),
    Slip("reset is incomplete", "        self.reset(parameters)\n\n    def reset(self, parameters):\n",
         "        self.theta = [(parameters[f'W{l}'].copy(), parameters[f'b{l}'].copy()) for l in range(1, len(SIZES))]\n\n"
         "    def reset(self, parameters):\n        return\n\n    def reset_rightly(self, parameters):\n"),
    Slip("wrong loss", "return float(cost(self.theta, x, y))", "return float(2 * cost(self.theta, x, y))"),
]  # fmt: skip


def text(template: str, sizes: tuple[int, ...], activation: str, loss: str) -> str:
    """Return a right file, with the constants SIZES, ACTIVATION and LOSS."""
    return _filled(template, NetworkSpec.dense(sizes, activation, loss), f'ACTIVATION = "{activation}"', activation)


def mixed(template: str, network: str) -> str:
    """Return a right file of two layers or more, the hidden ones alike, with the constant NETWORK."""
    spec = NetworkSpec.parse(network)
    return _filled(template, spec, f'NETWORK = "{network}"', spec.layers[0].activation)


def _filled(template: str, spec: NetworkSpec, constant: str, hidden: str) -> str:
    words = {"constants": f"SIZES = {spec.sizes}\n{constant}", "loss": spec.loss, "hidden": hidden}
    for name, word in {**words, "output": spec.layers[-1].activation}.items():
        template = template.replace(f"{{{name}}}", word)
    return template.replace(
        "        self.reset(parameters)\n", "        self.v = {}\n        self.reset(parameters)\n", 1
    )


def slipped(right: str, slip: Slip) -> str:
    """Return the file with a slip in it."""
    assert slip.old in right, slip
    return right.replace(slip.old, slip.new)


def verdict(folder: Path, source: str) -> Verdict:
    """Return the verdict on a file, asked in this process."""
    path = folder / f"learner_{abs(hash(source))}.py"
    path.write_text(source)
    subject = Subject.load(str(path))
    spec = spec_of(subject.constants, {})
    return diagnose(spec, ask_all(subject, spec), source_lines(path))
