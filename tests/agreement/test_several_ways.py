"""Rounding that sends training one of several ways is told from an implementation that goes its own."""

from pathlib import Path

import numpy as np
import pytest

from impls.numpy_scratch import Network
from shared import initial
from shared.agreement.several_ways import LATE, may_take_several, several_ways
from shared.data import digits
from shared.spec import NetworkSpec, TrainingSpec
from tests.command import of, run

CONVOLUTIONAL = "28x28-conv4-pool-conv8-pool-10, relu, cross_entropy"


def ways(text: str, training: TrainingSpec, n: int) -> set[str]:
    spec, split = NetworkSpec.parse(text), digits.load().train.first(n)
    x, y = split.arrays(training.dtype)
    order = next(initial.draw_orders(training, len(y)))
    return several_ways(Network, spec, training, initial.draw_parameters(spec, training), x, y, order, LATE[-1:])


@pytest.mark.exhaustive
def test_a_pool_at_its_kink_sends_some_twins_another_way() -> None:
    training = TrainingSpec(optimizer="adam", learning_rate=0.01, batch_size=20, initial="scaled")
    assert ways(CONVOLUTIONAL, training, 1000) == {"after 100 steps"}


@pytest.mark.parametrize("text", ["784-30-10", "784-30-10, relu, cross_entropy"])
def test_training_that_is_stable_has_one_way(text: str) -> None:
    assert ways(text, TrainingSpec(learning_rate=0.1, initial="scaled"), 500) == set()


def test_only_kinks_make_ways() -> None:
    kinked = [CONVOLUTIONAL, "784-30leaky_relu-10", "28x28-pool-10"]
    assert [may_take_several(NetworkSpec.parse(text)) for text in [*kinked, "784-30tanh-10"]] == [True] * 3 + [False]


def test_an_own_order_is_no_way_of_rounding(tmp_path: Path) -> None:
    network = ["--network", "784-30-10, relu, cross_entropy", "--learning-rate", "0.1", "--initial", "scaled"]
    arguments = ["--no-report", "--dataset", "digits", "--quick", "--offline", *network, *of("swaps_batch_30")]
    found = run(tmp_path / "out", *arguments)
    assert (found.code, found.row("swaps_batch_30")[-1]) == (4, "FAILED AGREEMENT")
    assert np.isfinite(found.record["references"][0]["allowed"]["after 100 steps"])
