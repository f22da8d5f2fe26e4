"""Signals: who handles them, and when."""

import signal
from collections.abc import Iterator

import pytest

from shared.processes import signals, system


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in system.SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
def test_what_whoever_started_us_wants_ignored_stays_ignored() -> None:
    """As under nohup: closing the terminal must not cost the run."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    signals.install()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    assert signal.getsignal(signal.SIGINT) is signals._handle


def test_signals_are_held_back_until_the_block_is_done_and_then_do_what_they_would_have_done() -> None:
    order: list[str] = []
    signal.signal(signal.SIGTERM, lambda *_: order.append("handled"))
    with signals.uninterrupted():
        signal.raise_signal(signal.SIGTERM)
        order.append("done")
    assert order == ["done", "handled"]
    signal.raise_signal(signal.SIGTERM)
    assert order == ["done", "handled", "handled"]


def test_an_error_within_the_block_is_not_hidden() -> None:
    with pytest.raises(OSError, match="full"), signals.uninterrupted():
        raise OSError("full")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
