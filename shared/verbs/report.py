"""The verb `report`: write the page of a run again."""

import argparse

from shared.verbs.command import Parser, open_option, progress, run_folder, show_page, shown_from


def parser() -> Parser:
    """Return the parser of `report`."""
    description = "Write the page, figures and tables of a run again, from its files alone."
    examples = {
        "results/reference": "write the page, figures and tables",
        "results/reference --open": "the same, and open the page in the browser",
    }
    p = Parser("report", description, examples)
    p.add_argument("run", type=run_folder, metavar="RUN", help="folder of a run, finished or not")
    open_option(p)
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Write the page of a run again."""
    from shared.record import journal
    from shared.report.outputs import write_page, write_tables

    record = journal.read(arguments.run)
    with progress("writing the page"), shown_from(arguments.run):
        write_tables(arguments.run, record)
        page = write_page(arguments.run, record)
    show_page(page, arguments.open)
    return 0
