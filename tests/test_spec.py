"""Specs refuse what no experiment can have, and say what is allowed."""

import math
import re
from typing import Any

import pytest
from hypothesis import given

from shared.errors import SpecError
from shared.layers import Dense
from shared.spec import NetworkSpec, TrainingSpec
from tests.cases import networks


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"sizes": (784,)}, "at least two layer sizes"),
        ({"sizes": [784, 10]}, "a tuple"),
        ({"sizes": (784, 0, 10)}, "sizes: got 0, expected a whole number of at least 1"),
        ({"sizes": (784, 3.5, 10)}, "got 3.5"),
        ({"sizes": (784, True, 10)}, "got True"),
        ({"activation": "swish"}, "activation: got 'swish', expected one of sigmoid, tanh, relu, leaky_relu"),
        ({"loss": "hinge"}, "expected one of quadratic, cross_entropy"),
    ],
)
def test_a_wrong_network_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        NetworkSpec.dense(**fields)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"optimizer": "adamw"}, "optimizer: got 'adamw', expected one of sgd, momentum, adam; did you mean adam?"),
        ({"learning_rate": 0}, "learning_rate: got 0, expected a finite number above 0"),
        ({"learning_rate": -1.0}, "got -1.0"),
        ({"learning_rate": math.nan}, "got nan"),
        ({"learning_rate": math.inf}, "got inf"),
        ({"learning_rate": "3"}, "got '3'"),
        ({"learning_rate": True}, "got True"),
        ({"batch_size": 0}, "batch_size: got 0"),
        ({"batch_size": 2.0}, "got 2.0"),
        ({"epochs": 0}, "epochs: got 0"),
        ({"seed": -1}, "seed: got -1, expected a whole number of at least 0"),
        ({"initial": "xavier"}, "expected one of normal, scaled"),
        ({"dtype": "float16"}, "expected one of float32, float64"),
    ],
)
def test_a_wrong_training_is_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        TrainingSpec(**fields)


def test_the_default_is_the_articles_network() -> None:
    assert NetworkSpec() == NetworkSpec.dense((784, 30, 10), "sigmoid", "quadratic")
    assert NetworkSpec().shapes == ((784,), (30,), (10,))
    assert NetworkSpec().parameter_shapes == {"W1": (30, 784), "b1": (30,), "W2": (10, 30), "b2": (10,)}
    assert NetworkSpec().parameter_count == 23_860
    assert str(NetworkSpec()) == "784-30-10, sigmoid, quadratic"
    assert str(NetworkSpec.dense((784, 10), "tanh", "cross_entropy")) == "784-10, cross_entropy"
    assert str(NetworkSpec.dense((784, 10), "tanh")) == "784-10, tanh, quadratic"
    assert str(TrainingSpec(epochs=1)).startswith("sgd, learning rate 3, batch 10, 1 epoch, float32")


@pytest.mark.parametrize(
    ("text", "spec"),
    [
        ("784-30-10", NetworkSpec()),
        ("784-30tanh-10sigmoid", NetworkSpec((784,), (Dense(30, "tanh"), Dense(10, "sigmoid")))),
        ("784-30-10, tanh", NetworkSpec.dense(activation="tanh")),
        ("784-30relu-10softmax", NetworkSpec.dense(activation="relu", loss="cross_entropy")),
        ("784-30-10,relu,cross_entropy", NetworkSpec.dense(activation="relu", loss="cross_entropy")),
        ("784-30-10, binary_cross_entropy", NetworkSpec.dense(loss="binary_cross_entropy")),
        ("784-30_nobias-10identity", NetworkSpec((784,), (Dense(30, bias=False), Dense(10, "identity")))),
        ("784-30leaky_relu_nobias-10", NetworkSpec((784,), (Dense(30, "leaky_relu", bias=False), Dense(10)))),
        ("28x28-30-10", NetworkSpec((28, 28), (Dense(30), Dense(10)))),
    ],
)
def test_the_notation_is_read(text: str, spec: NetworkSpec) -> None:
    assert NetworkSpec.parse(text) == spec


def test_what_the_notation_leaves_open_may_be_given() -> None:
    assert NetworkSpec.parse("784-30-10", "relu", "cross_entropy") == NetworkSpec.dense(
        activation="relu", loss="cross_entropy"
    )
    assert NetworkSpec.parse("784-30tanh-10, quadratic", "relu", "cross_entropy") == NetworkSpec(
        (784,), (Dense(30, "tanh"), Dense(10, "relu"))
    )


