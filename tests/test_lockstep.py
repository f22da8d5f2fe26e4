"""The verb `lockstep`: rounding is no mistake, and a mistake is named by its step and tensor."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests import command, patience
from tests.command import of

EXACT = ("--dtype", "float64")


def lockstep(*options: str) -> command.Run:
    return command.inside(None, "lockstep", "--dataset", "digits", *options)


def content(run: command.Run) -> dict[str, Any]:
    return dict(json.loads(run.stdout))


def parts(run: command.Run) -> tuple[int, list[str]]:
    """The step of the first departure, and what departs in it."""
    assert run.code == 4, run.stdout
    found = content(run)
    return found["steps"], found["departures"]


def test_float32_beside_float64_is_rounding() -> None:
    sides = ("-i", "numpy_scratch:float32", "-i", "numpy_scratch:float64")
    found = command.run(None, "lockstep", "--dataset", "digits", *sides, "--steps", "50")
    assert found.code == 0
    assert "numpy_scratch (float32) and numpy_scratch (float64) agree for 50 steps" in found.stdout
    for step in ("1 ", "2 ", "5 ", "10 ", "20 ", "50 "):
        assert sum(line.startswith(step) for line in found.stdout.splitlines()) == 2, step


@pytest.mark.exhaustive_unless(fits=lambda steps: steps == 20)
@pytest.mark.parametrize("steps", [20, 100])
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_what_an_optimizer_makes_of_rounding_is_rounding(optimizer: str, steps: int) -> None:
    """Adam's first step is eta g / |g|: where g is near 0, its sign is rounding, and the step as large as any."""
    sides = ("-i", "numpy_scratch:float32", "-i", "numpy_scratch:float64")
    found = lockstep(*sides, "--optimizer", optimizer, "--steps", str(steps), "--format", "json")
    assert found.code == 0, found.stdout[-1000:]
    assert content(found)["steps"] == steps


@pytest.mark.exhaustive_unless(fits=lambda other, size: (other, size) == ("pytorch", 100))
@pytest.mark.only_if(fits=lambda other, size: size == 100 or other == "tensorflow_keras")
@pytest.mark.parametrize(("size", "steps"), [(100, 30), (10, 300)])
@pytest.mark.parametrize("other", ["pytorch", "tensorflow_keras"])
def test_frameworks_do_not_part_from_numpy_over_epochs(other: str, size: int, steps: int) -> None:
    options = ("--batch-size", str(size), "--steps", str(steps), "--learning-rate", "0.5", "--format", "json")
    found = lockstep("-i", other, *EXACT, *options)
    assert found.code == 0
    assert content(found)["steps"] == steps > 2 * 1297 / size  # more than two epochs, each with a smaller batch
    rows = content(found)["rows"]
    assert {row["kind"] for row in rows} == {"gradients", "parameters"}
    # Rounding is not explained by so much that nothing else could be seen.
    assert max(row["explained"] for row in rows if row["kind"] == "parameters") < 1e-9


CONVOLUTIONAL = "28x28-conv4-pool-conv8-pool-10"


def test_convolutions_are_rounding_and_their_quantities_are_traced() -> None:
    network = ("--network", CONVOLUTIONAL, "--initial", "scaled", "--learning-rate", "0.05", "--format", "json")
    found = lockstep("-i", "numpy_scratch:float32", "-i", "minitorch:float64", *network, "--steps", "10")
    assert found.code == 0, found.stdout[-1000:]
    assert content(found)["steps"] == 10
    assert {row["tensor"] for row in content(found)["rows"]} == {"W1", "b1", "W3", "b3", "W5", "b5"}


@pytest.mark.mnist
@pytest.mark.exhaustive
def test_convolutions_do_not_part_in_1000_steps_on_mnist(mnist_dir: Path) -> None:
    data = ("--dataset", "mnist", "--data-dir", str(mnist_dir), "--dtype", "float64", "--batch-size", "10")
    network = ("--network", CONVOLUTIONAL, "--initial", "scaled", "--learning-rate", "0.01", "--format", "json")
    found = command.inside(None, "lockstep", *data, "-i", "pytorch", "-i", "numpy_scratch", *network, "--steps", "1000")
    assert found.code == 0, found.stdout[-1000:]
    assert content(found)["steps"] == 1000


@pytest.mark.mnist
@pytest.mark.exhaustive
@pytest.mark.parametrize(("dtype", "steps"), [("float32", 1000), ("float64", 5000)])
def test_pytorch_does_not_part_from_numpy_over_an_epoch_of_mnist(mnist_dir: Path, dtype: str, steps: int) -> None:
    """In float32 it is no longer to be told from rounding some time after 1,000 steps."""
    data = ("--dataset", "mnist", "--data-dir", str(mnist_dir))
    options = ("-i", "pytorch", "--dtype", dtype, "--steps", str(steps), "--format", "json")
    found = command.inside(None, "lockstep", *data, *options)
    assert found.code == 0, found.stdout[-1000:]
    assert content(found)["steps"] == steps


