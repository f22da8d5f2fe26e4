"""Intervals and verdicts, against figures worked out elsewhere and against simulated runs of known truth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import coverage
from shared.measure import statistics
from shared.measure.statistics import FASTER, NO_DIFFERENCE, SLOWER, Estimate, paired_ratio, verdict

RUNS = 2000


# ---- Known figures -------------------------------------------------------------------------------------


def test_the_interval_of_a_mean_is_students() -> None:
    # t(0.975, 2 degrees) = 4.302653, of any table; the standard deviation of 1, 2, 3 is 1
    found = statistics.mean([1.0, 2.0, 3.0])
    assert found.value == 2
    assert (found.low, found.high) == pytest.approx((2 - 4.302653 / 3**0.5, 2 + 4.302653 / 3**0.5), rel=1e-6)


def test_rows_that_are_compared_together_share_the_risk_as_sidak_says() -> None:
    # two independent intervals of 97.468 % hold together in 95 %; t(0.987340, 2 degrees) = 6.164414
    assert statistics.mean([1.0, 2.0, 3.0], rows=2).half_width == pytest.approx(6.164414 / 3**0.5, rel=1e-6)


def test_few_rows_or_rounds_keep_their_own_scatter() -> None:
    few = {"a": [0.1, 0.2, 0.1, 0.2, 0.1], "b": [0.3, 0.1, 0.5, 0.0, 0.2]}
    short = {name: [0.1 * k, 0.2, 0.3, 0.4] for k, name in enumerate("abcdef")}
    for rows in (few, short):
        assert statistics.pooled(rows, 7) == {name: statistics.mean(values, 7) for name, values in rows.items()}


def test_rows_that_are_alike_have_the_same_scatter_and_a_wild_one_keeps_its_own() -> None:
    # as for limma's squeezeVar: five equal variances leave nothing but their mean, with all degrees of freedom
    steady = {name: [k + d for d in (-0.02, -0.01, 0.0, 0.01, 0.02)] for k, name in enumerate("abcde")}
    found, alone = statistics.pooled(steady, 5), statistics.mean(steady["a"], 5)
    assert len({round(estimate.half_width or 0, 12) for estimate in found.values()}) == 1
    # sd 0.0158; t of Šidák for 5 rows with 20 degrees of freedom = 2.8361, with 4 = 4.5770
    assert found["a"].half_width == pytest.approx(0.0158114 * 2.8361 / 5**0.5, rel=1e-3)
    assert alone.half_width == pytest.approx(0.0158114 * 4.5770 / 5**0.5, rel=1e-3)
    wild = statistics.pooled(steady | {"wild": [-2.0, 1.0, 0.0, 2.0, -1.0]}, 6)
    assert wild["wild"].half_width > 50 * wild["a"].half_width  # type: ignore[operator]


def test_the_shrunk_variance_is_smyths() -> None:
    """Against his equations solved on a grid."""
    from scipy.special import digamma, polygamma

    variances, d = [1.0, 4.0, 0.5, 9.0, 30.0, 2.0], 6
    prior, typical = statistics._prior(variances, [d] * 6)
    e = np.log(variances) - digamma(d / 2) + np.log(d / 2)
    grid = np.linspace(0.01, 50, 1_000_000)
    expected = grid[np.argmin(np.abs(polygamma(1, grid / 2) - (e.var(ddof=1) - polygamma(1, d / 2))))]
    assert prior == pytest.approx(expected, rel=1e-3)
    assert typical == pytest.approx(np.exp(e.mean() + digamma(prior / 2) - np.log(prior / 2)))


def test_a_single_round_has_no_interval_and_no_verdict() -> None:
    found = paired_ratio({1: 3.0}, {1: 2.0})
    assert found is not None
    assert found.value == pytest.approx(1.5)
    assert (found.low, found.high, found.half_width, found.rounds) == (None, None, None, 1)
    assert verdict(found) is None


def test_the_ratio_is_the_geometric_mean_of_those_within_a_round() -> None:
    found = paired_ratio({1: 2.0, 2: 9.0, 3: 1.0}, {1: 1.0, 2: 3.0, 4: 7.0})
    assert found is not None
    assert found.value == pytest.approx(math.sqrt(2 * 3))
    assert found.rounds == 2
    assert paired_ratio({1: 1.0}, {2: 1.0}) is None


def test_drift_that_all_of_a_round_share_cancels() -> None:
    base = {r: 1.0 * r for r in range(1, 6)}
    found = paired_ratio({r: 1.3 * s for r, s in base.items()}, base)
    assert found is not None
    assert (found.value, found.low, found.high) == pytest.approx((1.3, 1.3, 1.3))


def test_welchs_interval_is_that_of_scipy() -> None:
    from scipy.stats import ttest_ind

    a, b = [1.0, 1.1, 0.95, 1.02], [1.3, 1.5, 1.2]
    found = statistics.unpaired_ratio(b, a)
    expected = ttest_ind(np.log(b), np.log(a), equal_var=False).confidence_interval(0.95)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((math.exp(expected.low), math.exp(expected.high)))
    assert found.rounds == 3


def test_what_the_machine_changed_by_widens_the_interval_at_both_ends() -> None:
    a, b = [1.0, 1.01, 0.99], [1.2, 1.21, 1.19]
    still, drifted = (statistics.unpaired_ratio(b, a, drift=drift) for drift in (1.0, 0.8))
    assert still is not None
    assert drifted is not None
    assert drifted.low == pytest.approx(still.low * 0.8)  # type: ignore[operator]
    assert drifted.high == pytest.approx(still.high / 0.8)  # type: ignore[operator]
    assert (verdict(still), verdict(drifted)) == (SLOWER, NO_DIFFERENCE)


def test_two_runs_without_any_spread_still_have_a_ratio() -> None:
    found = statistics.unpaired_ratio([2.0] * 3, [1.0] * 5)
    assert found == pytest.approx(Estimate(2.0, 2.0, 2.0, 3))
    assert statistics.unpaired_ratio([], [1.0]) is None


@pytest.mark.parametrize(
    ("estimate", "expected"),
    [
        (Estimate(1.5, 1.2, 1.8, 3), SLOWER),
        (Estimate(1.5, 0.9, 2.1, 3), NO_DIFFERENCE),
        (Estimate(1.049, 1.04, 1.06, 15), NO_DIFFERENCE),
        (Estimate(1.05, 1.04, 1.06, 15), SLOWER),
        (Estimate(0.5, 0.4, 0.6, 3), FASTER),
        (Estimate(0.96, 0.95, 0.97, 15), NO_DIFFERENCE),
        (Estimate(1 / 1.05, 0.95, 0.96, 15), FASTER),
        (Estimate(1.5, 1.4, 1.6, 2), None),
        (None, None),
    ],
)
def test_a_verdict_needs_an_interval_that_excludes_1_and_a_difference_worth_telling(
    estimate: Estimate | None, expected: str | None
) -> None:
    assert verdict(estimate) == expected


seconds = st.dictionaries(st.integers(1, 9), st.floats(1e-6, 1e6), min_size=2)


@given(ours=seconds, baseline=seconds)
def test_a_ratio_and_its_inverse_are_treated_alike(ours: dict[int, float], baseline: dict[int, float]) -> None:
    there, back = paired_ratio(ours, baseline), paired_ratio(baseline, ours)
    if there is None or there.low is None:
        assert back is None or back.low is None
        return
    assert back is not None
    assert back.high is not None
    assert there.value * back.value == pytest.approx(1)
    assert math.log(there.low) == pytest.approx(-math.log(back.high), abs=1e-9)
    assert {verdict(there), verdict(back)} in ({FASTER, SLOWER}, {NO_DIFFERENCE}, {None})


# ---- Simulated runs ------------------------------------------------------------------------------------


def simulate(rounds: int, truth: list[float], noise: float, seed: int) -> list[list[dict[int, float]]]:
    """Return for each of `RUNS` runs the seconds of a baseline and of rows that take `truth` times as long.

    Each sample has log-normal noise of its own; a round has a drift that all its samples share, three times as
    large, and the machine slows down steadily.
    """
    generator = np.random.default_rng(seed)
    drift = 3 * noise * generator.standard_normal((RUNS, rounds, 1)) + 0.02 * np.arange(rounds)[:, None]
    own = noise * generator.standard_normal((RUNS, rounds, 1 + len(truth)))
    times = np.exp(drift + own) * np.array([1.0, *truth])
    return [[dict(enumerate(column, start=1)) for column in run.T.tolist()] for run in times]


def ratios(run: list[dict[int, float]]) -> list[Estimate]:
    baseline, *others = run
    found = [paired_ratio(other, baseline, rows=len(others)) for other in others]
    assert None not in found
    return found  # type: ignore[return-value]


def share(hits: list[bool]) -> float:
    assert len(hits) == RUNS
    return sum(hits) / RUNS


def covers(estimate: Estimate, truth: float) -> bool:
    assert estimate.low is not None
    assert estimate.high is not None
    return estimate.low <= truth <= estimate.high


@pytest.mark.exhaustive_unless(fits=lambda rounds, noise: (rounds, noise) == (3, 0.1))
@pytest.mark.parametrize("noise", [0.02, 0.1])
@pytest.mark.parametrize("rounds", [3, 7, 15])
def test_the_interval_covers_the_truth_in_95_of_100_runs(rounds: int, noise: float) -> None:
    runs = simulate(rounds, [1.7], noise, seed=rounds)
    assert 0.93 <= share([covers(ratio, 1.7) for run in runs for ratio in ratios(run)]) <= 0.97


@pytest.mark.exhaustive_unless(fits=lambda rounds: rounds == 7)
@pytest.mark.parametrize("rounds", [3, 7, 15])
def test_the_intervals_of_several_rows_hold_together(rounds: int) -> None:
    truth = [0.5, 1.0, 1.3, 4.0]
    runs = simulate(rounds, truth, 0.05, seed=rounds)
    assert share([all(map(covers, ratios(run), truth)) for run in runs]) >= 0.94


@pytest.mark.exhaustive_unless(fits=lambda scatter, rows, rounds: (scatter, rows, rounds) == ("from 1 to 3", 10, 5))
@pytest.mark.parametrize("scatter", coverage.SCATTER)
@pytest.mark.parametrize("rows", coverage.ROWS)
@pytest.mark.parametrize("rounds", coverage.ROUNDS)
def test_the_intervals_of_rows_that_took_turns_hold_together(scatter: str, rows: int, rounds: int) -> None:
    most = coverage.MOST_HELD_OF_TAILS if scatter == "heavy tails" else coverage.MOST_HELD
    assert coverage.LEAST_HELD <= coverage.held(scatter, rows, rounds, RUNS) <= most


@pytest.mark.exhaustive_unless(fits=lambda rounds, noise: (rounds, noise) == (7, 0.05))
@pytest.mark.parametrize("noise", [0.02, 0.05])
@pytest.mark.parametrize("rounds", [3, 7, 15])
def test_a_against_a_is_rarely_called_a_difference(rounds: int, noise: float) -> None:
    runs = simulate(rounds, [1.0], noise, seed=rounds)
    assert share([verdict(ratios(run)[0]) != NO_DIFFERENCE for run in runs]) <= 0.05


@pytest.mark.exhaustive_unless(fits=lambda rounds: rounds == 7)
@pytest.mark.parametrize("rounds", [3, 7, 15])
def test_noise_so_large_that_the_least_difference_does_not_help_keeps_the_risk_of_the_interval(rounds: int) -> None:
    runs = simulate(rounds, [1.0], 0.2, seed=rounds)
    # 5 %, and three standard deviations of what 2,000 runs of 5 % give
    assert share([verdict(ratios(run)[0]) != NO_DIFFERENCE for run in runs]) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / RUNS)


def test_a_fifth_more_is_found_in_9_of_10_runs() -> None:
    runs = simulate(7, [1.2], 0.05, seed=7)
    assert share([verdict(ratios(run)[0]) == SLOWER for run in runs]) >= 0.9


@pytest.mark.exhaustive_unless(fits=lambda others: others == 7)
@pytest.mark.parametrize(("rounds", "others"), [(3, 3), (3, 15), (7, 7)])
def test_two_runs_of_the_same_are_rarely_called_different(rounds: int, others: int) -> None:
    # two runs share no drift: each sample stands alone
    generator = np.random.default_rng(rounds + others)
    a, b = (generator.lognormal(0.0, 0.05, (RUNS, n)).tolist() for n in (rounds, others))
    found = [statistics.unpaired_ratio(one, other) for one, other in zip(a, b, strict=True)]
    assert share([verdict(estimate) != NO_DIFFERENCE for estimate in found]) <= 0.05


def test_an_interval_that_is_too_narrow_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "_t", lambda rows, degrees: 1.96)  # the normal's, as if the spread were known
    runs = simulate(3, [1.7], 0.05, seed=3)
    assert share([covers(ratio, 1.7) for run in runs for ratio in ratios(run)]) < 0.93
