"""Initial parameters and mini-batches: drawn once per seed, the same for everybody."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from shared.initial import digest, draw_orders, draw_parameters
from shared.spec import NetworkSpec, TrainingSpec

SPEC, TRAINING = NetworkSpec.dense((784, 30, 30, 10)), TrainingSpec()


def test_parameters_are_fixed_by_the_seed_for_ever() -> None:
    assert digest(draw_parameters(NetworkSpec(), TRAINING))[:16] == "71632aeb71bd1c81"
    assert digest(next(draw_orders(TRAINING, 50_000)))[:16] == "4add513fde30db07"
    assert digest(draw_parameters(SPEC, TRAINING)) != digest(draw_parameters(SPEC, replace(TRAINING, seed=2)))


def test_parameters_have_the_shapes_and_the_dtype() -> None:
    for dtype in ("float32", "float64"):
        parameters = draw_parameters(SPEC, replace(TRAINING, dtype=dtype))
        assert [parameters[f"W{l}"].shape for l in (1, 2, 3)] == [(30, 784), (30, 30), (10, 30)]
        assert [parameters[f"b{l}"].shape for l in (1, 2, 3)] == [(30,), (30,), (10,)]
        assert list(parameters) == ["W1", "b1", "W2", "b2", "W3", "b3"]
        assert {tensor.dtype.name for tensor in parameters.values()} == {dtype}


def test_a_layer_without_bias_has_none() -> None:
    assert list(draw_parameters(NetworkSpec.parse("784-30_nobias-10"), TRAINING)) == ["W1", "W2", "b2"]


def test_float32_parameters_are_the_float64_ones_rounded() -> None:
    single, double = (draw_parameters(SPEC, replace(TRAINING, dtype=d)) for d in ("float32", "float64"))
    for name, tensor in double.items():
        assert np.array_equal(single[name], tensor.astype(np.float32))


def test_normal_is_standard_normal_and_scaled_divides_weights_alone() -> None:
    normal = draw_parameters(SPEC, replace(TRAINING, dtype="float64"))
    scaled = draw_parameters(SPEC, replace(TRAINING, dtype="float64", initial="scaled"))
    assert normal["W1"].std() == pytest.approx(1, abs=0.02)
    assert np.allclose(scaled["W1"] * 28, normal["W1"], rtol=1e-15)
    assert np.array_equal(scaled["b1"], normal["b1"])


def test_orders_are_permutations_other_in_each_epoch_and_independent_of_the_network() -> None:
    first, second = islice(draw_orders(TRAINING, 1000), 2)
    assert np.array_equal(np.sort(first), np.arange(1000))
    assert not np.array_equal(first, second)
    assert np.array_equal(first, next(draw_orders(replace(TRAINING, initial="scaled"), 1000)))
