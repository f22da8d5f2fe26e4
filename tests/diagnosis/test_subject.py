"""Which network a file is checked as, and whether a class keeps the contract."""

from pathlib import Path
from typing import Any

import pytest

from shared import implementations
from shared.diagnosis.subject import Subject, spec_of
from shared.errors import SpecError
from shared.spec import NetworkSpec


@pytest.mark.parametrize(
    ("constants", "given", "network"),
    [
        ({}, {}, "784-30-10, sigmoid, quadratic"),
        ({"SIZES": [5, 4, 3], "ACTIVATION": "tanh"}, {}, "5-4-3, tanh, quadratic"),
        ({"SIZES": (5, 4, 3), "LOSS": "cross_entropy"}, {"sizes": (7, 2)}, "7-2, sigmoid, cross_entropy"),
        ({"NETWORK": "5-4tanh-3sigmoid"}, {}, "5-4tanh-3sigmoid"),
        ({"NETWORK": "5-4tanh-3sigmoid", "SIZES": (9, 9)}, {}, "5-4tanh-3sigmoid"),
        ({"NETWORK": "5-4-3"}, {"activation": "relu", "loss": "cross_entropy"}, "5-4-3, relu, cross_entropy"),
        ({"NETWORK": "5-4tanh-3sigmoid"}, {"network": "6-3relu"}, "6-3relu"),
        ({"NETWORK": "5-4tanh-3sigmoid"}, {"sizes": (7, 2)}, "7-2, sigmoid, quadratic"),
        ({"SIZES": (5, 4)}, {"network": "6-3", "loss": "binary_cross_entropy"}, "6-3, binary_cross_entropy"),
    ],
)
def test_options_come_before_the_file_and_the_notation_before_the_shorthands(
    constants: dict[str, Any], given: dict[str, Any], network: str
) -> None:
    assert spec_of(constants, given) == NetworkSpec.parse(network)


@pytest.mark.parametrize(
    ("constants", "given", "message"),
    [
        ({"NETWORK": 784}, {}, "network: got 784"),
        ({"NETWORK": "784"}, {}, "network: got '784'"),
        ({"NETWORK": "5-4tanh-3relu"}, {"activation": "sigmoid"}, "activation: got 'sigmoid', expected none"),
        ({"NETWORK": "5-4-3, tanh, quadratic"}, {"loss": "cross_entropy"}, "loss: got 'cross_entropy'"),
        ({"SIZES": (7,) * 2000}, {}, "network: got '1,999 layers', expected at most 1,000"),
        ({"LOSS": ["quadratic"]}, {}, "loss: got ['quadratic']"),
    ],
)
def test_what_cannot_be_meant_is_refused(constants: dict[str, Any], given: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError) as caught:
        spec_of(constants, given)
    assert message in str(caught.value)


EARLIER = """
class Network:
    def train(self, x, y, order):
        pass
"""


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (EARLIER, "Network: got no load and train(x, y, order), expected load(x, y), called once, then train(order)"),
        (EARLIER.replace("x, y, ", ""), "Network: got no load, expected load(x, y)"),
        ("x = 1", "found no class Network"),
    ],
)
def test_a_class_of_another_contract_is_refused_with_what_is_expected(
    source: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(source)
    for load in (implementations.load, Subject.load):
        with pytest.raises(implementations.ContractError) as caught:
            load(str(path))
        assert message in str(caught.value)
    with pytest.raises(implementations.ContractError, match=r"W1, b1, .*shared/interface\.py"):
        implementations.load(str(path))
