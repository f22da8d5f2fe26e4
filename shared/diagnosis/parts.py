"""A network in parts, one equation each."""

import numpy as np


def weighted_input(a, W, b):
    """a_{l-1} (n, n_in), W_l (n_out, n_in), b_l (n_out,) -> z_l (n, n_out)."""
    return a @ W.T + b  # (1)


def sigmoid(z):
    """z_l -> a_l = f(z_l), elementwise: f(z) = 1 / (1 + e^(-z))."""
    return 1 / (1 + np.exp(-z))  # (2)


def slope(z):
    """z_l -> f'(z_l), elementwise: f'(z) = f(z) (1 - f(z))."""
    return sigmoid(z) * (1 - sigmoid(z))


def cost(a, y):
    """a_L and y, one-hot, both (n, n_out) -> C, one number: 1/n sum 1/2 |a_L - y|^2."""
    return np.sum((a - y) ** 2) / (2 * len(a))  # (3)


def output_delta(z, a, y):
    """z_L, a_L and y, one-hot, all (n, n_out) -> d_L (n, n_out): the derivative of C by z_L."""
    return (a - y) * slope(z) / len(a)  # (4)


def delta(d, W, z):
    """d_{l+1} (n, n_out), W_{l+1} (n_out, n_in), z_l (n, n_in) -> d_l (n, n_in): the derivative of C by z_l."""
    return (d @ W) * slope(z)  # (5)


def weight_gradient(d, a):
    """d_l (n, n_out), a_{l-1} (n, n_in) -> dC/dW_l (n_out, n_in)."""
    return d.T @ a  # (6)


def bias_gradient(d):
    """d_l (n, n_out) -> dC/db_l (n_out,)."""
    return d.sum(axis=0)  # (7)


def step(theta, g, eta):
    """A parameter, its gradient of the same shape, the learning rate -> the parameter after the step."""
    return theta - eta * g  # (8)


def forward(parameters, x):
    """[(W_1, b_1), ..., (W_L, b_L)] and x (n, n_in) -> a_L (n, n_out)."""
    a = x
    for W, b in parameters:
        a = sigmoid(weighted_input(a, W, b))
    return a


def gradients(parameters, x, y):
    """Parameters, x (n, n_in), labels y (n,) -> [(dC/dW_1, dC/db_1), ..., (dC/dW_L, dC/db_L)]."""
    z, a = [], [x]
    for W, b in parameters:
        z.append(weighted_input(a[-1], W, b))
        a.append(sigmoid(z[-1]))
    target = np.eye(a[-1].shape[1])[y]  # one-hot: (n, n_out)
    # z[0] is z_1 and a[0] is a_0 = x; parameters[0] is (W_1, b_1)
    d = output_delta(z[-1], a[-1], target)
    found = []
    for l in reversed(range(len(parameters))):
        found.insert(0, (weight_gradient(d, a[l]), bias_gradient(d)))
        if l > 0:
            d = delta(d, parameters[l][0], z[l - 1])
    return found
