"""Errors of whoever asks: each says what was got, what is allowed, and what may have been meant."""

from collections.abc import Iterable
from difflib import get_close_matches


class SpecError(ValueError):
    """A value that no experiment can have; the message says what was got and what is allowed."""

    def __init__(self, name: str, got: object, allowed: str) -> None:
        super().__init__(f"{name}: got {got!r}, expected {allowed}")


class SettingError(ValueError):
    """A value that this data set, folder or set of implementations does not allow; the command line names the flag."""

    def __init__(self, setting: str, problem: str) -> None:
        self.setting, self.problem = setting, problem
        super().__init__(f"{setting}: {problem}")


class UsageError(Exception):
    """Arguments of the command line that contradict one another, or are too few; raised by the verbs alone."""


def nearest(got: object, allowed: Iterable[str]) -> str:
    """Return "; did you mean X?", where one of the allowed words is much like what was got, else nothing."""
    found = get_close_matches(str(got), allowed, n=1)
    return f"; did you mean {found[0]}?" if found else ""


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise SpecError for a value that is none of the allowed words."""
    if value not in allowed:
        raise SpecError(name, value, "one of " + ", ".join(allowed) + nearest(value, allowed))


def check_whole(name: str, value: object, least: int) -> None:
    """Raise SpecError for a value that is no whole number, or a smaller one."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise SpecError(name, value, f"a whole number of at least {least}")
