"""The float64 reference, proven by others: differences of its loss, complex steps, and 50 digits.

The loss is written here once more, so that it works on complex and on mpmath numbers; nothing of it is backprop.
"""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import mpmath
import numpy as np
import pytest

from impls.numpy_scratch import Network as Reference
from shared.agreement.finite_differences import derivative, directions, flatten, unflatten
from shared.interface import Labels
from shared.layers import ACTIVATIONS
from shared.spec import LEAKY_SLOPE, LOSSES, NetworkSpec
from tests.cases import Case, case, mixed

DEPTHS = ((5, 3), (5, 4, 3), (5, 4, 6, 3), (5, 4, 6, 2, 3))
CASES = [
    replace(case(sizes, activation, loss, batch_size=7, initial="scaled"), n_examples=7)
    for sizes in DEPTHS
    for activation in ACTIVATIONS
    for loss in LOSSES
]
MIXED = (
    "5-4relu-3sigmoid, quadratic",
    "5-4tanh-3identity",
    "5-4leaky_relu-6tanh-3, binary_cross_entropy",
    "5-4sigmoid-6relu-3softmax",
    "5-4tanh_nobias-3_nobias",
)
CASES += [replace(mixed(network, "float64"), n_examples=7) for network in MIXED]
CASES = list(dict.fromkeys(CASES))  # a single layer has the activation of its loss


def on_complex(spec: NetworkSpec, parameters: dict[str, Any], x: Any, y: Labels) -> complex:
    """Equations (1)-(3) on complex parameters; which side of a kink a number is on, its real part says."""
    functions: dict[str, Callable[[Any], Any]] = {
        "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "tanh": np.tanh,
        "relu": lambda z: np.where(z.real > 0, z, 0),
        "leaky_relu": lambda z: np.where(z.real > 0, z, LEAKY_SLOPE * z),
        "identity": lambda z: z,
        "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
    }
    a = x.astype(complex)
    for l, layer in enumerate(spec.layers, 1):
        a = functions[layer.activation](a @ parameters[f"W{l}"].T + parameters.get(f"b{l}", 0))
    n, target = len(y), np.eye(spec.n_out)[y]
    if spec.loss == "quadratic":
        return complex(((a - target) ** 2).sum() / (2 * n))  # a square, not an absolute value: it must be analytic
    others = np.log(1 - a) if spec.loss == "binary_cross_entropy" else 0
    return complex(-(target * np.log(a) + (1 - target) * others).sum() / n)


@pytest.mark.parametrize("c", CASES, ids=str)
def test_complex_steps_find_the_same_derivatives(c: Case) -> None:
    """Im C(theta + i h v) / h subtracts nothing, so h can be as small as its error must be (Squire and Trapp 1998)."""
    x, y, _ = c.data()
    parameters = c.parameters()
    loss, gradients = Reference(c.spec, c.training, parameters).loss_and_gradients(x, y)
    gradient, theta, h = flatten(gradients), flatten(parameters), 1e-30
    assert on_complex(c.spec, parameters, x, y).real == pytest.approx(loss, rel=1e-14, abs=0)
    for v in directions(gradient, n_random=8, n_coordinates=16, seed=1):
        direction = unflatten(v, parameters)
        shifted = {name: tensor + 1j * h * direction[name] for name, tensor in parameters.items()}
        found = on_complex(c.spec, shifted, x, y).imag / h
        assert abs(found - gradient @ v) <= 1e-14 * np.linalg.norm(gradient)
    assert theta.size == c.spec.parameter_count


@pytest.mark.parametrize("c", CASES, ids=str)
def test_differences_along_random_directions_find_the_same_derivatives(c: Case) -> None:
    x, y, _ = c.data()
    parameters = c.parameters()
    network = Reference(c.spec, c.training, parameters)
    gradient = flatten(network.loss_and_gradients(x, y)[1])

    def loss(theta: Any) -> float:
        network.reset(unflatten(theta, parameters))
        return network.loss_and_gradients(x, y)[0]

    for v in directions(gradient, n_random=16, n_coordinates=0, seed=2):
        difference = derivative(loss, flatten(parameters), v)
        assert abs(difference - gradient @ v) <= 1e-8 * np.linalg.norm(gradient)


def in_50_digits(c: Case) -> tuple[mpmath.mpf, list[mpmath.mpf]]:
    """C and its gradient as central differences with h = 1e-20: of 50 digits they leave 1e-30, and h^2 is 1e-40."""
    x, y, _ = c.data()
    theta = [mpmath.mpf(float(t)) for t in flatten(c.parameters())]
    inputs = [[mpmath.mpf(float(value)) for value in row] for row in x]
    functions: dict[str, Callable[[Any], Any]] = {
        "sigmoid": lambda z: 1 / (1 + mpmath.exp(-z)),
        "tanh": mpmath.tanh,
        "relu": lambda z: z if z > 0 else mpmath.mpf(0),
        "leaky_relu": lambda z: z if z > 0 else mpmath.mpf(LEAKY_SLOPE) * z,
        "identity": lambda z: z,
    }

    def loss(values: list[mpmath.mpf]) -> mpmath.mpf:
        total = mpmath.mpf(0)
        for row, label in zip(inputs, y, strict=True):
            a, start = row, 0
            for layer, (n_in, n_out) in zip(c.spec.layers, pairwise(c.spec.sizes), strict=True):
                W, b = values[start : start + n_out * n_in], values[start + n_out * n_in : start + n_out * (n_in + 1)]
                start += n_out * (n_in + 1)
                z = [mpmath.fdot(W[j * n_in : (j + 1) * n_in], a) + b[j] for j in range(n_out)]
                a = [functions[layer.activation](value) for value in z] if layer.activation != "softmax" else z
            if c.spec.loss == "quadratic":
                total += sum((a_j - (j == label)) ** 2 for j, a_j in enumerate(a)) / 2
            elif c.spec.loss == "binary_cross_entropy":
                total -= sum(mpmath.log(a_j if j == label else 1 - a_j) for j, a_j in enumerate(a))
            else:
                total += mpmath.log(sum(map(mpmath.exp, z))) - z[label]
        return total / len(y)

    h = mpmath.mpf(10) ** -20
    gradient = []
    for i, value in enumerate(theta):
        up, down = ([*theta[:i], value + sign * h, *theta[i + 1 :]] for sign in (1, -1))
        gradient.append((loss(up) - loss(down)) / (2 * h))
    return loss(theta), gradient


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", LOSSES)
def test_fifty_digits_find_the_same_gradients(activation: str, loss: str) -> None:
    c = replace(case((5, 4, 3), activation, loss, batch_size=3, initial="scaled"), n_examples=3)
    x, y, _ = c.data()
    found_loss, found = Reference(c.spec, replace(c.training, dtype="float64"), c.parameters()).loss_and_gradients(x, y)
    with mpmath.workdps(50):
        exact_loss, exact = in_50_digits(c)
        assert abs(found_loss - exact_loss) <= 1e-14 * exact_loss
        start = 0
        for name, tensor in found.items():
            values = exact[start : start + tensor.size]
            start += tensor.size
            off = mpmath.sqrt(sum((g - e) ** 2 for g, e in zip(map(float, tensor.ravel()), values, strict=True)))
            assert off <= 1e-14 * mpmath.sqrt(sum(e**2 for e in values)), name
        assert start == len(exact)
