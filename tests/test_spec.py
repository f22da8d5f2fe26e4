"""Specs refuse what no experiment can have, and say what is allowed."""

import math
from typing import Any

import pytest

from shared.errors import SpecError
from shared.spec import NetworkSpec, TrainingSpec


@pytest.mark.parametrize(
    ("fields", "told"),
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
def test_a_wrong_network_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(SpecError, match=told):
        NetworkSpec(**fields)


@pytest.mark.parametrize(
    ("fields", "told"),
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
def test_a_wrong_training_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(SpecError, match=told):
        TrainingSpec(**fields)


def test_the_default_is_the_articles_network() -> None:
    assert NetworkSpec().shapes == ((30, 784), (10, 30))
    assert NetworkSpec().parameter_count == 23_860
    assert str(NetworkSpec()) == "784-30-10, sigmoid, quadratic"
    assert str(TrainingSpec(epochs=1)).startswith("sgd, learning rate 3, batch 10, 1 epoch, float32")
