"""Convolutions and pools: every implementation, every combination, and windows whose values are equal."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from impls.numpy_scratch import Network as Reference
from shared import implementations, initial
from shared.agreement import rounding
from shared.agreement.metrics import worst
from shared.agreement.observation import compare, disagreements
from shared.agreement.survey import CONVOLUTIONAL
from shared.diagnosis.diagnose import diagnose
from shared.processes.calls import CallProcess
from shared.spec import DTYPES, NetworkSpec, TrainingSpec
from tests import calls
from tests.cases import Case, in_turn, is_compiled, reference, tolerance

ARTICLE = "28x28-conv32-pool-conv64-pool-10"
SMALL = (
    "8x8-conv3-pool-conv4-pool-5",
    "6x4x3-conv3k5tanh-conv2k1sigmoid-pool-7tanh-4sigmoid",
    "4x4x2-pool-conv3leaky_relu_nobias-3, quadratic",
    "5x7x2-conv3tanh-3, binary_cross_entropy",
    "8x8-pool-pool-3",
    "2x2-conv2k5sigmoid-pool-3, identity, quadratic",
)
"""Each kernel and activation, images with and without channels, higher than wide and wider than high."""


def convolutional(network: str, dtype: str = "float64", n: int = 6, **more: object) -> Case:
    training = TrainingSpec(dtype=dtype, initial="scaled", learning_rate=0.05, batch_size=n)
    return Case(NetworkSpec.parse(network), replace(training, **more), n_examples=4 * n + 1)  # type: ignore[arg-type]


@pytest.mark.exhaustive_unless(fits=lambda network, text, dtype: not is_compiled(network) and dtype == "float64")
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("text", SMALL)
def test_gradients_agree_with_the_reference(network: CallProcess, text: str, dtype: str) -> None:
    c = convolutional(text, dtype)
    x, y, _ = c.data()
    loss, gradients = network.call(calls.loss_and_gradients, c.spec, c.training, c.parameters(), x, y)
    exact, x = initial.cast(c.parameters(), "float64"), x.astype("float64")
    expected_loss, expected = Reference(c.spec, replace(c.training, dtype="float64"), exact).loss_and_gradients(x, y)
    bounds = rounding.bounds(c.spec, exact, x, y, dtype)
    assert loss == pytest.approx(expected_loss, rel=1e-12 if dtype == "float64" else 1e-5)
    for name, tensor in expected.items():
        error = worst({name: gradients[name]}, {name: tensor}).error
        assert error <= (1e-12 if dtype == "float64" else bounds[name]), name


OBSERVED = [
    convolutional(SMALL[0], "float64", optimizer="adam", learning_rate=0.01),
    convolutional(SMALL[1], "float32", optimizer="momentum"),
    # with the identity, steps of the usual size diverge
    *(
        convolutional(text, dtype, learning_rate=0.0005 if "identity" in text else 0.05)
        for text in CONVOLUTIONAL
        for dtype in DTYPES
    ),
]


def is_worth_the_time(network: str, c: Case) -> bool:
    """Loops over examples in Python take seconds for each: half of the networks of many pixels, each in one dtype."""
    number = OBSERVED.index(c)
    return in_turn(network, number) and (network != "numpy_per_example" or number < 2 or number % 8 in (2, 5))


@pytest.mark.exhaustive_unless(fits=lambda network, c: not is_compiled(network) and c == OBSERVED[0])
@pytest.mark.only_if(fits=is_worth_the_time)
@pytest.mark.parametrize("c", OBSERVED, ids=str)
def test_training_agrees_with_the_reference(network: CallProcess, c: Case) -> None:
    x, y, order = c.data()
    found = network.call(calls.observe, c.spec, c.training, c.parameters(), x, y, order)
    assert disagreements(compare(found, reference(c)), tolerance(c)) == []


# A kernel of 0 makes all values of a window equal, and not the patches that the gradient of the kernel is made of.
@pytest.mark.exhaustive_unless(fits=lambda network: not is_compiled(network))
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("text", ["8x8-conv3sigmoid-pool-5softmax", "28x28-conv16-pool-10"])
def test_the_first_of_equal_maxima_gets_the_gradient(network: CallProcess, text: str, dtype: str) -> None:
    c = convolutional(text, dtype)
    parameters = c.parameters()
    parameters["W1"][:] = 0
    parameters["b1"][:] = 1
    x, y, order = c.data()
    _, gradients = network.call(calls.loss_and_gradients, c.spec, c.training, parameters, x, y)
    exact = initial.cast(parameters, "float64")
    _, expected = Reference(c.spec, replace(c.training, dtype="float64"), exact).loss_and_gradients(x.astype(float), y)
    assert worst(gradients, expected).error <= (1e-12 if dtype == "float64" else 1e-5)
    # and in training, which may be compiled in another way than `loss_and_gradients`
    one = c.training.batch_size
    trained = network.call(calls.steps, c.spec, c.training, parameters, x, y, order[:one])
    right = Reference(c.spec, replace(c.training, dtype="float64"), exact)
    right.load(x.astype(float), y)
    right.train(order[:one])
    assert worst(trained, right.parameters()).error <= (1e-12 if dtype == "float64" else 1e-5)


@pytest.mark.exhaustive_unless(fits=lambda network: not is_compiled(network))
def test_no_check_of_the_diagnosis_accuses_it(network: CallProcess) -> None:
    spec = NetworkSpec.parse(SMALL[0])
    found = diagnose(spec, network.call(calls.ask_all, spec), [])
    assert found.right, found.diagnosis


@pytest.mark.exhaustive_unless(fits=lambda network: network in implementations.defaults())
def test_the_network_of_the_article(network: CallProcess) -> None:
    c = convolutional(ARTICLE, "float32", n=16)
    x, y, _ = c.data()
    _, gradients = network.call(calls.loss_and_gradients, c.spec, c.training, c.parameters(), x[:16], y[:16])
    exact, x = initial.cast(c.parameters(), "float64"), x[:16].astype("float64")
    _, expected = Reference(c.spec, replace(c.training, dtype="float64"), exact).loss_and_gradients(x, y[:16])
    bounds = rounding.bounds(c.spec, exact, x, y[:16], "float32")
    for name, tensor in expected.items():
        assert worst({name: gradients[name]}, {name: tensor}).error <= bounds[name], name


@pytest.mark.exhaustive
def test_keras_without_the_permutation_of_flattened_images_is_found_out() -> None:
    """Keras flattens an image with the channel last; the numbers of a network that forgets it look as good."""
    with CallProcess("tests/stubs/flattens_as_keras.py", calls.load, timeout=300).loaded() as process:
        spec = NetworkSpec.parse(SMALL[0])
        found = diagnose(spec, process.call(calls.ask_all, spec), [])
    assert found.diagnosis is not None
    assert found.diagnosis.name == "images flattened in another order"


# ---- The reference -----------------------------------------------------------------------------------------


def as_written(c: Case, at: dict[str, np.ndarray]) -> list[np.ndarray]:
    """z_1, z_2, ... of one example by the sums of equation (1), index by index; nothing of it is the reference's."""
    x, _, _ = c.data()
    height, width, channels = (*c.spec.input_shape, 1)[:3]
    a = x[0].reshape(height, width, channels).transpose(2, 0, 1)
    found = []
    for l, layer in enumerate(c.spec.layers, 1):
        W, b = at.get(f"W{l}"), at.get(f"b{l}")
        shape = c.spec.shapes[l]
        z = np.zeros(shape)
        for place in np.ndindex(shape):
            if W is None:
                k, i, j = place
                z[place] = max(a[k, 2 * i + u, 2 * j + v] for u in (0, 1) for v in (0, 1))
                continue
            if W.ndim == 2:
                z[place] = sum(w * value for w, value in zip(W[place[0]], a.ravel(), strict=True))
            else:
                k, i, j = place
                p = W.shape[2] // 2
                for m, u, v in np.ndindex(W.shape[1:]):
                    row, column = i + u - p, j + v - p
                    if 0 <= row < a.shape[1] and 0 <= column < a.shape[2]:
                        z[place] += W[k, m, u, v] * a[m, row, column]
            z[place] += 0 if b is None else b[place[0]]
        found.append(z.ravel())
        f: dict[str, Any] = {
            "tanh": np.tanh,
            "relu": lambda t: np.maximum(t, 0),
            "sigmoid": lambda t: 1 / (1 + np.exp(-t)),
        }
        f |= {"leaky_relu": lambda t: np.where(t > 0, t, 0.01 * t), "identity": lambda t: t}
        a = f.get(layer.activation, f["identity"])(z)
    return found


