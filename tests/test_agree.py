"""The verb `agree`, as a user has it."""

import json
import os
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from shared import implementations
from shared.layers import ACTIVATIONS
from shared.measure.profile import titles
from shared.spec import LOSSES, NetworkSpec
from tests import command
from tests.command import of


def agree(*options: str) -> command.Run:
    return command.inside(None, "agree", "--dataset", "digits", *options)


def rows(run: command.Run) -> list[dict[str, Any]]:
    return list(json.loads(run.stdout)["rows"])


def test_each_tensor_stands_beside_its_bound() -> None:
    found = command.run(None, "agree", "--dataset", "digits", "-i", "numpy_scratch", "-i", "pytorch")
    assert found.code == 0
    line = next(line for line in found.stdout.splitlines() if line.startswith("pytorch") and " W1 " in line)
    assert "\nfloat32\n" in found.stdout
    assert line.endswith("rounding")
    assert "16 gradient tensors: 4 exact, 12 rounding" in found.stdout


def test_it_fits_a_terminal() -> None:
    """Of 80 columns; tables that are split repeat their first column."""
    env = {"COLUMNS": "80"}
    options = ("--dataset", "digits", "-i", "numpy_scratch", "-i", "minitorch")
    found = command.inside(None, "agree", *options, env=env)
    assert max(map(len, found.stdout.splitlines())) <= 80
    assert found.stdout.count("implementation ") == 2  # a table a dtype, neither of them split


@pytest.mark.parametrize(
    ("name", "least", "most"), [("gradient_too_large", 1e-4, 0.1), ("computes_in_float16", 0, 0.5)]
)
def test_a_mistake_stands_apart_from_rounding(name: str, least: float, most: float) -> None:
    found = agree(*of(name, "numpy_scratch"), "--format", "json")
    assert found.code == 4
    headrooms = {
        label: [row["headroom"] for row in rows(found) if row["implementation"] == label and row["dtype"] == "float32"]
        for label in (name, "numpy_scratch")
    }
    assert least < min(headrooms[name]) < most
    assert min(headrooms["numpy_scratch"]) > 3
    assert {row["verdict"] for row in rows(found) if row["implementation"] == name} == {"not rounding"}
    assert f"! {name}, 784-30-10" in agree(*of(name, "numpy_scratch")).stdout


def has_gradients(name: str) -> bool:
    """Return whether an implementation computes gradients itself, or takes those of the sibling that it changes."""
    sections = titles(implementations.locate(name).read_text(encoding="utf-8")).values()
    return not {"Forward (1)-(2)", "Loss and gradients (3)-(7)"}.isdisjoint(sections)


@pytest.mark.exhaustive_unless(fits=lambda names: len(names) == 1)
@pytest.mark.parametrize(
    ("names", "narrowed", "n"),
    [
        (["numpy_scratch"], ("--dtype", "float32", "--batch-size", "10"), 1),
        ([name for name in implementations.names() if has_gradients(name)], ("--batch-size", "10"), 2),
    ],
    ids=["reference", "all"],
)
def test_the_whole_matrix_is_explained(names: list[str], narrowed: tuple[str, ...], n: int) -> None:
    """Every activation, loss and depth, and both dtypes, in every implementation."""
    with mock.patch.dict(os.environ, command.QUICK_COMPILER):
        found = agree("--all", *(word for name in names for word in ("-i", name)), *narrowed, "--format", "json")
    assert found.code == 0, found.stdout[-2000:]
    every = rows(found)
    assert {row["implementation"] for row in every} == set(names)
    networks = {
        str(NetworkSpec.dense((784, *[30] * hidden, 10), activation, loss))
        for activation in ACTIVATIONS
        for loss in LOSSES
        for hidden in range(4)
    }
    assert networks <= {row["network"] for row in every}
    posed = {(row["network"], row["batch_size"], row["dtype"]) for row in every}
    assert len(posed) == len({row["network"] for row in every}) * n
    # Nothing keeps z small in this one network, so that an output is right to the last digit of float32: what is left
    # of the gradient is rounding alone.
    saturated = ("784-30-30-10, identity, cross_entropy", 1, "float32")
    unclear = {(e["network"], e["batch_size"], e["dtype"]) for e in every if e["verdict"] == "inconclusive"}
    assert unclear <= {saturated}
    assert {row["verdict"] for row in every} <= {"exact", "rounding", "inconclusive"}


