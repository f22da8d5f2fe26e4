"""The ratio of a pair that took turns, against simulated blocks of known truth."""

import math
from typing import Any

import numpy as np
import pytest

from shared.measure import paired

RUNS = 300


def made(own: Any, gaps: Any, **changes: Any) -> Any:
    """Return turns of blocks of (wall, CPU) in ns; one number stands for both."""
    both = [[list(b) if isinstance(b, tuple) else [b, b] for b in each] for each in (own, *gaps)]
    result = {"steps": 1, "baseline_steps": 1, "clock": "cpu", "share": 1.0, "baseline_share": 1.0}
    return result | {"blocks": both[0], "gaps": both[1:]} | changes


def log_ratio(turns: Any) -> float:
    return paired.log_ratios([turns])[0]


def test_what_it_uses_undisturbed_is_known_from_all_rounds() -> None:
    never, once = made([(400, 100)] * 3, [[100]] * 4, share=0.3), made([(200, 100)] * 3, [[100]] * 4, share=0.3)
    assert paired.log_ratios([never, once]) == pytest.approx([math.log(2), math.log(2)])
    assert paired.had([never, once]) == pytest.approx((0.5 + 1) / 2)


def test_a_block_is_compared_with_those_before_and_after_it() -> None:
    # the machine becomes slower by a constant factor from block to block, which cancels
    times = [1000 * 1.1**k for k in range(9)]
    turns = made([int(1e4 * 2 * t) for t in times[1::2]], [[int(1e4 * t)] for t in times[::2]])
    assert log_ratio(turns) == pytest.approx(math.log(2), abs=1e-6)


def test_a_step_is_compared_not_a_block() -> None:
    turns = made([600], [[100], [100]], steps=3, baseline_steps=1)
    assert log_ratio(turns) == pytest.approx(math.log(2))


def test_several_blocks_of_the_baseline_count_with_their_median() -> None:
    turns = made([200], [[100, 100, 900], [100, 50, 100]])
    assert log_ratio(turns) == pytest.approx(math.log(2))


def test_each_layout_counts_as_much_as_any_other_and_is_compared_within_itself() -> None:
    # in the second layout the implementation takes 10 % longer, and in the third the baseline
    own = [200] * 3 + [220] * 3 + [200] * 3
    turns = made(own, [[100]] * 8 + [[110]] * 4, layouts=3)
    assert log_ratio(turns) == pytest.approx(math.log(2))


def test_one_block_that_was_disturbed_does_not_count() -> None:
    assert log_ratio(made([200, 9000, 200], [[100]] * 4)) == pytest.approx(math.log(2))


def test_the_cpu_time_counts_divided_by_what_it_uses_undisturbed() -> None:
    # it waits half of its time by itself, and the machine gave it half of what it wanted in two blocks of three
    waits = [(400, 100), (200, 100), (400, 100)]
    assert log_ratio(made(waits, [[(100, 100)]] * 4, share=0.5)) == pytest.approx(math.log(2))
    # in no block was it undisturbed, but in a call before the turns
    assert log_ratio(made([(400, 100)] * 3, [[(100, 100)]] * 4, share=0.5)) == pytest.approx(math.log(2))
    assert log_ratio(made(waits, [[(100, 100)]] * 4, clock="wall")) == pytest.approx(math.log(4))


def test_the_row_says_how_much_of_the_machine_it_had() -> None:
    turns = made([(100, 100), (200, 100), (400, 100), (102, 100)], [[100]] * 5)
    assert paired.had([turns]) == pytest.approx((1 + 0.5 + 0.25 + 100 / 102) / 4)
    assert paired.disturbed([turns]) == 0.5
    waits = made([(200, 100), (200, 100)], [[100]] * 3, share=0.5)
    assert (paired.had([waits]), paired.disturbed([waits])) == (1, 0)


def test_skewed_noise_makes_no_difference_where_there_is_none() -> None:
    generator = np.random.default_rng(2)
    found = []
    for _ in range(RUNS):
        times = (1e7 * (1 + 0.2 * generator.exponential(size=121))).astype(int).tolist()
        found.append(log_ratio(made(times[1::2], [[t] for t in times[::2]])))
    assert abs(np.mean(found)) < 0.005  # a mean of both neighbours is off by 0.02


@pytest.mark.parametrize("truth", [1.0, 1.15, 4.0])
def test_disturbances_that_last_longer_than_a_block_cancel(truth: float) -> None:
    """A neighbour that slows everything by up to a third for a while, and another process that takes turns of its own.

    The ratio of two samples that follow one another has the scatter of the neighbour, 10 %.
    """
    generator = np.random.default_rng(1)
    found = []
    for _ in range(RUNS):
        n = 2 * 60 + 1
        # the speed changes every 200 ms or so
        slow = np.repeat(1 + generator.random(n // 20 + 1) / 3, 20)[:n]
        cpu = 1e7 * slow * np.exp(0.03 * generator.standard_normal(n))
        cpu[1::2] *= truth
        wall = cpu + np.where(generator.random(n) < 0.4, 4e6 * generator.integers(1, 4, n), 0)
        blocks = list(zip(wall.astype(int), cpu.astype(int), strict=True))
        found.append(log_ratio(made(blocks[1::2], [[b] for b in blocks[::2]])))
    assert np.mean(found) == pytest.approx(math.log(truth), abs=0.003)
    assert np.std(found) < 0.01