@given(networks)
def test_what_is_printed_is_read_again(spec: NetworkSpec) -> None:
    assert NetworkSpec.parse(str(spec)) == spec


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("784", "network: got '784', expected an input and layers, such as 784-30-10"),
        ("", "an input and layers"),
        ("784-30--10", "network: got '', expected a layer"),
        ("784-30x2-10", "network: got '30x2', expected a layer"),
        ("784-30sigmiod-10", "did you mean sigmoid?"),
        ("784-30-10, hinge", "network: got 'hinge', expected one of sigmoid"),
        ("784-0-10", "network: got '0', expected a layer with at least 1 unit"),
        ("0-30-10", "network: got '0-30-10', expected an input of at least 1 value"),
        ("784-30-10sofmax", "network: got '10sofmax', expected a layer and one of sigmoid, "),
        ("784-30-10sofmax", "did you mean softmax?"),
        ("784-30-10, tanh, relu", "expected at most one activation and one loss after the commas"),
        ("784-30-10, quadratic, tanh, quadratic", "expected at most one activation and one loss after the commas"),
        ("784-30softmax-10", "softmax in the last layer only"),
        ("784-30-10tanh, cross_entropy", "activation: got 'tanh', expected softmax at the output with cross_entropy"),
        ("784-30-10softmax, quadratic", "expected no softmax at the output with quadratic"),
        ("784-30-10relu, binary_cross_entropy", "expected sigmoid at the output with binary_cross_entropy"),
    ],
)
def test_what_is_no_network_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        NetworkSpec.parse(text)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"input_shape": 784}, "input_shape: got 784, expected a tuple"),
        ({"input_shape": (0,)}, "input_shape: got 0"),
        ({"layers": ()}, "layers: got (), expected a tuple of at least one layer"),
        ({"layers": (30, 10)}, "layers: got (30, 10)"),
        ({"loss": "cross_entropy"}, "activation: got 'sigmoid', expected softmax"),
    ],
)
def test_wrong_parts_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        NetworkSpec(**fields)


def test_an_input_of_several_axes_is_flattened() -> None:
    spec = NetworkSpec.parse("28x28x3-30-10")
    assert (spec.n_in, spec.sizes, spec.parameter_shapes["W1"]) == (2352, (2352, 30, 10), (30, 2352))


# ---- Convolutions and pools ----------------------------------------------------------------------------------


def test_the_network_of_the_article_has_the_shapes_of_the_article() -> None:
    spec = NetworkSpec.parse("28x28-conv32-pool-conv64-pool-10")
    assert str(spec) == "28x28-conv32-pool-conv64-pool-10, relu, cross_entropy"
    assert spec.shapes == ((1, 28, 28), (32, 28, 28), (32, 14, 14), (64, 14, 14), (64, 7, 7), (10,))
    assert spec.parameter_shapes == {
        "W1": (32, 1, 3, 3),
        "b1": (32,),
        "W3": (64, 32, 3, 3),
        "b3": (64,),
        "W5": (10, 3136),
        "b5": (10,),
    }
    assert spec.sizes == (784, 25088, 6272, 12544, 3136, 10)


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("28x28-conv4-10, tanh", "28x28-conv4-10, tanh, cross_entropy"),
        ("28x28-conv4-10sigmoid", "28x28-conv4relu-10sigmoid, quadratic"),
        ("28x28-conv4k5tanh_nobias-pool-10", "28x28-conv4k5_nobias-pool-10, tanh, cross_entropy"),
        ("28x28-conv4k3-10, quadratic", "28x28-conv4-10, relu, quadratic"),
        ("28x28-pool-10", "28x28-pool-10, sigmoid, quadratic"),
        ("32x32x3-conv4k1-pool-30-10", "32x32x3-conv4k1-pool-30-10, relu, cross_entropy"),
    ],
)
def test_the_notation_of_a_convolution(text: str, full: str) -> None:
    assert str(NetworkSpec.parse(text)) == full
    assert NetworkSpec.parse(full) == NetworkSpec.parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("28x28-conv32k4-10", "kernel: got 4, expected 1, 3 or 5"),
        ("28x28-conv32k7-10", "kernel: got 7, expected 1, 3 or 5"),
        ("28x28-conv0-10", "expected a convolution with at least 1 channel"),
        ("784-conv3-10", "network: got 784, expected an image, such as 28x28"),
        ("784-pool-10", "network: got 784, expected an image, such as 28x28"),
        ("28x28-pool-pool-pool-10", "network: got 'pool of 7x7', expected an even height and width"),
        ("28x28-conv3", "expected a dense layer as the last one"),
        ("28x28-30-conv3-10", "network: got 'conv3 after a dense layer'"),
        ("28x28-conv3sofmax-10", "one of sigmoid, tanh, relu, leaky_relu, identity"),
        ("28x28-conv3softmax-10", "one of sigmoid, tanh, relu, leaky_relu, identity"),
        ("28x28-convx-10", "expected a layer such as 30, 30tanh"),
    ],
)
def test_a_convolution_that_cannot_be_is_refused(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=re.escape(message)):
        NetworkSpec.parse(text)