def test_a_network_with_an_activation_for_each_layer_is_explained() -> None:
    found = agree("-i", "numpy_scratch", "-i", "minitorch", "--network", "784-30relu-10sigmoid", "--format", "json")
    assert found.code == 0, found.stdout
    assert {row["network"] for row in rows(found)} == {"784-30relu-10sigmoid, quadratic"}


def test_a_network_narrows_the_matrix_to_its_batches_and_dtypes() -> None:
    found = agree("--all", "-i", "numpy_scratch", "--network", "784-30tanh-10identity", "--format", "json")
    assert found.code == 0, found.stdout
    posed = {(row["network"], row["batch_size"], row["dtype"]) for row in rows(found)}
    assert len(posed) == 3 * 2
    assert {network for network, _, _ in posed} == {"784-30tanh-10identity, quadratic"}


def test_options_narrow_the_matrix() -> None:
    options = ("--all", "-i", "numpy_scratch", "--loss", "quadratic", "--activation", "tanh", "--dtype", "float32")
    found = agree(*options)
    assert found.code == 0
    assert "12 problems" in found.stdout
    assert found.stdout.count("tanh, quadratic ") >= 4
    assert "cross_entropy" not in found.stdout


def test_what_fails_is_reported_beside_what_does_not() -> None:
    found = agree(*of("numpy_scratch", "needs_a_missing_framework", "crashes_at_import", "fails_at_import"))
    assert found.code == 1
    assert "8 gradient tensors" in found.stdout
    assert "which is not installed; put " in found.stdout
    assert "SIGSEGV" in found.stdout
    assert "operator planted::nms" in found.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--dtype", "float16"), "float16"),
        (("--batch-size", "0"), "batch_size: got 0"),
        (("--batch-size", "100000"), "--batch-size: got 100,000"),
        (("--sizes", "784,30"), "expected 784 inputs and 10 outputs"),
        (("--all", "--sizes", "784,31,10"), "--sizes"),
        (("-i", "pytroch"), "did you mean pytorch?"),
        (("--al",), "--al"),
        (("--network", "784-30-2"), "expected 784 inputs and 10 outputs"),
        (("--network", "784-30-10", "--sizes", "784,30,10"), "not allowed with"),
        (("--network", "784-30tahn-10"), "did you mean tanh?"),
        (("--network", "784-30tanh-10relu", "--activation", "sigmoid"), "--activation: got 'sigmoid'"),
    ],
)
def test_wrong_usage(options: tuple[str, ...], message: str) -> None:
    found = agree(*options)
    assert found.code == 2
    assert message in found.stderr


def test_the_matrix_refuses_shares_that_nobody_would_take() -> None:
    for options, expected in ((("-i", "keras_fit", "--accumulate", "4"), "micro-batches"), (("--workers", "3"), "one")):
        found = agree("--all", *options)
        assert (found.code, expected in found.stderr) == (2, True)


def test_what_is_wrong_with_workers_is_sent_to_check(tmp_path: Path) -> None:
    path = tmp_path / "naive.py"
    source = "        loss = super().gradients(x, y, n)\n        self.g *= self.training.workers\n        return loss\n"
    head = (
        "from impls import numpy_scratch\n\nDATA_PARALLEL = True\n\n\n"
        "class Network(numpy_scratch.Network):\n    def gradients(self, x, y, n):\n"
    )
    path.write_text(head + source)
    found = agree("-i", str(path), "--sizes", "784,10", "--workers", "3", "--accumulate", "2")
    assert found.code == 4
    assert "naive: samegrad check FILE --workers 3 --accumulate 2 may name the mistake" in found.stdout
    assert "samegrad check" not in agree("-i", str(path), "--sizes", "784,10").stdout
