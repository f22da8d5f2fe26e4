"""What the verbs share: the parser, the types of options, printing."""

import argparse
import os
import re
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from shared.options import DEFAULTS, choice
from shared.spec import nearest

if TYPE_CHECKING:
    from shared.report.document import Document

FORMATS = ("table", "markdown", "csv", "json")


class Parser(argparse.ArgumentParser):
    """Takes no abbreviations, and suggests the nearest option for one that does not exist."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs |= {"allow_abbrev": False, "formatter_class": partial(argparse.RawDescriptionHelpFormatter, width=80)}
        super().__init__(*args, **kwargs)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, and leave with 2."""
        if unknown := re.match(r"unrecognized arguments: (--[^ =]+)", message):
            message += nearest(unknown[1], [name for name in self._option_string_actions if name.startswith("--")])
        super().error(message)


def typed(function: Callable[..., Any], *args: Any) -> Callable[[str], Any]:
    """Let a function that raises ValueError with a good message be the type of an argument."""

    def convert(text: str) -> Any:
        try:
            return function(text, *args)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return convert


def sizes(text: str) -> tuple[int, ...]:
    """Return layer sizes, which are given as 784,30,10; ValueError for anything else."""
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"got {text!r}, expected whole numbers such as 784,30,10") from None


def run_folder(text: str) -> Path:
    """Return the folder of a run, which may also be given by its run.json."""
    path = Path(text)
    return path.parent if path.name == "run.json" else path


def output_options(p: argparse.ArgumentParser) -> None:
    """Add the options of everything that prints a document."""
    output = p.add_argument_group("output")
    kinds = ", ".join(FORMATS)
    output.add_argument("--format", default="table", type=typed(choice, FORMATS), help=f"{kinds} (default: table)")


def add(group: Any, *flags: str, told: str, **how: Any) -> None:
    """Add an option that is None where it is not given, and say what is then taken."""
    default = DEFAULTS[flags[-1].lstrip("-").replace("-", "_")]
    group.add_argument(*flags, help=told if default is None else f"{told} (default: {default})", **how)


def print_document(document: "Document", kind: str) -> None:
    """Print a document in one of `FORMATS`, as wide as the terminal."""
    from shared.report.document import FORMATS

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() or "COLUMNS" in os.environ else 10_000
    sys.stdout.write(FORMATS[kind](document, width))
    sys.stdout.flush()