@pytest.mark.parametrize("text", SMALL)
def test_the_reference_computes_the_sums_of_equation_1(text: str) -> None:
    c = convolutional(text)
    x, y, _ = c.data()
    traced = Reference(c.spec, c.training, c.parameters()).trace(x[:1], y[:1])
    for l, z in enumerate(as_written(c, c.parameters()), 1):
        np.testing.assert_allclose(traced[f"z{l}"][0], z, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("text", SMALL)
def test_the_gradients_of_the_reference_are_the_derivatives_of_its_loss(text: str) -> None:
    c = convolutional(text)
    x, y, _ = c.data()
    network, start = Reference(c.spec, c.training, c.parameters()), c.parameters()
    _, gradients = network.loss_and_gradients(x, y)
    generator = np.random.default_rng(1)
    for name, tensor in start.items():
        v, h = generator.standard_normal(tensor.shape), 1e-7  # small: a ReLU or a maximum must not change sides
        losses = []
        for there in (tensor + h * v, tensor - h * v):
            network.reset(start | {name: there})
            losses.append(network.loss_and_gradients(x, y)[0])
        size = float(np.linalg.norm(gradients[name]) * np.linalg.norm(v))
        assert (losses[0] - losses[1]) / (2 * h) == pytest.approx(float(np.vdot(gradients[name], v)), abs=1e-6 * size)
