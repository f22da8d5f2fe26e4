"""The reference's own parts: no overflow and no warning for any finite input (warnings are errors here)."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.special import expit, log_softmax, logsumexp
from scipy.special import softmax as scipy_softmax

from impls.numpy_scratch import ACTIVATIONS as FUNCTIONS
from impls.numpy_scratch import log_sum_exp, sigmoid, softmax, softplus
from shared.interface import Array
from shared.layers import ACTIVATIONS

EXTREMES = [0.0, -0.0, 1e-45, 87.9, 88.0, 88.8, 104, -87.9, -88.0, -88.8, -104, 709.8, -709.8, -745.2, 1e30, -1e30]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sigmoid_is_exact_to_the_dtype_for_any_finite_input(dtype: type) -> None:
    top = np.finfo(dtype).max
    z: Array = np.concatenate([np.linspace(-120, 120, 100_001), EXTREMES, [top, -top]]).astype(dtype)
    a = sigmoid(z)
    assert a.dtype == dtype
    # Below -88 the true value, under 1e-38, is given as 6e-39.
    assert np.allclose(a, expit(z.astype(np.float64)), rtol=4 * np.finfo(dtype).eps, atol=1e-38)


@given(hnp.arrays(np.float32, (3, 4), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_softmax_is_scipys(z: Array) -> None:
    with np.errstate(over="ignore"):  # z - max z may overflow to -inf, whose exp is right: 0
        assert np.allclose(softmax(z), scipy_softmax(z.astype(np.float64), axis=1), atol=1e-6)


def test_log_sum_exp_keeps_what_softmax_loses() -> None:
    z = np.array([[1000.0, 0.0], [-1000.0, 0.0]])
    assert np.array_equal(log_sum_exp(z)[:, 0], logsumexp(z, axis=1))
    assert np.array_equal(z - log_sum_exp(z), log_softmax(z, axis=1))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softplus_keeps_its_digits_where_exp_overflows_or_vanishes(dtype: type) -> None:
    z: Array = np.concatenate([np.linspace(-120, 120, 10_001), EXTREMES]).astype(dtype)
    expected = np.logaddexp(0, z.astype(np.float64))
    assert np.allclose(softplus(z), expected, rtol=4 * np.finfo(dtype).eps, atol=1e-38)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_derivatives_are_difference_quotients(name: str) -> None:
    f, df = FUNCTIONS[name]
    z = np.linspace(-4, 4, 801) + 0.0049  # not at 0, where relu has no derivative
    assert np.allclose(df(z, f(z)), (f(z + 1e-6) - f(z - 1e-6)) / 2e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
def test_the_derivative_at_the_kink_is_the_left_one(name: str) -> None:
    f, df = FUNCTIONS[name]
    zero = np.zeros(1)
    assert df(zero, f(zero))[0] == df(zero - 1, f(zero - 1))[0]
