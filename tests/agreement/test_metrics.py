"""The error metrics, on values known by hand and on hostile ones."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.agreement.metrics import errors, tensor_error, worst
from shared.interface import Array


def tensors(**values: list[float]) -> dict[str, Array]:
    return {name: np.array(tensor) for name, tensor in values.items()}


def test_known_values() -> None:
    found = tensor_error(np.array([3.0, 4.0]), np.array([3.0, 0.0]))
    assert found.relative_l2 == pytest.approx(4 / 3)
    assert found.scaled_max == pytest.approx(4 / 3)
    assert found.cosine == pytest.approx(0.6)
    assert found.norm_ratio == pytest.approx(5 / 3)


def test_a_scaled_tensor_has_a_perfect_cosine_and_a_relative_error() -> None:
    r = np.linspace(-1, 1, 20)
    found = tensor_error(10 * r, r)
    assert found.cosine == pytest.approx(1)
    assert found.norm_ratio == pytest.approx(10)
    assert found.relative_l2 == pytest.approx(9)


def test_zero_against_zero_is_no_error_and_something_against_zero_an_infinite_one() -> None:
    assert tensor_error(np.zeros(3), np.zeros(3)).relative_l2 == 0
    assert tensor_error(np.zeros(3), np.zeros(3)).cosine == 1
    assert tensor_error(np.ones(3), np.zeros(3)).relative_l2 == math.inf


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_the_worst_of_all(value: float) -> None:
    found = worst(tensors(W1=[1, 2], W2=[value, 1]), tensors(W1=[5, 5], W2=[1, 1]))
    assert math.isnan(found.error)
    assert found.tensor == "W2"


def test_differences_are_taken_in_float64() -> None:
    r = np.full(1000, 1 / 3)
    assert tensor_error(r.astype(np.float32), r).relative_l2 == pytest.approx(2.98e-8, rel=0.01)


@pytest.mark.parametrize("scale", [1e-300, 1e300])
def test_norms_neither_overflow_nor_vanish(scale: float) -> None:
    assert tensor_error(np.full(4, 1.5 * scale), np.full(4, scale)).relative_l2 == pytest.approx(0.5)


def test_other_shapes_and_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"got shape \(2,\), expected \(3,\)"):
        errors(tensors(W1=[1, 2]), tensors(W1=[1, 2, 3]))
    with pytest.raises(ValueError, match="tensors: got W1, expected W1, b1"):
        errors(tensors(W1=[1]), tensors(W1=[1], b1=[1]))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9), st.floats(1e-3, 1e3))
def test_the_relative_error_does_not_depend_on_the_unit(values: list[float], unit: float) -> None:
    r = np.array(values)
    c = r + np.linspace(0, 1, len(r))
    assert tensor_error(unit * c, unit * r).relative_l2 == pytest.approx(tensor_error(c, r).relative_l2, rel=1e-9)


def test_units_in_the_last_place_are_those_of_the_dtype_of_the_candidate() -> None:
    one = np.array([1.0, 0.5])
    off = {dtype: one.astype(dtype) for dtype in ("float32", "float64")}
    for dtype, candidate in off.items():
        candidate[0] = np.nextafter(candidate[0], candidate.dtype.type(2))
        assert tensor_error(candidate, one).ulps == 1, dtype
        assert tensor_error(one.astype(dtype), one).ulps == 0
