"""Errors of whoever asks: each says what was got, what is allowed, and what may have been meant."""

from collections.abc import Iterable
from difflib import get_close_matches


class SpecError(ValueError):
    """A value that no experiment can have; the message says what was got and what is allowed."""

    def __init__(self, name: str, got: object, allowed: str) -> None:
        super().__init__(f"{name}: got {got!r}, expected {allowed}")


def nearest(got: object, allowed: Iterable[str]) -> str:
    """Return "; did you mean X?", where one of the allowed words is much like what was got, else nothing."""
    found = get_close_matches(str(got), allowed, n=1)
    return f"; did you mean {found[0]}?" if found else ""


class UsageError(Exception):
    """Arguments that cannot be meant."""
