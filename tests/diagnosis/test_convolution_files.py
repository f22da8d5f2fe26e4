"""A convolution as a learner writes it, and the mistakes that learners make in it."""

from pathlib import Path

import pytest

from tests.diagnosis.learner import verdict

RIGHT = """
import numpy as np

NETWORK = "8x8-conv3-pool-conv4-pool-5"


def pad(a, p):
    return np.pad(a, ((0, 0), (0, 0), (p, p), (p, p)))


def windows(a, k):
    return np.lib.stride_tricks.sliding_window_view(a, (k, k), axis=(2, 3))


def correlate(a, W):
    k = W.shape[2]
    return np.einsum("nchwuv,kcuv->nkhw", windows(pad(a, k // 2), k), W)


def blocks(a):
    n, c, h, w = a.shape
    return a.reshape(n, c, h // 2, 2, w // 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, h // 2, w // 2, 4)


def unblock(b):
    n, c, h, w, _ = b.shape
    return b.reshape(n, c, h, w, 2, 2).transpose(0, 1, 2, 4, 3, 5).reshape(n, c, 2 * h, 2 * w)


def pool(a):
    return blocks(a).max(axis=-1)


def pool_back(d, a):
    first = np.eye(4)[blocks(a).argmax(axis=-1)]
    return unblock(first * d[..., None])


def run(parameters, x):
    (W1, b1), (W2, b2), (W3, b3) = parameters
    x = x.reshape(-1, 1, 8, 8)
    z1 = correlate(x, W1) + b1[:, None, None]
    a1 = np.maximum(z1, 0)
    p1 = pool(a1)
    z2 = correlate(p1, W2) + b2[:, None, None]
    a2 = np.maximum(z2, 0)
    p2 = pool(a2)
    flat = p2.reshape(len(x), -1)
    z3 = flat @ W3.T + b3
    e = np.exp(z3 - z3.max(axis=1, keepdims=True))
    return x, z1, a1, p1, z2, a2, p2, flat, e / e.sum(axis=1, keepdims=True)


def forward(parameters, x):
    return run(parameters, x)[-1]


def gradients(parameters, x, y):
    (W1, b1), (W2, b2), (W3, b3) = parameters
    x, z1, a1, p1, z2, a2, p2, flat, out = run(parameters, x)
    d3 = (out - np.eye(5)[y]) / len(y)
    dW3, db3 = d3.T @ flat, d3.sum(axis=0)
    d2 = pool_back((d3 @ W3).reshape(p2.shape), a2) * (z2 > 0)
    dW2 = np.einsum("nkhw,nchwuv->kcuv", d2, windows(pad(p1, 1), 3))
    db2 = d2.sum(axis=(0, 2, 3))
    dp1 = correlate(d2, W2[:, :, ::-1, ::-1].swapaxes(0, 1))
    d1 = pool_back(dp1, a1) * (z1 > 0)
    dW1 = np.einsum("nkhw,nchwuv->kcuv", d1, windows(pad(x, 1), 3))
    db1 = d1.sum(axis=(0, 2, 3))
    return [(dW1, db1), (dW2, db2), (dW3, db3)]
"""
SLIPS = [
    ("kernel not turned", "W2[:, :, ::-1, ::-1].swapaxes(0, 1)", "W2.swapaxes(0, 1)"),
    ("kernel turned in the forward pass", '"nchwuv,kcuv->nkhw", windows(pad(a, k // 2), k), W)',
     '"nchwuv,kcuv->nkhw", windows(pad(a, k // 2), k), W[:, :, ::-1, ::-1])'),
    ("padding on one side only", "return np.pad(a, ((0, 0), (0, 0), (p, p), (p, p)))",
     "return np.pad(a, ((0, 0), (0, 0), (0, 2 * p), (0, 2 * p)))"),
    ("rim filled with copies instead of zeros", "((0, 0), (0, 0), (p, p), (p, p)))",
     '((0, 0), (0, 0), (p, p), (p, p)), mode="edge")'),
    ("padding forgotten in (5)", "dp1 = correlate(d2, W2[:, :, ::-1, ::-1].swapaxes(0, 1))",
     "wide = np.zeros((len(x), 3, 6, 6))\n"
     "    for i, j in np.ndindex(4, 4):\n"
     '        wide[:, :, i:i + 3, j:j + 3] += np.einsum("nk,kcuv->ncuv", d2[:, :, i, j], W2)\n'
     "    dp1 = wide[:, :, :4, :4]"),
    ("padding forgotten in (6)", "windows(pad(p1, 1), 3)", "windows(np.pad(p1, ((0, 0), (0, 0), (0, 2), (0, 2))), 3)"),
    ("dW turned", 'dW2 = np.einsum("nkhw,nchwuv->kcuv", d2, windows(pad(p1, 1), 3))',
     'dW2 = np.einsum("nkhw,nchwuv->kcuv", d2, windows(pad(p1, 1), 3))[:, :, ::-1, ::-1]'),
    ("bias gradient not summed over the places", "db2 = d2.sum(axis=(0, 2, 3))",
     "db2 = d2.mean(axis=(2, 3)).sum(axis=0)"),
    ("gradient to every equal maximum", "first = np.eye(4)[blocks(a).argmax(axis=-1)]",
     "first = blocks(a) == blocks(a).max(axis=-1, keepdims=True)"),
    ("gradient shared among equal maxima", "first = np.eye(4)[blocks(a).argmax(axis=-1)]",
     "first = blocks(a) == blocks(a).max(axis=-1, keepdims=True)\n"
     "    first = first / first.sum(axis=-1, keepdims=True)"),
    ("gradient spread over the window", "np.eye(4)[blocks(a).argmax(axis=-1)]", "np.full((4,), 0.25)"),
    ("gradient to the first of each window", "np.eye(4)[blocks(a).argmax(axis=-1)]", "np.eye(4)[0]"),
    ("average instead of maximum", "return blocks(a).max(axis=-1)", "return blocks(a).mean(axis=-1)"),
    ("stride without a maximum", "return blocks(a).max(axis=-1)", "return a[:, :, ::2, ::2]"),
    ("images flattened in another order", "flat = p2.reshape(len(x), -1)",
     "flat = p2.transpose(0, 2, 3, 1).reshape(len(x), -1)"),
    ("images flattened column by column", "flat = p2.reshape(len(x), -1)",
     "flat = p2.transpose(0, 1, 3, 2).reshape(len(x), -1)"),
]  # fmt: skip
FOLLOWS = {
    "average instead of maximum": [("np.eye(4)[blocks(a).argmax(axis=-1)]", "np.full((4,), 0.25)")],
    "stride without a maximum": [("np.eye(4)[blocks(a).argmax(axis=-1)]", "np.eye(4)[0]")],
}
"""What a mistake in the forward pass brings with it, where its author derived the rest rightly."""


def test_the_right_file_is_right(tmp_path: Path) -> None:
    found = verdict(tmp_path, RIGHT)
    assert found.right, found.diagnosis
    assert not any(found.checks.values())


@pytest.mark.parametrize(("mistake", "old", "new"), SLIPS, ids=[mistake for mistake, _, _ in SLIPS])
def test_a_slip_is_called_by_its_own_name(mistake: str, old: str, new: str, tmp_path: Path) -> None:
    source = RIGHT
    for before, after in [(old, new), *FOLLOWS.get(mistake, [])]:
        assert before in source
        source = source.replace(before, after)
    found = verdict(tmp_path, source).diagnosis
    assert found is not None
    assert found.name == mistake, found
