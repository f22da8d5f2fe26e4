"""A call as long as an epoch: what it leaves out is seen, and right implementations are never accused."""

from typing import Any

import numpy as np
import pytest

from impls.numpy_scratch import Network
from shared import initial
from shared.agreement.observation import compare
from shared.agreement.whole_call import STAGE, expected, observe, order_of
from shared.data import digits
from shared.interface import Labels
from shared.spec import NetworkSpec, TrainingSpec
from tests.command import of, run


@pytest.mark.parametrize(("n", "batch_size"), [(1297, 10), (1300, 10), (100, 64), (1297, 1), (40, 10), (3, 10)])
def test_the_order_has_as_many_steps_and_ends_with_others(n: int, batch_size: int) -> None:
    order = np.random.default_rng(1).permutation(n)
    found = order_of(order, batch_size)
    assert len(found) == n
    assert set(found) <= set(order)
    steps = -(-n // batch_size)
    if steps > 4:
        last = max(2, steps // 200)
        again = found[: (steps - last) * batch_size].reshape(-1, batch_size)
        assert (again == order[:batch_size]).all()
        assert not set(found[(steps - last) * batch_size :]) & set(order[:batch_size])


TRAININGS = [
    TrainingSpec(),
    TrainingSpec(dtype="float64"),
    TrainingSpec(seed=2, optimizer="momentum", learning_rate=0.3),
    TrainingSpec(optimizer="adam", learning_rate=0.01, batch_size=64, initial="scaled"),
]


@pytest.mark.parametrize("training", TRAININGS, ids=str)
@pytest.mark.parametrize("text", ["784-30-10", "784-20-10, relu, cross_entropy"])
def test_what_is_left_out_at_the_end_is_seen_and_rounding_is_not(text: str, training: TrainingSpec) -> None:
    spec, split = NetworkSpec.parse(text), digits.load().train
    x, y = split.arrays(training.dtype)
    order = order_of(next(initial.draw_orders(training, len(y))), training.batch_size)
    start = initial.draw_parameters(spec, training)
    with np.errstate(all="ignore"):
        reference, allowed = expected(Network, spec, training, start, x, y, order)

    def error(order: Labels) -> float:
        network: Any = Network(spec, training, start)
        network.load(x, y)
        with np.errstate(all="ignore"):
            return compare(observe(network, start, order), reference)[STAGE].error

    assert error(order) <= allowed
    if np.isfinite(allowed):
        size = training.batch_size
        for shorter in (order[: len(order) * 9 // 10], order[: -(len(order) % size or size)], np.delete(order, -1)):
            assert error(shorter) > allowed


def test_in_a_run_what_leaves_out_steps_of_long_calls_disagrees(tmp_path: Any) -> None:
    names = ("numpy_scratch", "drops_a_tenth_of_long_calls", "drops_the_last_step_of_long_calls")
    arguments = ["--no-report", "--dataset", "digits", "--quick", "--offline", *of(*names)]
    found = run(tmp_path / "out", *arguments)
    assert found.code == 4
    assert found.row("numpy_scratch")[-1] == "ok"
    for name in names[1:]:
        cells = found.row(name)
        assert (cells[3], cells[-1]) == ("-", "FAILED AGREEMENT")
        assert f"! {name}, round 1: after a call of train as long as an epoch: " in found.stdout
    assert 0 < found.sample("numpy_scratch")["whole_call_error"] < found.record["references"][0]["whole_call_allowed"]
