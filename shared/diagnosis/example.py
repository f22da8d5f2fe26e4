"""My network: equations (1)-(7) for a batch, check it with `python compare.py check my_network.py`.

parameters  [(W_1, b_1), ..., (W_L, b_L)], W_l of shape (n_out, n_in), b_l of shape (n_out,)
x           (n, n_in), inputs from 0 to 1
y           (n,), labels 0, 1, ..., n_out - 1
"""

import numpy as np

SIZES = (784, 30, 10)
ACTIVATION = "sigmoid"  # or tanh, relu, leaky_relu, identity
LOSS = "quadratic"  # or cross_entropy, with a softmax output, or binary_cross_entropy, with a sigmoid output
# if layers differ, instead of these three: NETWORK = "784-30tanh-10sigmoid"


def sigmoid(z):
    return 1 / (1 + np.exp(-np.maximum(z, -88)))  # exp(89) overflows in float32


def one_hot(y, n_out):
    return np.eye(n_out)[y]


def activations(parameters, x):
    """Return a_0 = x, a_1, ..., a_L."""
    a = [x]
    for W, b in parameters:
        z = a[-1] @ W.T + b  # (1)
        a.append(sigmoid(z))  # (2)
    return a


def forward(parameters, x):
    """Return a_L, (n, n_out)."""
    return activations(parameters, x)[-1]


def loss(parameters, x, y):
    """Return the mean over the batch; this function is optional."""
    a = forward(parameters, x)
    return 0.5 * np.sum((a - one_hot(y, a.shape[1])) ** 2) / len(x)  # (3)


def gradients(parameters, x, y):
    """Return [(dW_1, db_1), ..., (dW_L, db_L)], each with the shape of its parameter."""
    a = activations(parameters, x)
    n, n_out = a[-1].shape
    delta = (a[-1] - one_hot(y, n_out)) * a[-1] * (1 - a[-1]) / n  # (4)
    layers = []
    for l in reversed(range(len(parameters))):
        dW = delta.T @ a[l]  # (6)
        db = delta.sum(axis=0)  # (7)
        layers.insert(0, (dW, db))
        W, _ = parameters[l]
        if l > 0:
            delta = (delta @ W) * a[l] * (1 - a[l])  # (5)
    return layers