def test_a_network_with_an_activation_for_each_layer_is_taken_step_by_step() -> None:
    network = ("--network", "784-30tanh-10sigmoid", "--loss", "binary_cross_entropy", "--learning-rate", "0.1")
    found = lockstep("-i", "minitorch", *network, "--initial", "scaled", "--steps", "20")
    assert found.code == 0, found.stdout
    assert "784-30-10, tanh, binary_cross_entropy" in found.stdout
    assert "agree for 20 steps" in found.stdout


def test_a_bias_that_never_moves_is_found_at_step_1() -> None:
    found = lockstep(*of("biases_never_move"), "--format", "json")
    assert parts(found) == (1, ["parameters b1", "parameters b2"])
    inside = content(found)["verdict"][1]
    assert "biases_never_move" in inside
    assert "has the right gradients, but a wrong update, equation (8), of b1, b2" in inside


def test_a_learning_rate_off_by_1e4_is_found_at_step_1_in_float64() -> None:
    step, found = parts(lockstep(*of("learns_1e4_too_fast"), *EXACT, "--format", "json"))
    assert step == 1
    assert found == [f"parameters {name}" for name in ("W1", "b1", "W2", "b2")]


def test_a_learning_rate_off_by_1e4_is_found_in_float32_as_soon_as_it_is_more_than_rounding() -> None:
    step, _ = parts(lockstep(*of("learns_1e4_too_fast"), "--format", "json"))
    assert 1 <= step <= 100


def test_a_swapped_batch_is_found_at_its_step() -> None:
    step, found = parts(lockstep(*of("swaps_batch_30"), *EXACT, "--format", "json"))
    assert step == 30
    assert found == [f"parameters {name}" for name in ("W1", "b1", "W2", "b2")]


def test_momentum_that_is_not_reset_is_found_at_step_1() -> None:
    step, found = parts(lockstep(*of("momentum_outlives_reset"), "--format", "json"))
    assert step == 1
    assert found[0].startswith("parameters")


@pytest.mark.exhaustive
@pytest.mark.parametrize("optimizer", ["momentum", "adam"])
def test_an_optimizer_that_is_not_reset_is_found_at_step_1(optimizer: str) -> None:
    options = ("--optimizer", optimizer, "--format", "json")
    step, found = parts(lockstep(*of("keeps_its_velocity"), *options))
    assert step == 1
    assert found[0].startswith("parameters")
    assert lockstep("-i", "numpy_scratch", "-i", "minitorch", *options, "--steps", "20").code == 0


def test_the_first_departure_inside_a_step_is_named() -> None:
    found = lockstep(*of("derives_by_activation"), "--format", "json")
    assert parts(found) == (1, ["gradients W1", "gradients b1", "parameters W1", "parameters b1"])
    ours, theirs = content(found)["verdict"][1:]
    assert "derives_by_activation (float32) first departs from the reference in d1, equation (5): off by" in ours
    assert "numpy_scratch (float32) is right" in theirs


def test_a_network_without_a_trace_says_so() -> None:
    found = lockstep("-i", "minitorch", *of("gradient_too_large"))
    assert found.code == 4
    assert "minitorch (float32) is right" in found.stdout


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((), "got 0 implementations, expected one or two: files, or names after -i"),
        (("-i", "numpy_scratch", "-i", "pytorch", "-i", "numpy_scratch"), "got 3 implementations"),
        (("-i", "numpy_scratch:float16"), "numpy_scratch:float16"),
        (("-i", "numpy_scratch", "--steps", "0"), "--steps: got 0"),
        (("-i", "numpy_scratch", "--batch-size", "100000"), "--batch-size"),
        (("-i", "numpy_scratch", "--sizes", "3,10"), "expected 784 inputs"),
        (("-i", "numpy_scratch", "--network", "784-30-2"), "expected 784 inputs and 10 outputs"),
        (("-i", "numpy_scratch", "--network", "784-30-10", "--sizes", "784,30,10"), "not allowed with"),
        (("-i", "numpy_scratch", "--network", "784-30tahn-10"), "did you mean tanh?"),
    ],
)
def test_wrong_usage(options: tuple[str, ...], message: str) -> None:
    found = lockstep(*options)
    assert found.code == 2
    assert message in found.stderr


@pytest.mark.parametrize("name", ["segfaults", "fails_at_import", "raises_in_train"])
def test_what_fails_is_reported(name: str) -> None:
    found = lockstep(*of(name))
    assert found.code == 1
    assert "error: " in found.stderr
    assert name in found.stderr or "planted exception" in found.stderr


def test_a_network_that_hangs_is_ended(tmp_path: Path) -> None:
    options = ("--dataset", "digits", *of("loops_for_ever"), "--timeout", "7m")
    env = {patience.MARKER: str(tmp_path / "hangs")}
    found = command.run(None, "lockstep", *options, command=command.IMPATIENT, env=env)
    assert found.code == 1
    assert "no answer within 420 s" in found.stderr
    assert "in train" in found.stderr
