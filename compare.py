"""Train the same network in every implementation and tabulate accuracy, speed and gradient agreement.

This file is the command line; nothing heavy is imported before the arguments have been understood.
"""

import argparse
import os
import shutil
import signal
import sys
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import impls
from shared import spec

if TYPE_CHECKING:
    from shared.data import Dataset
    from shared.measure.run import RunConfig

EPILOG = """\
exit codes:
  0  everything that could run did, and agrees
  1  a worker crashed (the other rows are shown)
  2  wrong usage
  3  the data set is missing or damaged
  4  an implementation disagrees with the float64 reference
  130  interrupted (what was measured is shown and kept); 143 by SIGTERM, 129 by SIGHUP

environment:
  SAMEGRAD_DATA     where MNIST lies, as --data-dir
  SAMEGRAD_MIRRORS  addresses to download MNIST from, comma-separated, instead of the public mirrors
  NO_COLOR          no colour
"""

ROOT = Path(__file__).resolve().parent
RESERVED = "float64-reference"
DATASETS = ("auto", "mnist", "digits")
# Digits has about 1/40 of MNIST's images: as many passes would hardly train it, or time it.
DEFAULT_EPOCHS = {"MNIST": 3, "digits": 10}


class UsageError(Exception):
    """Arguments that cannot be meant."""


@dataclass(frozen=True)
class Plan:
    """The arguments, understood."""

    config: "RunConfig"
    dataset: "Dataset"
    folder: Path


def parser() -> argparse.ArgumentParser:
    """Return the parser of all options."""
    network, training = spec.NetworkSpec(), spec.TrainingSpec()
    p = argparse.ArgumentParser(
        prog="compare.py",
        description=__doc__.partition("\n")[0],
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = p.add_argument_group("what is compared")
    what.add_argument(
        "-i",
        "--implementation",
        action="append",
        metavar="NAME",
        help=f"{', '.join(impls.names())}, or the path of a .py file; repeatable (default: all of them)",
    )
    what.add_argument("--sizes", default=network.sizes, type=_sizes, help="layer sizes (default: 784,30,10)")
    what.add_argument("--activation", default=network.activation, help=_choices(spec.ACTIVATIONS))
    what.add_argument("--loss", default=network.loss, help=_choices(spec.LOSSES))

    how = p.add_argument_group("how it is trained")
    how.add_argument("--epochs", type=int, help="passes over the training set (default: 3; bundled digits: 10)")
    how.add_argument("--batch-size", default=training.batch_size, type=int, help="(default: %(default)s)")
    how.add_argument("--learning-rate", default=training.learning_rate, type=float, help="(default: %(default)s)")
    how.add_argument("--initial", default=training.initial, help=_choices(spec.INITIALS))
    how.add_argument("--dtype", default=training.dtype, help=_choices(spec.DTYPES))
    how.add_argument("--seed", default=training.seed, type=int, help="of the first round (default: %(default)s)")

    data = p.add_argument_group("data")
    data.add_argument("--dataset", default="auto", choices=DATASETS, help="auto: MNIST, or else the bundled digits")
    data.add_argument("--data-dir", type=Path, help="where MNIST lies or goes (default: $SAMEGRAD_DATA or data/)")
    data.add_argument("--offline", action="store_true", help="make no connection")
    data.add_argument("--train-size", type=int, metavar="N", help="only the first N training images")

    run = p.add_argument_group("how it is measured")
    run.add_argument("--rounds", type=int, help="every implementation once a round, with a seed a round (default: 3)")
    run.add_argument("--threads", default=1, type=int, help="for every library (default: %(default)s)")
    run.add_argument("--quick", action="store_true", help="1 round and 1 epoch, unless given")
    run.add_argument("--output", type=Path, metavar="DIR", help="results go here (default: results/DATE-TIME-DATASET)")
    return p


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"got {text!r}, expected whole numbers such as 784,30,10") from None


def _choices(allowed: tuple[str, ...]) -> str:
    return f"{', '.join(allowed)} (default: %(default)s)"


