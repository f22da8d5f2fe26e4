"""Progress of a sweep on stderr: a live line on a terminal, a line now and then elsewhere."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from shared.sweep import run
from shared.sweep.plan import Plan

LINES: Final = 20
"""Where there is no terminal, about so many lines are printed."""


class Display:
    """Shows how many combinations are done and have failed, and the time left; use it as a context manager.

    Parameters
    ----------
    plan : the sweep.
    slots : how many tasks run at once.
    dashboard : the address of Dask's own page.
    """

    def __init__(self, plan: Plan, slots: int, dashboard: str) -> None:
        self._console = Console(stderr=True, highlight=False, markup=False)
        self._live = self._console.is_terminal and not self._console.is_dumb_terminal
        there = len(plan.record["cells"]) - len(plan.tasks)
        before = f" ({there:,} are there already)" if there else ""
        workers = len(plan.record["implementations"])
        what = f"{len(plan.tasks):,} combinations x {workers} implementations{before}, {slots} at once"
        self._console.print(f"{what}: roughly {_time(plan.seconds(slots))}", soft_wrap=True)
        self._console.print(f"dashboard: {dashboard}", soft_wrap=True)
        self._slots, self._start, self._printed = slots, time.monotonic(), -1
        self._progress = Progress(
            BarColumn(bar_width=20),
            TextColumn("{task.description}", markup=False),
            TimeElapsedColumn(),
            console=self._console,
            disable=not self._live,
            transient=True,
        )
        self._task = self._progress.add_task("", total=len(plan.tasks))

    def __enter__(self) -> "Callable[[run.Progress], None]":
        self._progress.start()
        return self.shown

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._progress.stop()

    def shown(self, progress: run.Progress) -> None:
        """Show the numbers."""
        ended = progress.done + len(progress.failures)
        failed = f", {len(progress.failures):,} failed" if progress.failures else ""
        left = ""
        if 0 < ended < progress.total:
            left = f", {_time((time.monotonic() - self._start) / ended * (progress.total - ended))} left"
        line = f"{progress.done:,} of {progress.total:,} combinations done{failed}{left}"
        self._progress.update(self._task, completed=ended, description=line)
        if not self._live and ended * LINES // max(1, progress.total) > self._printed:
            self._printed = ended * LINES // max(1, progress.total)
            self._console.print(line, soft_wrap=True)


def _time(seconds: float) -> str:
    """Return a rough duration."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
