"""Errors in what a user asks for: each says what was given, what is allowed, and what may have been meant."""

from collections.abc import Iterable
from difflib import get_close_matches


class SpecError(ValueError):
    """A value that no experiment can have; the message says what was given and what is allowed."""

    def __init__(self, name: str, got: object, allowed: str) -> None:
        super().__init__(f"{name}: got {got!r}, expected {allowed}")


class SettingError(ValueError):
    """A value that this data set, folder or set of implementations does not allow; the command line adds the flag."""

    def __init__(self, setting: str, problem: str) -> None:
        self.setting, self.problem = setting, problem
        super().__init__(f"{setting}: {problem}")


class UsageError(Exception):
    """Command-line arguments that contradict each other or are missing; raised only by the verbs."""


def listed(words: Iterable[str]) -> str:
    """Return a, b and c."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def nearest(got: object, allowed: Iterable[str]) -> str:
    """Return "; did you mean X?" if one of the allowed words is similar to what was given, else ""."""
    found = get_close_matches(str(got), allowed, n=1)
    return f"; did you mean {found[0]}?" if found else ""


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise SpecError for a value that is not one of the allowed words."""
    if value not in allowed:
        raise SpecError(name, value, "one of " + ", ".join(allowed) + nearest(value, allowed))


def check_whole(name: str, value: object, least: int) -> None:
    """Raise SpecError for a value that is not a whole number, or is less than `least`."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise SpecError(name, value, f"a whole number of at least {least}")
