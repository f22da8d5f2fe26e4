"""Runs: train, measure and compare; open a finished run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.api.common import DATA, Printed, given_options
from shared.measure import plan
from shared.measure.run import Listener, Silent, execute
from shared.options import DEFAULTS
from shared.record import journal
from shared.record.schema import Record
from shared.report import brief, summary, tables
from shared.report.outputs import write_page, write_tables
from shared.report.summary import Row


@dataclass(frozen=True, repr=False)
class Run(Printed):
    """A run: its folder, its record, and a row of figures for each implementation."""

    folder: Path
    record: Record

    @classmethod
    def of(cls, folder: Path, record: Record) -> "Run":
        """Return the run with this record."""
        return cls(brief.document(record), folder, record)

    @classmethod
    def open(cls, folder: str | Path) -> "Run":
        """Return the run in a folder, finished or not; RunError if there is none."""
        return cls.of(Path(folder), journal.read(Path(folder)))

    @property
    def rows(self) -> list[Row]:
        """A row for each implementation: accuracy, seconds per epoch, ratio, gradient error, status."""
        return summary.rows(self.record)

    @property
    def answer(self) -> list[str]:
        """Three sentences: whether they agree, how accurate they are, how long an epoch takes."""
        return self.document.answer

    @property
    def details(self) -> Printed:
        """Every table: intervals, stages, pairs, each gradient tensor."""
        return Printed(tables.document(self.record))

    @property
    def ok(self) -> bool:
        """Whether everything that was available ran and agrees with the reference.

        It is False if an implementation that was requested by name is not available. It is True for a run that its time
        budget ended early, if nothing failed until then.
        """
        return summary.exit_code(self.record) == 0

    def page(self) -> Path:
        """Write tables, figures and report.html to the folder; return the path of the page."""
        write_tables(self.folder, self.record)
        return write_page(self.folder, self.record)


def compare(
    *names: str,
    preset: str | None = None,
    effort: str | None = None,
    output: str | Path | None = None,
    budget: float = float("inf"),
    timeout: float = 300,
    listener: Listener | None = None,
    **options: Any,
) -> Run:
    """Train, measure and compare implementations; each result is on the disk before the next is measured.

    Parameters
    ----------
    names : implementations, or paths of .py files; by default those that the command runs.
    preset : "article", "nielsen", ...; options override it.
    effort : "quick" (1 round, 1 epoch) or "rigorous" (15 rounds).
    output : folder of the run, new or empty; None for a new one in results/.
    budget : seconds, after which no worker starts.
    timeout : seconds; a worker that finishes no stage or epoch within this time is stopped.
    listener : shows the progress.
    options : options of the command: network, epochs, batch_size, learning_rate, rounds, seed, dataset, data_dir, ...

    Raises
    ------
    SettingError, SpecError, UnknownImplementationError, DataError, TypeError
        If an option does not exist or has no such value, or if the data set is not available.
    """
    allowed = tuple(name for name in DEFAULTS if name != "implementation") + DATA[1:]
    given = given_options(options, allowed) | {"implementation": list(names) or None}
    folder = None if output is None else Path(output)
    planned = plan.plan(
        given, effort, preset, (), data_dir=given.get("data_dir"), offline=bool(given.get("offline")),
        output=folder, resume=None, budget=budget, timeout=timeout,
    )  # fmt: skip
    record = execute(planned.config, planned.dataset, planned.folder, listener or Silent(), planned.previous)
    return Run.of(planned.folder, record)
