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
from pathlib import Path
from queue import Empty
from types import SimpleNamespace
from typing import Any, Protocol

import compare
from shared.diagnosis import limit
from shared.measure import sample
from shared.processes import calls
from shared.processes.child import Child
from shared.processes.system import ask_where
from tests.command import SECONDS

MARKER = "SAMEGRAD_TEST_HANGS"
LIMIT = 420
"""Seconds, for the limit of what hangs."""
HOUR = 3600
POLL_SECONDS = 0.02
pread = sys.modules["posix"].pread
"""Tests run on POSIX where they need it; tests/stubs/no_posix hides os.pread."""


class Clock:
    """Time that does not pass, but for an hour at each look while somebody hangs, from the second look on.

    At the first one, who looks may not have read yet what was written before.
    """

    def __init__(self, marker: Path) -> None:
        self.marker = marker
        self._looks = 0

    def __call__(self) -> float:
        with suppress(FileNotFoundError):
            self._looks += self.marker.stat().st_size > 0
        return float(HOUR * max(0, self._looks - 1))


class Patch(Protocol):
    """As `setattr`, and pytest's `monkeypatch.setattr`."""

    def __call__(self, target: Any, name: str, value: Any, /) -> Any: ...


def install(clock: Clock, patch: Patch = setattr) -> None:
    """Let what waits for an implementation do so by this clock."""

    def its_own_limit(process: calls.CallProcess) -> tuple[str, Any]:
        """As `_next`, but its time is over when it is this process that says that it hangs."""
        while True:
            with suppress(Empty):
                return process._answers.get(timeout=POLL_SECONDS)
            with suppress(FileNotFoundError):
                if clock.marker.read_text(encoding="utf-8") == str(process._child._process.pid):
                    return "timed out", f"no answer within {process._timeout:g} s"

    patch(calls.CallProcess, "_next", its_own_limit)
    patch(sample, "time", SimpleNamespace(monotonic=clock, perf_counter_ns=time.perf_counter_ns, sleep=time.sleep))
    hear_out(patch, lambda: clock.marker.unlink(missing_ok=True))


def hear_out(patch: Patch, then: Callable[[], object] = lambda: None) -> None:
    """Let a process that hangs say where it does to the end: how long that takes, too, depends on the machine."""

    def to_the_end(child: Child) -> None:
        ask_where(child._process)
        while not child.has_ended() and b"_run_module_as_main" not in pread(child._stderr.fileno(), 1 << 20, 0):
            time.sleep(POLL_SECONDS)
        then()

    patch(Child, "say_where", to_the_end)


def wait_long(patch: Patch = setattr) -> None:
    """Wait for every implementation as long as it takes, whatever limit it is given."""
    patch(calls.CallProcess, "_left", lambda _: float(SECONDS))
    patch(limit, "time", SimpleNamespace(monotonic=lambda: 0.0))


if __name__ == "__main__":
    install(Clock(Path(os.environ[MARKER])))
    sys.exit(compare.main())
