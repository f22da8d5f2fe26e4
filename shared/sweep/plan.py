"""From options to a sweep: everything is checked before the first task starts; a resumed sweep is the same one."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, cast

from shared import data
from shared.boundary import read_bytes
from shared.data import Dataset
from shared.errors import SettingError
from shared.implementations import label
from shared.measure import plan as of_run
from shared.options import network_of, resolve, training_of
from shared.record import files, journal
from shared.record.checked import LONGEST, decoded
from shared.record.journal import RunError
from shared.record.schema import KINDS, RETAKEN, OptionsPart, Record
from shared.sweep.grid import AXES, Cell, cells
from shared.sweep.schema import VERSION, CellPart, SweepRecord
from shared.sweep.task import Task, versions

SWEEP: Final = "sweep.json"
CELLS: Final = "cells"
SAME: Final = ("implementations", "baseline", "cells", "options", "timed", "digest", "versions")
"""What must be the same when a sweep is resumed."""
BYTES_OF_A_CELL: Final = 1 << 18
START_SECONDS: Final = 2.0
"""A process: its start, the import of a framework, the comparison with the reference."""
STEP_SECONDS: Final = 2e-4
FLOPS: Final = 5e9
"""A second; with the two above it gives the roughest of estimates."""


@dataclass(frozen=True)
class Plan:
    """A sweep that is ready to start."""

    folder: Path
    record: SweepRecord
    tasks: list[Task]
    """those without a result"""
    dataset: Dataset

    def keep(self, cell: Cell, record: Record) -> None:
        """Save the record of a combination, as the run.json of a run of its own."""
        folder = self.folder / CELLS / cell.name
        folder.mkdir(parents=True, exist_ok=True)
        files.write_json(folder / journal.RUN, record)

    def results(self) -> dict[Cell, Record]:
        """Return the records that are there."""
        return results(self.folder, self.record)

    def save(self) -> None:
        """Write sweep.json."""
        files.write_json(self.folder / SWEEP, self.record)

    def seconds(self, at_once: int) -> float:
        """Estimate the time of the tasks, very roughly."""
        return sum(map(_seconds, self.tasks)) / at_once


def plan(
    given: Mapping[str, Any], axes: Mapping[str, Sequence[Any] | None], argv: Sequence[str], *,
    data_dir: Path | None, offline: bool, output: Path | None, resume: Path | None, timed: bool, timeout: float
) -> Plan:  # fmt: skip
    """Turn options into a sweep.

    Parameters
    ----------
    given : the options that all combinations have in common; None for one that was not given.
    axes : option of `AXES` -> its values; None for one that was not given.
    argv : the command's arguments, for the record.
    data_dir, offline : as `shared.data.load`.
    output : folder of the sweep, new or empty; None for a new one in results/.
    resume : folder of the sweep to continue.
    timed : whether each task has its machine for itself.
    timeout : seconds, as in `RunConfig`.

    Raises
    ------
    SettingError, SpecError, UnknownImplementationError, RunError
        If an option has no such value, or if the sweep to continue has another.
    DataError
        If the data set is missing or damaged.
    """
    previous = read(resume) if resume else None
    if resume and previous:
        again = of_run.named_again(cast(Record, previous), given["implementation"], resume)
        given = {**given, "implementation": again}
        axes = {axis: axes.get(axis) or _values(previous, axis) for axis in AXES}
    # without timing, turns would give ratios that nobody sees
    given = {**given, "rounds": 1, "one_at_a_time": None if timed else True}
    options = resolve(given, stored=previous and previous["options"])
    grid = [_settled(cell, options, given) for cell in cells(axes, options)]
    dataset, _ = data.load(options["dataset"], data_dir, offline=offline)
    tasks = []
    for cell in grid:
        task, used = _task(cell, given, options, dataset, argv, timed=timed, timeout=timeout)
        tasks.append(task)
    record = _record(tasks, used, timed=timed)
    if resume and previous:
        different = [name for name in SAME if record[name] != previous[name]]
        if different:
            problem = f"{resume} has other {', '.join(different)}"
            raise SettingError("resume", f"{problem}; leave out these options, or start a new sweep")
        folder, record = resume, record | {"started": previous["started"]}
    else:
        folder = of_run.make_folder(output, "sweep")
    try:
        files.reserve(folder, BYTES_OF_A_CELL * len(tasks))
    except OSError as error:
        problem = f"cannot reserve room in {folder}: {error.strerror}; choose another folder"
        raise SettingError("output", problem) from error
    there = {cell for cell, of in results(folder, record).items() if is_whole(of)}
    found = Plan(folder, record, [task for task in tasks if task.cell not in there], used)
    found.save()
    return found


def _settled(cell: Cell, options: Mapping[str, Any], given: Mapping[str, Any]) -> Cell:
    """Return a combination with its network and learning rate as they are trained."""
    own = {**options, **asdict(cell)}
    network = network_of(own, given)
    return Cell(str(network), cell.batch_size, training_of(own).learning_rate, cell.seed)


def _task(
    cell: Cell, given: Mapping[str, Any], options: Mapping[str, Any], dataset: Dataset, argv: Sequence[str], *,
    timed: bool, timeout: float
) -> tuple[Task, Dataset]:  # fmt: skip
    """Return the task of a combination, and the part of the data set that it uses."""
    own = {**options, **asdict(cell)}
    config = of_run.configure(own, given, argv, named=given["implementation"] is not None)
    config, used = of_run.fit(config, own, dataset, float("inf"), timeout)
    return Task(cell, config, used.digest, versions(), timed), used


def _record(tasks: Sequence[Task], dataset: Dataset, *, timed: bool) -> SweepRecord:
    first = tasks[0].config
    common = {name: value for name, value in (first.options or {}).items() if name not in (*AXES, "sizes")}
    return {
        "sweep_version": VERSION,
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "ended": None,
        "command": list(first.command),
        "implementations": [label(name) for name in first.implementations],
        "baseline": first.baseline,
        "cells": [cast(CellPart, asdict(task.cell)) for task in tasks],
        "options": cast(OptionsPart, common),
        "timed": timed,
        "digest": dataset.digest,
        "dataset": dataset.title,
        "versions": tasks[0].versions,
        "rows": [],
        "failures": [],
    }


def _values(record: SweepRecord, axis: str) -> list[Any]:
    return list(dict.fromkeys(cell[axis] for cell in record["cells"]))  # type: ignore[literal-required]


def _seconds(task: Task) -> float:
    train, training = task.config.spec, task.config.training
    images = task.config.options["train_size"] if task.config.options else None
    n = images or 50_000
    epochs = training.epochs + 1  # with the warm-up
    each = START_SECONDS + epochs * n * (6 * train.parameter_count / FLOPS + STEP_SECONDS / training.batch_size)
    return START_SECONDS + len(task.config.implementations) * each


def read(folder: Path) -> SweepRecord:
    """Return the record of a sweep; RunError if there is none, or if it cannot be read."""
    path = folder / SWEEP
    with journal.refused(path, "sweep"):
        found: SweepRecord = decoded(read_bytes(path, LONGEST), SweepRecord)
    if found["sweep_version"].partition(".")[0] != VERSION.partition(".")[0]:
        raise RunError(f"{path}: found version {found['sweep_version'][:20]}, expected {VERSION}")
    return found


def is_whole(record: Record) -> bool:
    """Return whether nothing of a record is taken anew by a run that is resumed."""
    return not any(result["status"] in RETAKEN for kind in KINDS for result in record[kind])


def results(folder: Path, record: SweepRecord) -> dict[Cell, Record]:
    """Return the records of a sweep's combinations; one that cannot be read counts as missing."""
    found = {}
    for part in record["cells"]:
        cell = Cell(**part)
        if (folder / CELLS / cell.name / journal.RUN).exists():
            try:
                found[cell] = journal.read(folder / CELLS / cell.name)
            except RunError:
                continue
    return found
