"""Ctrl-C and its like: the first asks the run to end in order, the second ends it at once."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

from shared.processes.system import SIGNALS, Group

SHOW_CURSOR: Final = b"\x1b[?25h"

received: list[int] = []
"""The signals that have come, in order."""
groups: set[Group] = set()
"""The processes at work."""


def install() -> None:
    """Handle the signals from now on, but for those that whoever started us wants ignored: nohup, a job with &."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _handle)


def exit_code() -> int:
    """Return what a shell expects of a program that the first signal ended: 130 for Ctrl-C."""
    return 128 + (received[0] if received else signal.SIGINT)


def _handle(number: int, _: FrameType | None) -> None:
    received.append(number)
    if len(received) > 1:
        for group in groups:
            group.kill()
        if sys.stderr.isatty():
            os.write(2, SHOW_CURSOR)  # which the live display has hidden
        os._exit(exit_code())
    # os.write, because the signal may have come in the middle of a print
    os.write(2, b"\ninterrupted: ending the worker, keeping what has been measured; once more leaves at once\n")
    raise KeyboardInterrupt


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Hold signals back until the block is done; they then do what they would have done.

    They interrupt the main thread only, so in another there is nothing to hold back.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    held: list[int] = []

    def hold(number: int, _: FrameType | None) -> None:
        held.append(number)

    # a handler that is not Python's own is None, and could not be put back
    before = {number: signal.signal(number, hold) for number in SIGNALS if signal.getsignal(number) is not None}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for late in held:
            signal.raise_signal(late)
