"""The verb `read`: a page with the implementations side by side, without a run."""

import argparse
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from shared import implementations
from shared.verbs.command import Parser, progress, show_page

if TYPE_CHECKING:
    from shared.report.page.steps import Pass


def parser() -> Parser:
    """Return the parser of `read`."""
    examples = {
        "": "the three implementations of a default run, in the browser",
        "-i numpy_scratch -i jax_jit --no-open": "these two; write the page without opening it",
    }
    p = Parser("read", "Show the implementations side by side on a page, without a run.", examples)
    shown = f"repeatable: columns shown at first (default: {', '.join(implementations.defaults())})"
    p.add_argument("-i", "--implementation", action="append", metavar="NAME", help=shown)
    p.add_argument("--output", type=Path, metavar="FILE", help="write the page here (default: results/read.html)")
    p.add_argument("--no-open", dest="open", action="store_false", help="do not open the page in a browser")
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Write the page and open it."""
    from shared.measure.plan import RESULTS
    from shared.record import files
    from shared.report.page import columns, page

    shown = implementations.locate_all(arguments.implementation)
    every = implementations.locate_all([*shown, "all"])
    path = arguments.output or RESULTS / "read.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    with progress("writing the page"):
        reading = columns.reading(implementations.sources(every), [implementations.label(name) for name in shown])
        files.write_text(path, page.read(reading, last_walk(RESULTS)))
    show_page(path, arguments.open)
    return 0


def last_walk(results: Path) -> "Pass | None":
    """Return one image's way through the network of the last run that has kept it; None if none has."""
    from shared.errors import SpecError
    from shared.record import journal
    from shared.report.page import steps

    ended = sorted(results.glob(f"*/{journal.RUN}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in ended:
        with suppress(journal.RunError, SpecError, ValueError, LookupError):  # the page shows none of a damaged run
            if found := steps.of(journal.read(path.parent)):
                return found
    return None
