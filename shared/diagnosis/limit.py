"""The time limit of a check. It is asked before each long computation; one that has begun is finished."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_deadline: Final = ContextVar("_deadline", default=float("inf"))


class OutOfTime(Exception):  # noqa: N818 - no error
    """The time limit is over, and something is left to compute."""


@contextmanager
def time_limit(seconds: float) -> Iterator[float]:
    """Limit what is computed in the block; yields when its time is over, a time of `time.monotonic`."""
    deadline = time.monotonic() + seconds
    before = _deadline.set(deadline)
    try:
        yield deadline
    finally:
        _deadline.reset(before)


def require_time() -> None:
    """Raise OutOfTime if the time limit is over."""
    if time.monotonic() > _deadline.get():
        raise OutOfTime
