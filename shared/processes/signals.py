"""Ctrl-C and similar signals: the first ends the run in order, the second at once."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Final

from shared.processes.system import SIGNALS, Group

SHOW_CURSOR: Final = b"\x1b[?25h"

received: list[int] = []
"""The signals received so far, in order."""
groups: set[Group] = set()
"""The processes that are running."""


def install() -> None:
    """Handle the signals from now on, except those that are ignored already, as under nohup or in a job with &."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle)


def exit_code() -> int:
    """Return the exit code that shells expect after the first signal: 130 for Ctrl-C."""
    return 128 + (received[0] if received else signal.SIGINT)


def _handle(number: int, _: FrameType | None) -> None:
    received.append(number)
    if len(received) > 1:
        for group in groups:
            group.kill()
        with suppress(OSError, ValueError):
            if sys.stderr.isatty():
                os.write(2, SHOW_CURSOR)  # the live display has hidden it
        os._exit(exit_code())
    # os.write, because the signal may have arrived in the middle of a print
    with suppress(OSError):  # the terminal may be what is gone
        os.write(2, b"\ninterrupted: ending the worker and keeping what was measured; a second Ctrl-C exits at once\n")
    raise KeyboardInterrupt


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Delay signals until the end of the block, where they are raised.

    Signals interrupt only the main thread, so this does nothing in any other.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []

    def hold(number: int, _: FrameType | None) -> None:
        held.append(number)

    # a handler that was not set from Python is None, and could not be restored
    before = {number: signal.signal(number, hold) for number in SIGNALS if signal.getsignal(number) is not None}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in held:
            signal.raise_signal(late)
