"""Check gradients without backpropagation: central differences of the loss, in float64.

(C(theta + h v) - C(theta - h v)) / 2h differs from <gradient, v> by O(h^2) and by rounding of O(eps / h); h is chosen
so that both are small. A random direction tests all parameters at once, a coordinate tests one.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from shared.interface import Array, Labels, Network, Parameters

H: Final = 1e-5
Vector = NDArray[np.float64]


def flatten(parameters: Parameters) -> Vector:
    """Return all parameters in one float64 vector."""
    return np.concatenate([tensor.ravel().astype(np.float64) for tensor in parameters.values()])


def unflatten(vector: Vector, like: Parameters) -> Parameters:
    """Invert `flatten`, with the names and shapes of `like`."""
    parts = np.split(vector, np.cumsum([tensor.size for tensor in like.values()])[:-1])
    return {name: part.reshape(like[name].shape) for name, part in zip(like, parts, strict=True)}


def derivative(loss: Callable[[Vector], float], theta: Vector, direction: Vector, h: float = H) -> float:
    """Return the central difference of `loss` at `theta` along `direction`."""
    return (loss(theta + h * direction) - loss(theta - h * direction)) / (2 * h)


def directions(gradient: Vector, n_random: int, n_coordinates: int, seed: int) -> Iterator[Vector]:
    """Yield unit vectors: random ones, then coordinates, half of them those with the largest gradients."""
    generator = np.random.default_rng(seed)
    for _ in range(n_random):
        v = generator.standard_normal(gradient.size)
        yield v / np.linalg.norm(v)
    largest = np.argsort(-np.abs(gradient))[: n_coordinates // 2]
    others = generator.choice(gradient.size, n_coordinates - len(largest))
    for index in (*largest, *others):
        v = np.zeros(gradient.size)
        v[index] = 1
        yield v


def worst_error(
    network: Network,
    parameters: Parameters,
    x: Array,
    y: Labels,
    *,
    n_random: int = 8,
    n_coordinates: int = 32,
    seed: int = 0,
) -> float:
    """Return the largest |difference quotient - <gradient, v>| of all directions, relative to the gradient's norm.

    Parameters
    ----------
    network : in float64; its parameters are changed.
    parameters : where to differentiate.
    x, y : a batch, (n, n_in) and (n,).
    """

    def loss(theta: Vector) -> float:
        network.reset(unflatten(theta, parameters))
        return network.loss_and_gradients(x, y)[0]

    network.reset(parameters)
    gradient = flatten(network.loss_and_gradients(x, y)[1])
    theta, scale = flatten(parameters), float(np.linalg.norm(gradient))
    errors = [
        abs(derivative(loss, theta, v) - float(gradient @ v))
        for v in directions(gradient, n_random, n_coordinates, seed)
    ]
    return max(errors) / scale
