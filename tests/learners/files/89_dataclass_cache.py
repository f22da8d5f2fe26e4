from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass
class Params:
    w1: Array
    b1: Array
    w2: Array
    b2: Array


@dataclass
class Cache:
    x: Array
    z1: Array
    a1: Array
    z2: Array
    a2: Array


@dataclass
class MLP:
    n_in: int
    n_hidden: int
    n_out: int
    seed: int = 0
    params: Params = field(init=False)

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.params = Params(
            w1=rng.normal(0, np.sqrt(2 / self.n_in), (self.n_in, self.n_hidden)),
            b1=np.zeros(self.n_hidden),
            w2=rng.normal(0, np.sqrt(2 / self.n_hidden), (self.n_hidden, self.n_out)),
            b2=np.zeros(self.n_out),
        )

    def forward(self, x: Array) -> Cache:
        p = self.params
        z1 = x @ p.w1 + p.b1
        a1 = np.where(z1 > 0, z1, 0.01 * z1)
        z2 = a1 @ p.w2 + p.b2
        e = np.exp(z2 - z2.max(axis=1, keepdims=True))
        return Cache(x, z1, a1, z2, e / e.sum(axis=1, keepdims=True))

    def loss(self, cache: Cache, y: Array) -> float:
        return float(-np.mean(np.sum(y * np.log(cache.a2 + 1e-12), axis=1)))

    def backward(self, cache: Cache, y: Array) -> Params:
        n = len(y)
        p = self.params
        dz2 = (cache.a2 - y) / n
        da1 = dz2 @ p.w2.T
        dz1 = da1 * np.where(cache.z1 > 0, 1.0, 0.0)
        return Params(
            w1=cache.x.T @ dz1,
            b1=dz1.sum(axis=0),
            w2=cache.a1.T @ dz2,
            b2=dz2.sum(axis=0),
        )

    def step(self, grads: Params, lr: float) -> None:
        for name in ("w1", "b1", "w2", "b2"):
            setattr(self.params, name, getattr(self.params, name) - lr * getattr(grads, name))


def main() -> None:
    from sklearn.datasets import load_digits

    digits = load_digits()
    x, y = digits.data / 16.0, np.eye(10)[digits.target]
    model = MLP(64, 32, 10)
    for epoch in range(100):
        cache = model.forward(x)
        model.step(model.backward(cache, y), lr=0.5)
        print(epoch, model.loss(cache, y))


if __name__ == "__main__":
    main()
