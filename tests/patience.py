"""Limits of time without waiting for them: a clock that stands until an implementation says that it hangs.

`python -m tests.patience VERB ...` is the command by that clock. An implementation that hangs writes into the file
$SAMEGRAD_TEST_HANGS where it does. Then, and no sooner, time passes, and fast: so a limit may be many minutes, which
nothing else reaches however busy the machine is, and still be over at once.
"""

import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Protocol

import compare
from shared.measure import sample
from shared.processes.child import Child
from tests.command import SECONDS

MARKER = "SAMEGRAD_TEST_HANGS"
LIMIT = 420
"""Seconds, for the limit of what hangs."""
HOUR = 3600
POLL_SECONDS = 0.02


class Clock:
    """Time that does not pass, but for an hour at each look while somebody hangs."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker
        self._hours = 0

    def __call__(self) -> float:
        with suppress(FileNotFoundError):
            self._hours += self.marker.stat().st_size > 0
        return float(HOUR * self._hours)


class Patch(Protocol):
    """As `setattr`, and pytest's `monkeypatch.setattr`."""

    def __call__(self, target: Any, name: str, value: Any, /) -> Any: ...


def install(clock: Clock, patch: Patch = setattr) -> None:
    """Let what waits for an implementation do so by this clock."""
    poll = Connection.poll

    def by_the_clock(connection: "Connection[Any, Any]", timeout: float | None = 0.0) -> bool:
        if not timeout:
            return poll(connection, timeout)
        deadline = clock() + timeout
        while not poll(connection, POLL_SECONDS):
            if clock() > deadline:
                return False
        return True

    patch(Connection, "poll", by_the_clock)
    patch(sample, "time", SimpleNamespace(monotonic=clock, monotonic_ns=time.monotonic_ns, sleep=time.sleep))
    hear_out(patch, lambda: clock.marker.unlink(missing_ok=True))


def hear_out(patch: Patch, then: Callable[[], object] = lambda: None) -> None:
    """Let a process that hangs say where it does to the end: how long that takes, too, depends on the machine."""
    say_where = Child.say_where

    def to_the_end(child: Child) -> None:
        say_where(child)
        while not child.has_ended() and "_run_module_as_main" not in child.stderr():
            time.sleep(POLL_SECONDS)
        then()

    patch(Child, "say_where", to_the_end)


def wait_long(patch: Patch = setattr) -> None:
    """Wait for every implementation as long as it takes, whatever limit it is given."""
    poll = Connection.poll

    def until_it_answers(connection: "Connection[Any, Any]", timeout: float | None = 0.0) -> bool:
        return poll(connection, SECONDS if timeout else timeout)

    patch(Connection, "poll", until_it_answers)


if __name__ == "__main__":
    install(Clock(Path(os.environ[MARKER])))
    sys.exit(compare.main())
