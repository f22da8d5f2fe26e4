"""Shared by the verbs: the parser, option types, printing."""

import argparse
import os
import re
import shutil
import sys
import textwrap
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from shared import implementations, spec
from shared.boundary import safe, told
from shared.errors import SettingError, nearest
from shared.layers import ACTIVATIONS
from shared.options import DATASETS, DEFAULT_RATES, DEFAULTS, choice, duration

if TYPE_CHECKING:
    from shared.processes.calls import CallError
    from shared.record.schema import Record
    from shared.report.document import Document

FORMATS = ("table", "markdown", "csv", "json")
HELP_WIDTH: Final = 80

COMMAND: Final = "samegrad" if Path(sys.argv[0]).stem == "samegrad" else "python compare.py"
"""What the user typed: the installed command, or `python compare.py`."""
PROGRAM: Final = COMMAND.split()[-1]


class Parser(argparse.ArgumentParser):
    """Starts its help with examples, accepts no abbreviations, and suggests the nearest option for an unknown one.

    Parameters
    ----------
    verb : "" for the default.
    description : one sentence.
    examples : arguments -> what they do.
    """

    def __init__(self, verb: str, description: str, examples: Mapping[str, str], usage: str | None = None) -> None:
        style = partial(argparse.RawDescriptionHelpFormatter, width=HELP_WIDTH)
        prog = f"{PROGRAM} {verb}".rstrip()
        wrapped = textwrap.fill(description, HELP_WIDTH)
        super().__init__(prog, usage, wrapped, allow_abbrev=False, formatter_class=style)
        self.examples = examples

    @property
    def _command(self) -> str:
        """What the user types for this verb."""
        return f"{COMMAND}{self.prog.removeprefix(PROGRAM)}"

    def format_help(self) -> str:
        """Return the help, examples first."""
        lines = [f"  {f'{self._command} {example}'.rstrip()}\n      {does}" for example, does in self.examples.items()]
        return "\n".join(["examples:", *lines, "", super().format_help()])

    def error(self, message: str) -> NoReturn:
        """Print what is wrong, and exit with 2."""
        message = safe(message)
        if unknown := re.match(r"unrecognized arguments: (--[^ =]+)", message):
            message += nearest(unknown[1], [name for name in self._option_string_actions if name.startswith("--")])
        elif message.startswith("unrecognized arguments: ") and ".py" in message:
            message += "; give all files together, or each with -i"
        self.exit(2, f"{self.prog}: error: {message}\n{self._command} --help shows the options\n")

    def refuse(self, error: SettingError) -> NoReturn:
        """Print which option has a wrong value, and exit with 2."""
        flags = {action.dest: action.option_strings[0] for action in self._actions if action.option_strings}
        self.error(f"{flags.get(error.setting, error.setting)}: {error.problem}")


def typed(function: Callable[..., Any], *args: Any) -> Callable[[str], Any]:
    """Turn a function that raises ValueError with a readable message into the type of an argument."""

    def convert(text: str) -> Any:
        try:
            return function(text, *args)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def sizes(text: str) -> tuple[int, ...]:
    """Return layer sizes from text such as 784,30,10; ValueError for anything else."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"got {text!r}, expected whole numbers such as 784,30,10") from None


def run_folder(text: str) -> Path:
    """Return the folder of a run; its run.json is accepted, too."""
    path = Path(text)
    return path.parent if path.name == "run.json" else path


def implementation_option(group: Any, description: str) -> None:
    """Add -i; the description says how often it can be given."""
    known = f"{', '.join(implementations.names())}, all, or the path of a .py file; {description}"
    add(group, "-i", "--implementation", help=known, action="append", metavar="NAME")


def network_options(group: Any, **defaults: str) -> None:
    """Add the options of the network; `defaults` describe the defaults in the help."""
    default = {"sizes": "784,30,10", "activation": "sigmoid", "loss": "quadratic"} | defaults
    either = group.add_mutually_exclusive_group()
    either.add_argument("--network", metavar="TEXT", help="layers, such as 784-30-10 or 784-30tanh-10sigmoid")
    either.add_argument("--sizes", type=typed(sizes), help=f"layer sizes only (default: {default['sizes']})")
    unnamed = f"activation of layers that name none: {', '.join(ACTIVATIONS)} (default: {default['activation']})"
    group.add_argument("--activation", help=unnamed)
    group.add_argument("--loss", help=f"{', '.join(spec.LOSSES)} (default: {default['loss']})")


def optimizer_options(group: Any) -> None:
    """Add the options of the optimizer."""
    add(group, "--optimizer", help=", ".join(spec.OPTIMIZERS))
    rates = ", ".join(f"{name} {rate:g}" for name, rate in DEFAULT_RATES.items())
    add(group, "--learning-rate", help=f"eta (default: {rates})", type=float)


def training_options(group: Any, seed: str, batch_size: str = "examples per step") -> None:
    """Add the other training options; `seed` and `batch_size` are the help of these two."""
    add(group, "--batch-size", help=batch_size, type=int)
    add(group, "--initial", help=f"initial weights: {', '.join(spec.INITIALS)}")
    add(group, "--seed", help=seed, type=int)
    add(group, "--accumulate", help="micro-batches a step, whose gradients are added", type=int, metavar="M")
    add(group, "--workers", help="workers of a data-parallel implementation", type=int, metavar="K")


def data_options(p: argparse.ArgumentParser) -> Any:
    """Add the options of the data set; return their group."""
    data = p.add_argument_group("data")
    known = f"{', '.join(DATASETS)}; auto is MNIST, or else the bundled digits"
    add(data, "--dataset", help=known, type=typed(choice, DATASETS))
    where = "folder of MNIST, or to download it to (default: $SAMEGRAD_DATA or data/)"
    data.add_argument("--data-dir", type=Path, help=where)
    data.add_argument("--offline", action="store_true", help="make no connection to the internet")
    return data


def criterion_option(group: Any) -> None:
    """Add the loss of models that have none."""
    of_file = "loss of a file that has a model and none, by its framework's name, such as CrossEntropyLoss"
    group.add_argument("--criterion", metavar="NAME", help=of_file)


def options_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the keyword arguments for the functions of `shared.api`; None for an option that is not given."""
    known = (*DEFAULTS, "data_dir", "offline")
    return {name: value for name, value in vars(arguments).items() if name in known and name != "implementation"}


