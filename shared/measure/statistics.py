"""What can be concluded from samples: ratios of times with intervals, differences of accuracies, verdicts.

Times are compared by their logarithms: noise is multiplicative, and a ratio and its inverse are then treated alike. A
slow phase of the machine slows all implementations of a round, so ratios are taken within a round and averaged over the
rounds (a paired design; Box, Hunter and Hunter, "Statistics for Experimenters", chapter 3). The intervals are
Student's; where several rows are compared at once, Šidák's correction keeps the chance that any of them misses its
true value at 5 %. Rows that took turns have partners of their own, so their errors are independent, and the scatter of
many of them says more about that of each (`pooled`).
"""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Final, NamedTuple

CONFIDENCE: Final = 0.95
LEAST_DIFFERENCE: Final = 0.05
"""A ratio closer to 1 than this is too small a difference to act on."""
LEAST_IN_TURNS: Final = 0.03
"""The same for a ratio that was taken in turns, which scatters by less."""
LEAST_ROUNDS: Final = 3
"""With fewer rounds there is no verdict: the interval of two values is 5 times as wide as that of three."""

POOLED_ROWS, POOLED_ROUNDS = 5, 5
"""With fewer rows, or fewer rounds of a row, nothing can be said about how the scatter differs from row to row."""
MOST_ALIKE: Final = 1e-4
"""Variances whose logarithms scatter by less than this, beyond chance, are taken to be equal."""
LEAST_VARIANCE: Final = 1e-12
"""Of logarithms, a millionth squared: no clock is better."""

FASTER: Final = "faster"
SLOWER: Final = "slower"
NO_DIFFERENCE: Final = "no clear difference"


class Estimate(NamedTuple):
    """A figure with its confidence interval; a single round has none."""

    value: float
    low: float | None
    high: float | None
    rounds: int

    @property
    def half_width(self) -> float | None:
        """Half the length of the interval; None without an interval."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2


def _t(rows: int, degrees: float) -> float:
    """Return Student's quantile for two-sided intervals that hold for all `rows` together."""
    from scipy.special import stdtrit  # as scipy.stats.t.ppf, whose import takes five times as long

    return float(stdtrit(degrees, (1 + CONFIDENCE ** (1 / rows)) / 2))  # Šidák


def _variance(values: Sequence[float]) -> float:
    centre = fmean(values)
    return math.fsum((value - centre) ** 2 for value in values) / (len(values) - 1)


def mean(values: Sequence[float], rows: int = 1) -> Estimate:
    """Return the mean of one value per round, with its Student interval.

    Parameters
    ----------
    values : at least one.
    rows : number of such intervals that hold together (Šidák).
    """
    centre, n = fmean(values), len(values)
    if n < 2:
        return Estimate(centre, None, None, n)
    margin = _t(rows, n - 1) * math.sqrt(_variance(values) / n)
    return Estimate(centre, centre - margin, centre + margin, n)


def pooled(rows: Mapping[str, Sequence[float]], together: int) -> dict[str, Estimate]:
    """Return the mean of each row, with intervals that use what the scatter of the others says about its own.

    The variance of a row is shrunk towards that of all (Smyth's moderated t: G. K. Smyth, Statistical Applications in
    Genetics and Molecular Biology 3 (2004), article 3), the more, the more alike the rows are. It is never taken to be
    less than what the row itself shows, so that a row with more scatter than the others is not trusted too much.

    Parameters
    ----------
    rows : the values of each, one for each round, with errors that are independent of those of the other rows.
    together : number of intervals that hold together (Šidák).
    """
    own = {name: max(LEAST_VARIANCE, _variance(v)) for name, v in rows.items() if len(v) >= POOLED_ROUNDS}
    found = {name: mean(values, together) for name, values in rows.items()}
    if len(own) < POOLED_ROWS:
        return found
    degrees = [len(rows[name]) - 1 for name in own]
    prior, typical = _prior(list(own.values()), degrees)
    for (name, of_row), d in zip(own.items(), degrees, strict=True):
        shrunk = typical if math.isinf(prior) else (prior * typical + d * of_row) / (prior + d)
        centre, n = found[name].value, len(rows[name])
        margin = _t(together, min(prior + d, sum(degrees))) * math.sqrt(max(of_row, shrunk) / n)
        found[name] = Estimate(centre, centre - margin, centre + margin, n)
    return found


