"""The reference itself is proven against difference quotients, for every activation, loss and depth."""

import numpy as np
import pytest

from impls.numpy_scratch import Network
from shared.agreement.finite_differences import derivative, directions, flatten, unflatten, worst_error
from shared.layers import ACTIVATIONS
from shared.spec import LOSSES
from tests.cases import case


@pytest.mark.exhaustive_unless(fits=lambda sizes: sizes[0] == 5)
@pytest.mark.parametrize("sizes", [(784, 10), (784, 30, 10), (784, 30, 30, 10), (5, 4, 3, 2, 6)])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_reference_gradients_are_the_difference_quotients(sizes: tuple[int, ...], activation: str, loss: str) -> None:
    c = case(sizes, activation, loss)
    x, y, _ = c.data()
    network = Network(c.spec, c.training, c.parameters())
    # h^2 of truncation and eps / h of rounding: 1e-10 and 2e-11, times what the loss is curved. Measured: up to 2e-9.
    assert worst_error(network, c.parameters(), x[:7], y[:7]) < 1e-8


def test_the_quotient_of_a_cubic_is_its_derivative() -> None:
    assert derivative(lambda v: float(v[0] ** 3), np.array([2.0, 0.0]), np.array([1.0, 0.0])) == pytest.approx(12)


def test_directions_are_unit_vectors_and_reach_the_largest_entries() -> None:
    gradient = np.linspace(-1, 0.5, 50)
    found = list(directions(gradient, n_random=3, n_coordinates=6, seed=1))
    assert len(found) == 9
    assert all(np.linalg.norm(v) == pytest.approx(1) for v in found)
    assert [int(np.argmax(v)) for v in found[3:6]] == [0, 1, 2]


def test_flatten_and_unflatten_are_inverse() -> None:
    parameters = case((5, 4, 3)).parameters()
    back = unflatten(flatten(parameters), parameters)
    assert list(back) == list(parameters)
    assert all(np.array_equal(back[name], tensor) for name, tensor in parameters.items())
