from typing import NamedTuple

import numpy as np


class Params(NamedTuple):
    w_hidden: np.ndarray
    b_hidden: np.ndarray
    w_out: np.ndarray
    b_out: np.ndarray


class Trace(NamedTuple):
    x: np.ndarray
    hidden: np.ndarray
    probs: np.ndarray


def init(rng: np.random.Generator, n_in: int, n_hidden: int, n_out: int) -> Params:
    return Params(
        w_hidden=rng.standard_normal((n_in, n_hidden)) / np.sqrt(n_in),
        b_hidden=np.zeros(n_hidden),
        w_out=rng.standard_normal((n_hidden, n_out)) / np.sqrt(n_hidden),
        b_out=np.zeros(n_out),
    )


def softplus(z):
    return np.logaddexp(0, z)


def run(p: Params, x: np.ndarray) -> Trace:
    hidden = softplus(x @ p.w_hidden + p.b_hidden)
    logits = hidden @ p.w_out + p.b_out
    logits = logits - logits.max(axis=-1, keepdims=True)
    probs = np.exp(logits)
    return Trace(x, hidden, probs / probs.sum(axis=-1, keepdims=True))


def loss(p: Params, x: np.ndarray, onehot: np.ndarray) -> float:
    return float(-(onehot * np.log(run(p, x).probs)).sum() / len(x))


def grad(p: Params, trace: Trace, onehot: np.ndarray) -> Params:
    d_logits = (trace.probs - onehot) / len(onehot)
    # softplus' is the sigmoid, and sigmoid(z) = 1 - exp(-softplus(z))
    d_z = (d_logits @ p.w_out.T) * (1 - np.exp(-trace.hidden))
    return Params(
        w_hidden=trace.x.T @ d_z,
        b_hidden=d_z.sum(axis=0),
        w_out=trace.hidden.T @ d_logits,
        b_out=d_logits.sum(axis=0),
    )


def sgd(p: Params, g: Params, lr: float) -> Params:
    return Params(*(value - lr * slope for value, slope in zip(p, g)))


def check_gradient(p: Params, x, onehot, eps=1e-6):
    analytic = grad(p, run(p, x), onehot)
    for name in Params._fields:
        array = getattr(p, name)
        index = tuple(0 for _ in array.shape)
        up, down = array.copy(), array.copy()
        up[index] += eps
        down[index] -= eps
        numeric = (loss(p._replace(**{name: up}), x, onehot) - loss(p._replace(**{name: down}), x, onehot)) / (2 * eps)
        assert abs(numeric - getattr(analytic, name)[index]) < 1e-7, name


def main():
    rng = np.random.default_rng(0)
    centers = rng.normal(scale=2, size=(4, 2))
    labels = rng.integers(0, 4, size=400)
    x = centers[labels] + rng.normal(scale=0.5, size=(400, 2))
    onehot = np.eye(4)[labels]

    p = init(rng, 2, 16, 4)
    check_gradient(p, x, onehot)
    for step in range(1000):
        p = sgd(p, grad(p, run(p, x), onehot), 0.2)
        if step % 100 == 0:
            print(step, loss(p, x, onehot))


if __name__ == "__main__":
    main()