def timeout_option(group: Any, description: str, default: str) -> None:
    """Add --timeout."""
    text = f"{description} (default: {default})"
    group.add_argument("--timeout", type=typed(duration), default=duration(default), metavar="TIME", help=text)


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    """Show progress on stderr if it is a terminal; yields a function to call with the number of finished items."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), TimeElapsedColumn()
    hidden = not console.is_terminal or console.is_dumb_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        task = bar.add_task(safe(what), total=total)
        yield lambda done: bar.update(task, completed=done)


def output_options(p: argparse.ArgumentParser, others: tuple[str, ...] = ()) -> Any:
    """Add the options of verbs that print a document, in a format of theirs or in `others`; return their group."""
    output = p.add_argument_group("output")
    kinds = (*FORMATS, *others)
    help = f"{', '.join(kinds)} (default: table)"
    output.add_argument("--format", default="table", type=typed(choice, kinds), help=help)
    return output


def details_option(group: Any) -> None:
    """Add --details."""
    everything = "print every table: intervals, stages, pairs, each gradient tensor"
    group.add_argument("--details", action="store_true", help=everything)


def add(group: Any, *flags: str, help: str, **how: Any) -> None:
    """Add an option of `shared.options`, None if it is not given; its help ends with the default."""
    default = DEFAULTS[flags[-1].lstrip("-").replace("-", "_")]
    group.add_argument(*flags, help=help if default is None else f"{help} (default: {default})", **how)


def print_error(error: "CallError") -> None:
    """Print to stderr why an implementation gave no answer, with the end of its output."""
    print(f"error: {error}", file=sys.stderr)
    if error.detail:
        print(error.detail.rstrip(), file=sys.stderr)


def print_port_error(error: "CallError") -> None:
    """Print why a model gave no answer; a sentence about its file alone, to which no traceback adds."""
    from shared.processes.calls import CallError

    of_file = str(error).partition("PortError: ")[2]
    print_error(CallError(error.kind, of_file) if of_file else error)


def open_option(group: Any) -> None:
    """Add --open."""
    group.add_argument("--open", action="store_true", help="open the page in a browser")


def show_page(path: Path, wanted: bool) -> None:
    """Print the path of a page, and open it in a browser if wanted."""
    from shared.record import files

    print(f"page: {files.shown(path)}", file=sys.stderr)
    if wanted:
        import webbrowser

        if not webbrowser.open(path.resolve().as_uri()):
            print("no browser found to open it", file=sys.stderr)


def print_run(record: "Record", arguments: argparse.Namespace) -> None:
    """Print the answer of a run, or its details; CSV and JSON always have the details."""
    from shared.report import brief, tables

    everything = arguments.details or arguments.format in ("csv", "json")
    print_document((tables if everything else brief).document(record), arguments.format)


@contextmanager
def shown_from(folder: Path) -> Iterator[None]:
    """Turn what drawing raises for a record that contradicts itself in a way that no check knows into RunError."""
    from shared.record.journal import RunError

    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, TypeError, ValueError) as error:
        if isinstance(error, RunError):
            raise
        where = traceback.extract_tb(error.__traceback__)[-1]
        shown = f"{told(error)}, {Path(where.filename).name}:{where.lineno}"
        raise RunError(f"{folder}: the values of the run contradict each other ({shown}); run it again") from error


def print_document(document: "Document", kind: str) -> None:
    """Print a document in one of `FORMATS`, at the width of the terminal."""
    from shared.report.document import FORMATS

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() or "COLUMNS" in os.environ else 10_000
    sys.stdout.write(safe(FORMATS[kind](document, width)))
    sys.stdout.flush()
