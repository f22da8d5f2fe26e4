"""Sweeps: every combination of networks, batch sizes, learning rates and seeds, on Dask."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from shared.api.common import DATA, Printed, Progress, given_options, no_progress
from shared.errors import SettingError
from shared.options import DEFAULTS
from shared.record.schema import COMPLETE, ERROR, INTERRUPTED
from shared.report import sweep as report
from shared.report.outputs import write_sweep
from shared.sweep import plan as planning
from shared.sweep.grid import AXES
from shared.sweep.plan import Plan
from shared.sweep.schema import SweepRecord
from shared.sweep.task import packed

if TYPE_CHECKING:
    from shared.sweep import run

COMMON = tuple(name for name in DEFAULTS if name not in (*AXES, "implementation", "rounds", "one_at_a_time")) + DATA[1:]
"""The options that all combinations have in common."""
Shown = Callable[["run.Progress"], None]
Listener = Callable[[Plan, int, str], AbstractContextManager[Shown]]
"""Takes the plan, how many tasks run at once and the address of Dask's dashboard; yields what is told of progress."""


@contextmanager
def silent(_: Plan, __: int, ___: str) -> Iterator[Shown]:
    """Show nothing."""
    yield lambda _: None


@dataclass(frozen=True, repr=False)
class Sweep(Printed):
    """A sweep: its folder, and its record with a row for each combination of an implementation."""

    folder: Path
    record: SweepRecord
    refused: dict[str, str]
    """address of a worker that was not used -> why"""

    @property
    def ok(self) -> bool:
        """Whether every combination ran and agrees with the reference."""
        return report.exit_code(self.record) == 0

    def page(self) -> Path:
        """Write the table and the page to the folder; return the path of the page."""
        return write_sweep(self.folder, self.record)


def sweep(
    *names: str,
    network: str | Sequence[str] | None = None,
    batch_size: int | Sequence[int] | None = None,
    learning_rate: float | Sequence[float] | None = None,
    seed: int | Sequence[int] | None = None,
    timing: bool = True,
    scheduler: str | None = None,
    processes: int | None = None,
    output: str | Path | None = None,
    resume: str | Path | None = None,
    timeout: float = 300,
    progress: Progress = no_progress,
    listener: Listener = silent,
    argv: Sequence[str] = (),
    **options: Any,
) -> Sweep:
    """Compare implementations for every combination; each result is on the disk before the next is awaited.

    Ctrl-C ends it in order: what is returned then has the results so far, and its record ended as "interrupted".

    It starts processes, so a script calls it below `if __name__ == "__main__":`.

    Parameters
    ----------
    names : implementations, or paths of .py files; by default those that the command runs.
    network, batch_size, learning_rate, seed : one value or several, such as range(1, 11).
    timing : whether times are compared: then the tasks of a machine run one after the other.
    scheduler : address of a Dask cluster; None for a new one on this machine.
    processes : of the new cluster; by default 1, and without timing one for each CPU.
    output : folder of the sweep, new or empty; None for a new one in results/.
    resume : folder of a sweep that is continued, with the same options.
    timeout : seconds; an implementation that finishes no stage or epoch within this time is stopped.
    progress, listener : show that the data are read, and then how far it is.
    argv : the command's arguments, for the record.
    options : activation, loss, epochs, optimizer, initial, dtype, dataset, data_dir, offline, train_size, ...

    Raises
    ------
    SettingError, SpecError, UnknownImplementationError, DataError, RunError, TypeError
        As `compare`.
    """
    _refuse(timing, scheduler, processes, output, resume)
    given = dict.fromkeys(DEFAULTS) | given_options(options, COMMON) | {"implementation": list(names) or None}
    axes = dict(zip(AXES, map(_several, (network, batch_size, learning_rate, seed)), strict=True))
    with progress("reading the data", None):
        planned = planning.plan(
            given, axes, argv, data_dir=given.get("data_dir"), offline=bool(given.get("offline")),
            output=_path(output), resume=_path(resume), timed=timing, timeout=timeout,
        )  # fmt: skip
    record, refused = planned.record, dict[str, str]()
    try:
        found = _computed(planned, scheduler, processes, listener, timed=timing) if planned.tasks else None
        failures, refused = (found.failures, found.refused) if found else ({}, {})
        record["failures"] = cast(Any, [asdict(cell) | {"reason": reason} for cell, reason in failures.items()])
        record["ended"] = COMPLETE
    except KeyboardInterrupt:
        record["ended"] = INTERRUPTED
    except ConnectionError as error:
        record["ended"] = f"{ERROR}{error}"
    record["rows"] = report.parts(record, planned.results())
    planned.save()
    return Sweep(report.document(record), planned.folder, record, refused)


def _computed(
    planned: Plan, scheduler: str | None, processes: int | None, listener: Listener, *, timed: bool
) -> "run.Progress":
    """Run the tasks that are missing; return what became of them."""
    from shared.sweep import cluster, run  # Dask is an extra

    with cluster.connected(scheduler, timed=timed, workers=processes) as client:
        client.register_plugin(cluster.data_plugin(packed(planned.dataset), planned.record["digest"]))
        with listener(planned, cluster.slots(client), client.dashboard_link) as shown:
            return run.run(client, planned.tasks, planned.keep, shown)


def _refuse(timing: bool, scheduler: str | None, processes: int | None, output: object, resume: object) -> None:
    if resume and output:
        what = "got one together with resume, expected none: a sweep continues in its own folder"
        raise SettingError("output", what)
    if scheduler and processes:
        what = "got a number together with a scheduler, expected none: that cluster has its own"
        raise SettingError("processes", what)
    if processes is not None and processes < 1:
        raise SettingError("processes", f"got {processes}, expected at least 1")
    if timing and (processes or 1) > 1:
        what = "timed tasks of one machine run one after the other; without timing they run beside each other"
        raise SettingError("processes", f"got {processes}, expected 1: {what} (--no-timing)")


def _several(values: Any) -> Any:
    """Return the values of an axis as a list; None for none."""
    values = values.tolist() if hasattr(values, "tolist") else values  # of NumPy
    return values if values is None else [values] if isinstance(values, (str, int, float)) else list(values)


def _path(folder: str | Path | None) -> Path | None:
    return None if folder is None else Path(folder)
