"""Lists of values as they are typed, and their combinations."""

from typing import Any

import pytest

from shared.options import resolve
from shared.sweep.grid import Cell, cells, networks, numbers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("784-30-10", ["784-30-10"]),
        ("784-30-10,784-128-10", ["784-30-10", "784-128-10"]),
        ("784-30-10, relu, cross_entropy, 784-20-10", ["784-30-10, relu, cross_entropy", "784-20-10"]),
        ("28x28-conv4-pool-10, relu,784-10", ["28x28-conv4-pool-10, relu", "784-10"]),
    ],
)
def test_networks_are_told_from_their_activations(text: str, expected: list[str]) -> None:
    assert networks(text) == expected


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("10,64,512", int, [10, 64, 512]),
        ("1:4", int, [1, 2, 3, 4]),
        ("1:3,7,9:10", int, [1, 2, 3, 7, 9, 10]),
        ("0.1, 3", float, [0.1, 3.0]),
        ("5:5", int, [5]),
    ],
)
def test_lists_and_ranges_of_numbers(text: str, kind: type, expected: list[float]) -> None:
    assert numbers(text, kind) == expected


@pytest.mark.parametrize("text", ["", "10,", "4:1", "a", "1.5", "1:2:3", "0:99999999999", "3,3", "1:3,2"])
def test_what_is_no_list_of_whole_numbers_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        numbers(text, int)


@pytest.mark.parametrize("text", ["", "relu", "relu, 784-30-10", "784-10,784-10"])
def test_what_is_no_list_of_networks_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        networks(text)


def test_every_combination_is_one_cell_with_a_folder_of_its_own() -> None:
    options = resolve({}) | {"learning_rate": 3.0}
    axes: dict[str, Any] = {"network": ["784-30-10", "784-30-10, relu"], "batch_size": [10, 64], "seed": [1, 2, 3]}
    found = cells(axes, options)
    assert len(found) == len({cell.name for cell in found}) == 12
    assert found[0] == Cell("784-30-10", 10, 3.0, 1)
    assert all(cell.name.replace("-", "").replace("_", "").replace(".", "").isalnum() for cell in found)