def plan(arguments: argparse.Namespace, argv: list[str]) -> Plan:
    """Turn arguments into a run: refuse what is wrong first, then load the data, then make the results' folder."""
    names = _implementations(arguments.implementation or impls.names())
    network = spec.NetworkSpec(arguments.sizes, arguments.activation, arguments.loss)
    if network.sizes[0] != 784 or network.sizes[-1] != 10:
        raise UsageError(f"--sizes: got {arguments.sizes}, expected 784 inputs and 10 outputs, such as 784,30,10")
    one = 1 if arguments.quick else None
    rounds = arguments.rounds if arguments.rounds is not None else one or 3
    for flag, value in (("rounds", rounds), ("threads", arguments.threads), ("train-size", arguments.train_size)):
        if value is not None and value < 1:
            raise UsageError(f"--{flag}: got {value}, expected a whole number of at least 1")
    epochs = arguments.epochs if arguments.epochs is not None else one

    def training(default_epochs: int) -> spec.TrainingSpec:
        return spec.TrainingSpec(
            learning_rate=arguments.learning_rate,
            batch_size=arguments.batch_size,
            epochs=default_epochs if epochs is None else epochs,
            seed=arguments.seed,
            initial=arguments.initial,
            dtype=arguments.dtype,
        )

    training(1)  # so that a wrong value is refused before a download
    from shared import data
    from shared.measure.run import RunConfig

    dataset, notice = data.load(arguments.dataset, arguments.data_dir, offline=arguments.offline)
    if notice:
        print(notice, file=sys.stderr)
    if arguments.train_size is not None:
        if arguments.train_size > len(dataset.train):
            most = f"at most {len(dataset.train):,}, the training images of {dataset.name}"
            raise UsageError(f"--train-size: got {arguments.train_size:,}, expected {most}")
        dataset = dataset.with_train_size(arguments.train_size)
    if arguments.batch_size > len(dataset.train):
        most = f"at most {len(dataset.train):,}, the training images in use"
        raise UsageError(f"--batch-size: got {arguments.batch_size:,}, expected {most}")
    config = RunConfig(
        implementations=names,
        spec=network,
        training=training(DEFAULT_EPOCHS["MNIST" if dataset.name == "MNIST" else "digits"]),
        rounds=rounds,
        threads=arguments.threads,
        command=tuple(argv),
    )
    return Plan(config, dataset, _make_folder(arguments.output, "mnist" if dataset.name == "MNIST" else "digits"))


def _implementations(given: list[str]) -> tuple[str, ...]:
    """Return names, or absolute paths, without repetition."""
    found: dict[str, str] = {}
    for name in given:
        path = impls.locate(name)
        full = str(path.resolve()) if name.endswith(".py") else name
        if path.stem == RESERVED:
            raise UsageError(f"--implementation: got {name}, expected another name: {RESERVED} is the reference's")
        if found.setdefault(path.stem, full) != full:
            raise UsageError(f"--implementation: got two that are called {path.stem}, expected different names")
    return tuple(found.values())


def _make_folder(output: Path | None, dataset: str) -> Path:
    """Create the folder of the results; never one in which something lies."""
    folder = output or ROOT / "results" / f"{datetime.now():%Y-%m-%d-%H%M%S}-{dataset}"
    try:
        if output is None:
            return _make_new_folder(folder)
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise UsageError(f"--output: got {folder}, which exists, expected a new or empty folder")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--output: cannot make {folder}: {error.strerror}") from error
    return folder.resolve()


def _make_new_folder(folder: Path) -> Path:
    """Create a folder, or folder-2, folder-3, ... where runs that began in the same second have made it."""
    for number in count(1):
        candidate = folder if number == 1 else folder.with_name(f"{folder.name}-{number}")
        try:
            candidate.mkdir(parents=True)
        except FileExistsError:
            continue
        return candidate
    raise AssertionError  # count() does not end


def run(plan: Plan) -> int:
    """Run everything, print the tables and keep them; return the exit code."""
    from shared.measure import files
    from shared.measure.run import execute
    from shared.report import summary, tables
    from shared.report.progress import Display

    config = plan.config
    workers = config.rounds * (len(config.implementations) + 1)
    with Display(workers, config.rounds, config.training.epochs) as display:
        record = execute(config, plan.dataset, plan.folder, display)
    files.write_text(plan.folder / "table.md", tables.markdown(record))
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() or "COLUMNS" in os.environ else 10_000
    print(tables.text(record, width))
    print(f"results: {os.path.relpath(plan.folder)}")
    return 128 + SIGNALS[0] if SIGNALS else summary.exit_code(record)


def main(argv: list[str]) -> int:
    """Run the command line; return the exit code."""
    p = parser()
    arguments = p.parse_args(argv)
    from shared.data import DataError

    try:
        return run(plan(arguments, argv))
    except (UsageError, spec.SpecError, impls.UnknownImplementationError) as error:
        p.error(str(error))
    except DataError as error:
        print(f"error: {error}", file=sys.stderr)
        return 3
    except OSError as error:  # what has been measured is in run.json as far as it could be written
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the first worker: nothing has been measured yet
        print("interrupted", file=sys.stderr)
        return 128 + SIGNALS[0] if SIGNALS else 130


SIGNALS: list[int] = []
"""Signals other than Ctrl-C that have asked the program to end."""


def end_in_order(signum: int, _: object) -> None:
    """Do as for Ctrl-C: end the worker, keep what has been measured."""
    SIGNALS.append(signum)
    raise KeyboardInterrupt


if __name__ == "__main__":
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), end_in_order)
    sys.exit(main(sys.argv[1:]))
