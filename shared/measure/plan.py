"""From options to a run: the options are checked, then the data are loaded, then the folder is created."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any, Final, cast

from shared import data
from shared.boundary import safe
from shared.data import Dataset
from shared.errors import SettingError, listed, nearest
from shared.implementations import REFERENCE, REFERENCE_LABEL, label, locate_all, public, require, sources
from shared.measure.config import RunConfig, bytes_needed, new_record
from shared.options import DEFAULTS, Options, network_of, resolve, training_of
from shared.processes import environment
from shared.record import files, journal
from shared.record.checked import CheckedError, consistent, decoded
from shared.record.schema import COMPLETE, MOST_ROUNDS, RETAKEN, AnyResult, Record, SourcePart, differences

RESULTS: Final = environment.ROOT / "results"


@dataclass(frozen=True)
class Plan:
    """A run that is ready to start."""

    config: RunConfig
    dataset: Dataset
    folder: Path
    previous: Record | None = None
    """the record of an interrupted run"""


def plan(
    given: Mapping[str, Any], effort: str | None, preset: str | None, argv: Sequence[str], *, data_dir: Path | None,
    offline: bool, output: Path | None, resume: Path | None, budget: float, timeout: float
) -> Plan:  # fmt: skip
    """Turn options into a run.

    Parameters
    ----------
    given : options; None for one that was not given.
    effort : "quick", "rigorous" or None.
    preset : one of `PRESETS`, or None.
    argv : the command's arguments, for the record.
    data_dir, offline : as `shared.data.load`.
    output : folder of the run, new or empty; None for a new one in results/.
    resume : folder of the run to continue.
    budget, timeout : seconds, as in `RunConfig`.

    Raises
    ------
    SettingError, SpecError, UnknownImplementationError, RunError
        If an option has no such value.
    DataError
        If the data set is missing or damaged.
    """
    previous = journal.read(resume) if resume else None
    named = given["implementation"] is not None or bool(previous and previous["named"])
    if resume and previous:
        given = {**given, "implementation": named_again(previous, given["implementation"], resume)}
    options = resolve(given, effort, previous and previous["options"], preset)
    config = configure(options, given, argv, named=named)
    dataset, notice = data.load(options["dataset"], data_dir, offline=offline)
    if notice:
        print(notice, file=sys.stderr)
    config, dataset = fit(config, options, dataset, budget, timeout)
    try:
        consistent(decoded(json.dumps(new_record(config, dataset)).encode(), Record))
    except CheckedError as error:
        raise SettingError("run", f"its record could not be read again: {error}") from None
    if resume and previous:
        refuse_another(previous, config, dataset, resume)
        return Plan(config, dataset, prepare(resume, config, len(dataset.test)), previous)
    folder = make_folder(output, config.options["dataset"] if config.options else "")
    return Plan(config, dataset, prepare(folder, config, len(dataset.test)))


def configure(options: Options, given: Mapping[str, Any], argv: Sequence[str], *, named: bool) -> RunConfig:
    """Return the configuration, as far as it does not depend on the data; raise an error for wrong options."""
    for name in ("rounds", "threads", "train_size", "test_size"):
        if options[name] is not None and options[name] < 1:
            raise SettingError(name, f"got {options[name]}, expected a whole number of at least 1")
    if options["rounds"] > MOST_ROUNDS:
        raise SettingError("rounds", f"got {options['rounds']:,}, expected at most {MOST_ROUNDS:,}")
    network = network_of(options, given)
    implementations = locate_all(options["implementation"])
    labels = [label(name) for name in implementations]
    baseline = options["baseline"]
    if baseline is not None and baseline not in labels:
        allowed = f"one of {', '.join(labels)} (the implementations of this run){nearest(baseline, labels)}"
        raise SettingError("baseline", f"got {baseline!r}, expected {allowed}")
    try:
        texts = sources(implementations)
    except OSError as error:
        problem = f"got a file that cannot be read: {error}; expected a file of Python, with permission to read it"
        raise SettingError("implementation", problem) from None
    return RunConfig(
        implementations=implementations,
        spec=network,
        training=training_of(options),
        rounds=options["rounds"],
        threads=options["threads"],
        command=tuple(map(_without_folders, argv)),
        baseline=baseline or (REFERENCE if REFERENCE in labels else labels[0]),
        sources=cast(dict[str, SourcePart], texts),
        named=named,
        one_at_a_time=bool(options["one_at_a_time"]),
    )


def fit(
    config: RunConfig, options: Options, dataset: Dataset, budget: float, timeout: float
) -> tuple[RunConfig, Dataset]:
    """Return the configuration completed from the data set, and the part of the data set that it uses."""
    dataset = part_of(dataset, options)
    dataset.check(config.spec, config.training.batch_size)
    require(config.implementations, config.spec, config.training)
    epochs = dataset.epochs if options["epochs"] is None else options["epochs"]
    settled = options | {
        "implementation": [public(name) for name in config.implementations],
        "network": None if options["network"] is None else str(config.spec),
        "sizes": list(config.spec.sizes),
        "loss": config.spec.loss,
        "epochs": epochs,
        "learning_rate": config.training.learning_rate,
        "dataset": dataset.key,
    }
    training = replace(config.training, epochs=epochs)
    return replace(config, training=training, options=settled, budget=budget, timeout=timeout), dataset


def part_of(dataset: Dataset, options: Options) -> Dataset:
    """Return the part of the data set that the options ask for; SettingError if it has not so many images."""
    for name, split in (("train", dataset.train), ("test", dataset.test)):
        size = options[f"{name}_size"]
        if size is not None and size > len(split):
            most = f"at most {len(split):,}, the number of {name} images of {dataset.name}"
            raise SettingError(f"{name}_size", f"got {size:,}, expected {most}")
    if options["train_size"] is not None:
        dataset = dataset.with_train_size(options["train_size"])
    if options["test_size"] is not None:
        dataset = dataset.with_test_size(options["test_size"])
    if options["inputs"] == "standardised":
        dataset = dataset.with_standardised_inputs()
    return dataset


def refuse_another(previous: Record, config: RunConfig, dataset: Dataset, folder: Path) -> None:
    """Raise SettingError if the run to continue has another configuration, or other sources, than those of now."""
    found = differences(previous, new_record(config, dataset))
    if found:
        remedy = "leave out these options, or start a new run"
        raise SettingError("resume", f"{folder} has another configuration: {'; '.join(found)}; {remedy}")
    before = previous.get("sources", {})
    edited = [name for name, now in config.sources.items() if name in before and before[name]["text"] != now["text"]]
    if edited:
        problem = f"{listed(edited)} changed since this run began, and its samples would be of two versions"
        raise SettingError("resume", f"{problem}; expected the file as it was (the run's page has it), or a new run")


def finished(folder: Path, given: Mapping[str, Any]) -> Record | None:
    """Return the record of a run of which nothing is missing that may be measured now; None for any other.

    A file of a user's own runs only if it is named again. If all that could be taken anew is what such a file did not
    finish, and it is not named, then there is nothing to do.
    """
    record = journal.read(folder)
    if record["ended"] != COMPLETE or any(given.get(name) is not None for name in DEFAULTS if name != "implementation"):
        return None
    stored = record["options"].get("implementation", [])
    fixed = {label(name) for name in stored if name.endswith(".py")} - set(map(label, given["implementation"] or ()))
    every: list[AnyResult] = [*record["references"], *record["samples"]]
    stays = [r for r in every if r["status"] not in RETAKEN or r["implementation"] in fixed]
    kept = {(r["implementation"], r["round"]) for r in stays}
    rounds = range(1, record["rounds"] + 1)
    is_whole = all((name, k) in kept for name in (REFERENCE_LABEL, *record["implementations"]) for k in rounds)
    is_whole &= all(t["status"] not in RETAKEN or t["implementation"] in fixed for t in record["turns"])
    return record if is_whole else None


def named_again(record: Record, given: Sequence[str] | None, folder: Path) -> list[str]:
    """Return the implementations of a run that is resumed: what a run names is data, and runs no file by itself.

    Parameters
    ----------
    given : those named on the command line; None for none.

    Raises
    ------
    SettingError
        If the run has others, or has files of a user's own that are not named again.
    """
    now = {label(name): name for name in locate_all(given)} if given else {}
    stored = {label(name): name for name in record["options"].get("implementation", record["implementations"])}
    if strangers := [name for name in now if name not in stored]:
        raise SettingError(
            "implementation", f"got {listed(strangers)}, expected some of {listed(stored)}, which {folder} has"
        )
    if own := [name for name, file in stored.items() if file.endswith(".py") and name not in now]:
        again = " ".join(f"-i PATH/{Path(stored[name]).name}" for name in own)
        problem = f"{folder} has {listed(own)}, and no file runs because a run names it"
        raise SettingError("resume", f"{problem}; name it again: --resume {folder} {again}")
    return [now.get(name, file) for name, file in stored.items()]


def _without_folders(argument: str) -> str:
    """Return an argument for the record: of an absolute path, which may name a user, its last part."""
    flag, _, value = argument.rpartition("=")
    shown = Path(value).name if Path(value).is_absolute() else value
    return safe(f"{flag}={shown}" if flag else shown)


def make_folder(output: Path | None, dataset: str) -> Path:
    """Create the folder of the results; refuse one that is not empty."""
    folder = output or RESULTS / f"{datetime.now():%Y-%m-%d-%H%M%S}-{dataset}"
    try:
        if output is None:
            return _make_new_folder(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            remedy = f"an interrupted run goes on with --resume {folder}"
            raise SettingError("output", f"got {folder}, which exists, expected a new or empty folder; {remedy}")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SettingError("output", f"cannot create {folder}: {error.strerror}") from error
    return folder.resolve()


def _make_new_folder(folder: Path) -> Path:
    """Create a folder; if runs started in the same second have created it, folder-2, folder-3, ..."""
    for number in count(1):
        candidate = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            candidate.mkdir(parents=True)
        except FileExistsError:
            continue
        return candidate
    raise AssertionError  # count() does not end


def prepare(folder: Path, config: RunConfig, test_images: int) -> Path:
    """Check that the disk has room for the results; return the folder."""
    needed = bytes_needed(config, test_images)
    try:
        files.reserve(folder, needed)
    except OSError as error:
        problem = f"cannot reserve the {needed / 1e6:,.0f} MB that this run may need in {folder}: {error.strerror}"
        raise SettingError("output", f"{problem}; choose another folder") from error
    return folder.resolve()
