"""Numbers as text, to the digits that their interval supports, and plurals."""

import math

from shared.measure.statistics import Estimate

NONE = "-"
LEAST_TRUE = 0.1
"""The largest fraction by which rounding may change the lower end of an interval."""


def decimals(value: float, half_width: float | None) -> int:
    """Return the number of decimals to show; below 0 for tens, hundreds, ...

    The rule is the Particle Data Group's: if the three leading digits of the uncertainty are 100 to 354, two digits of
    it are kept; if they are 355 to 949, one; from 950 on it counts as 1000, and two are kept. Without an interval two
    digits are shown, and four if the interval has width 0.
    """
    if half_width is None or half_width <= 0 or not math.isfinite(half_width):
        return _decimals_of(value, 4 if half_width == 0 else 2)
    exponent = math.floor(math.log10(half_width))
    leading = round(half_width / 10.0**exponent * 100)
    return (1 if leading <= 354 else 0) - exponent


def _decimals_of(value: float, digits: int) -> int:
    """Return the decimals that show this number of significant digits."""
    if value == 0 or not math.isfinite(value):
        return 0
    return digits - 1 - math.floor(math.log10(abs(value)))


def number(value: float, places: int, sign: str = "") -> str:
    """Return a number with this many decimals; with `sign` "+", positive numbers have a sign, too."""
    text = f"{round(value, places):{sign},.{max(0, places)}f}"
    return text.replace("-", "", 1) if float(text.replace(",", "")) == 0 and text.startswith("-") else text


def estimate(found: Estimate | None, scale: float = 1.0) -> str:
    """Return a positive number with its interval, such as 5.43 [5.21-5.65], with at least one significant digit."""
    if found is None:
        return NONE
    places, (low, high) = _places(found, scale), _ends(found, scale)
    value = number(found.value * scale, places)
    return (
        value if low is None or high is None else f"{value} [{number(low, _lower(low, places))}-{number(high, places)}]"
    )


def without_interval(found: Estimate, scale: float = 1.0) -> str:
    """Return a positive number to the digits that its interval supports, such as 5.43."""
    return number(found.value * scale, _places(found, scale))


def _places(found: Estimate, scale: float) -> int:
    return max(decimals(found.value * scale, _half(*_ends(found, scale))), _decimals_of(found.value * scale, 1))


def difference(found: Estimate | None, scale: float = 1.0) -> str:
    """Return a signed number with its interval, such as -0.16 [-1.10, +0.78]."""
    if found is None:
        return NONE
    value, (low, high) = found.value * scale, _ends(found, scale)
    places = decimals(value, _half(low, high))
    return (
        number(value, places, "+")
        if low is None or high is None
        else (f"{number(value, places, '+')} [{number(low, places, '+')}, {number(high, places, '+')}]")
    )


def _lower(low: float, places: int) -> int:
    """Return the decimals of the lower end: more in a wide interval, where it would be rounded to 0, or to 1."""
    while places < _decimals_of(low, 2) and abs(round(low, places) - low) > LEAST_TRUE * low:
        places += 1
    return places


def derived(value: float, found: Estimate) -> str:
    """Return a number proportional to an estimate or to its inverse, to the digits that the estimate supports."""
    relative = None if found.half_width is None else found.half_width / found.value
    half_width = None if relative is None else value * relative
    return number(value, max(decimals(value, half_width), _decimals_of(value, 1)))


def _ends(found: Estimate, scale: float) -> tuple[float | None, float | None]:
    low, high = (None if end is None else end * scale for end in (found.low, found.high))
    return low, high


def _half(low: float | None, high: float | None) -> float | None:
    return None if low is None or high is None else (high - low) / 2


def error(value: float | None) -> str:
    """Return a relative error; inf stands for one that is not a number."""
    if value is None:
        return NONE
    return f"{value:.1e}" if math.isfinite(value) else "not finite"


def plural(n: int, word: str) -> str:
    """Return a count with its word, such as 1 epoch or 3 epochs."""
    return f"{n} {word}{'s' * (n != 1)}"
