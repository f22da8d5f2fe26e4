"""Progress on stderr: a live line on a terminal, plain lines elsewhere."""

import time
from collections import Counter
from statistics import mean
from types import TracebackType
from typing import Any, Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from shared.implementations import REFERENCE_LABEL, label
from shared.measure.config import RunConfig
from shared.measure.job import Job
from shared.record.schema import OK, Event, Record

SHOWN: Final = ("import", "data", "load", "first step", "agreement", "warm-up")
"""Stages whose end is shown on a terminal."""


class Display:
    """Shows each worker, its stages and epochs; use it as a context manager.

    Parameters
    ----------
    config : of the run.
    previous : the record of an earlier call for the same run.
    """

    def __init__(self, config: RunConfig, previous: Record | None = None) -> None:
        self._rounds, self._epochs = config.rounds, config.training.epochs
        self._pending = Counter(dict.fromkeys((REFERENCE_LABEL, *map(label, config.implementations)), self._rounds))
        if previous:
            self._pending.subtract(r["implementation"] for r in previous["references"] + previous["samples"])
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._live = self._console.is_terminal and not self._console.is_dumb_terminal
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=10),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=self._console,
            disable=not self._live,
            transient=True,
        )
        self._task = self._progress.add_task("", total=self._pending.total() * self._epochs, left="")
        self._started = 0.0
        self._done = 0
        self._seconds: dict[str, list[float]] = {}

    def __enter__(self) -> "Display":
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._progress.stop()

    def started(self, job: Job) -> None:
        """Show that a worker starts."""
        self._started = time.monotonic()
        self._say(job, "starting", 0)

    def event(self, job: Job, event: Event) -> None:
        """Show that a stage or an epoch has finished."""
        if "epoch" in event:
            accuracy, loss = 100 * event["validation_accuracy"], event["validation_loss"]
            reached = f"{accuracy:.1f} %" if accuracy else f"loss {loss}"
            self._say(job, f"epoch {event['epoch']}/{self._epochs} {reached}", event["epoch"])
        elif self._live and event["stage"] in SHOWN:
            self._say(job, f"{event['stage']} done", 0)

    def finished(self, job: Job, result: dict[str, Any]) -> None:
        """Show how a worker ended, unless its epochs have already shown it."""
        self._pending[job.label] -= 1
        self._seconds.setdefault(job.label, []).append(time.monotonic() - self._started)
        self._done += 1
        if result["status"] != OK or job.is_reference:
            self._say(job, result["status"], 0)
        self._progress.update(self._task, completed=self._done * self._epochs)

    def turns(self, job: Job, baseline: Job) -> None:
        """Show that an implementation and the baseline take turns."""
        self._say(job, f"in turns with {baseline.label}", 0)

    def _say(self, job: Job, what: str, epoch: int) -> None:
        line = f"round {job.round}/{self._rounds} {job.label}: {what}"
        if self._live:
            self._progress.update(
                self._task, description=line, completed=self._done * self._epochs + epoch, left=self._time_left()
            )
        else:
            self._console.print(line, soft_wrap=True)

    def _time_left(self) -> str:
        """Estimate the time left from finished workers; an implementation without one counts as the mean."""
        if not self._seconds:
            return ""
        typical = {name: mean(seconds) for name, seconds in self._seconds.items()}
        unseen = mean(typical.values())
        to_come = sum(max(0, n) * typical.get(name, unseen) for name, n in self._pending.items())
        left = int(max(0.0, to_come - (time.monotonic() - self._started)))
        return f"{left // 60}:{left % 60:02d} left"
