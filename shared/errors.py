"""Errors in what a user asks for: each says what was given, what is allowed, and what may have been meant."""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


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


def not_there(path: Path) -> str:
    """Return that there is no file, in words, with the nearest name of a Python file beside it."""
    if path.is_dir():
        return f"got {path}, which is a folder"
    beside = [each.name for each in path.parent.glob("*.py")] if path.parent.is_dir() else []
    return f"got {path}, which does not exist{nearest(path.name, beside)}"


def check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise SpecError for a value that is not one of the allowed words."""
    if value not in allowed:
        raise SpecError(name, value, "one of " + ", ".join(allowed) + nearest(value, allowed))


def check_whole(name: str, value: object, least: int, most: int | None = None) -> None:
    """Raise SpecError for a value that is not a whole number, is less than `least`, or more than `most`."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    if not is_whole or value < least or (most is not None and value > most):  # type: ignore[operator]
        between = f"of at least {least}" if most is None else f"from {least} to {most}"
        raise SpecError(name, value, f"a whole number {between}")
