"""Numbers as text."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.measure.statistics import Estimate
from shared.report import numbers


def within(value: float, half_width: float) -> Estimate:
    return Estimate(value, value - half_width, value + half_width, 3)


@pytest.mark.parametrize(
    ("value", "half_width", "expected"),
    [
        # the Particle Data Group's own examples: 0.827 +- 0.119 keeps two digits of the error, 0.827 +- 0.367 one
        (0.827, 0.119, "0.83 [0.71-0.95]"),
        (0.827, 0.367, "0.8 [0.5-1.2]"),
        (5.4321, 0.0354, "5.432 [5.397-5.468]"),
        (5.4321, 0.0355, "5.43 [5.40-5.47]"),
        (5.4321, 0.0949, "5.43 [5.34-5.53]"),
        (5.4321, 0.0951, "5.43 [5.34-5.53]"),
        (9.96, 0.12, "9.96 [9.84-10.08]"),
        (12_345.6, 230, "12,350 [12,120-12,580]"),
        (12_345.6, 960, "12,300 [11,400-13,300]"),
        (0.2, 17.0, "0.2 [-16.8-17.2]"),
        (5.0, 0.0, "5.000 [5.000-5.000]"),
    ],
)
def test_a_figure_has_the_digits_that_its_interval_supports(value: float, half_width: float, expected: str) -> None:
    assert numbers.estimate(within(value, half_width)) == expected


def test_without_an_interval_a_figure_has_two_digits() -> None:
    assert [numbers.estimate(Estimate(v, None, None, 1)) for v in (5.4321, 0.2049, 1234.0)] == ["5.4", "0.20", "1,200"]
    assert numbers.estimate(None) == numbers.difference(None) == numbers.error(None) == "-"


def test_a_difference_shows_its_sign_and_no_negative_zero() -> None:
    assert numbers.difference(within(-0.0016, 0.0094), 100) == "-0.2 [-1.1, +0.8]"
    assert numbers.difference(within(-0.004, 1.0)) == "+0.0 [-1.0, +1.0]".replace("+0.0", "0.0")


def test_what_is_worked_out_of_a_figure_has_as_many_digits() -> None:
    epoch = within(0.2, 0.01)  # 5 %
    assert numbers.derived(50_000 / 0.2, epoch) == "250,000"
    assert numbers.derived(244_129.0, epoch) == "244,000"
    assert numbers.derived(41.23, epoch) == "41.2"


def test_an_error_that_is_no_number_is_not_hidden() -> None:
    assert [numbers.error(e) for e in (8.24e-7, math.inf)] == ["8.2e-07", "not finite"]


@given(value=st.floats(1e-9, 1e9), relative=st.floats(1e-6, 10))
def test_what_is_shown_is_within_a_tenth_of_the_uncertainty_or_has_one_digit(value: float, relative: float) -> None:
    shown = numbers.estimate(within(value, value * relative)).partition(" ")[0]
    assert re.fullmatch(r"[\d,]+(\.\d+)?", shown)
    read = float(shown.replace(",", ""))
    # rounding to the place of the error's last digit moves the value by less than half of that digit
    assert abs(read - value) <= 0.15 * value * relative + 1e-9 * value or abs(read - value) <= 0.5 * value
    assert read > 0


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [(20.0, 3.93, 118.0, "20 [4-120]"), (4.0, 1.39, 10.0, "4 [1.4-10]"), (7.0, 6.6, 7.5, "7.0 [6.6-7.5]")],
)
def test_the_lower_end_of_a_wide_interval_is_not_rounded_to_what_it_excludes(
    value: float, low: float, high: float, expected: str
) -> None:
    assert numbers.estimate(Estimate(value, low, high, 3)) == expected