def _prior(variances: Sequence[float], degrees: Sequence[int]) -> tuple[float, float]:
    """Return how many degrees of freedom the rows give each other, inf for rows that are alike, and their variance.

    Smyth's equations: the logarithms of variances with d degrees of freedom scatter by trigamma(d / 2); what they
    scatter more is by the rows.
    """
    from scipy.optimize import brentq
    from scipy.special import digamma, polygamma

    centred = [math.log(v) - digamma(d / 2) + math.log(d / 2) for v, d in zip(variances, degrees, strict=True)]
    more = _variance(centred) - fmean(float(polygamma(1, d / 2)) for d in degrees)
    if more <= MOST_ALIKE:
        return math.inf, fmean(variances)
    half = brentq(lambda x: polygamma(1, x) - more, 1e-3, 1 / MOST_ALIKE + 1)
    return 2 * half, math.exp(fmean(centred) + digamma(half) - math.log(half))


def exp(logarithms: Estimate) -> Estimate:
    """Return the estimate of a figure from that of its logarithm."""
    low, high = (None if end is None else math.exp(end) for end in (logarithms.low, logarithms.high))
    return Estimate(math.exp(logarithms.value), low, high, logarithms.rounds)


def paired_ratio(seconds: Mapping[int, float], baseline: Mapping[int, float], rows: int = 1) -> Estimate | None:
    """Return exp(mean of the log ratios) over the rounds that both have; None if they share none.

    Parameters
    ----------
    seconds, baseline : round -> seconds.
    rows : number of rows that are compared with the baseline (Šidák).
    """
    shared = sorted(seconds.keys() & baseline.keys())
    return exp(mean([math.log(seconds[r] / baseline[r]) for r in shared], rows)) if shared else None


def paired_difference(values: Mapping[int, float], baseline: Mapping[int, float], rows: int = 1) -> Estimate | None:
    """Return the mean difference over the rounds that both have; None if they share none."""
    shared = sorted(values.keys() & baseline.keys())
    return mean([values[r] - baseline[r] for r in shared], rows) if shared else None


def unpaired_ratio(
    seconds: Sequence[float], before: Sequence[float], rows: int = 1, drift: float = 1.0
) -> Estimate | None:
    """Return the ratio of two runs' geometric means, with Welch's interval; the numbers of rounds may differ.

    Parameters
    ----------
    seconds, before : one value per round of the later and of the earlier run.
    rows : number of rows that are compared (Šidák).
    drift : the ratio of the times that the machine took for the same work in the two runs. The interval is widened by
        it at both ends, because a change of the machine cannot be distinguished from a change of the code.
    """
    if not seconds or not before:
        return None
    a, b = ([math.log(s) for s in values] for values in (before, seconds))
    centre, n = fmean(b) - fmean(a), min(len(a), len(b))
    if n < 2:
        return Estimate(math.exp(centre), None, None, n)
    parts = [_variance(values) / len(values) for values in (a, b)]
    # degrees of freedom by Welch and Satterthwaite; without any spread, those of the shorter run
    spread = sum(part**2 / (len(values) - 1) for part, values in zip(parts, (a, b), strict=True))
    degrees = sum(parts) ** 2 / spread if spread else n - 1
    margin = _t(rows, degrees) * math.sqrt(sum(parts)) + abs(math.log(drift))
    return exp(Estimate(centre, centre - margin, centre + margin, n))


def verdict(ratio: Estimate | None, least: float = LEAST_DIFFERENCE) -> str | None:
    """Return the verdict on a ratio of times; None if there are too few rounds.

    `faster` and `slower` need an interval that excludes 1 and a difference of at least `least`.
    """
    if ratio is None or ratio.low is None or ratio.high is None or ratio.rounds < LEAST_ROUNDS:
        return None
    if ratio.low > 1 and ratio.value >= 1 + least:
        return SLOWER
    if ratio.high < 1 and ratio.value <= 1 / (1 + least):
        return FASTER
    return NO_DIFFERENCE
