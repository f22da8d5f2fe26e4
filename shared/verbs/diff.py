"""The verb `diff`: two runs side by side."""

import argparse

from shared.errors import UsageError
from shared.options import Threshold
from shared.verbs.command import Parser, output_options, print_document, run_folder, shown_from, typed


def parser() -> Parser:
    """Return the parser of `diff`."""
    examples = {
        "results/EARLIER results/LATER": "time ratios, accuracies and errors, side by side",
        "results/EARLIER results/LATER --fail-on slower:10%": "exit code 5 if a row is slower by more than 10 %",
    }
    p = Parser("diff", "Print two runs side by side: what got faster or slower.", examples)
    p.add_argument("runs", type=run_folder, nargs=2, metavar="RUN", help="folders of the earlier and the later run")
    p.add_argument("--force", action="store_true", help="compare runs even if their configurations differ")
    limit = "slower:10%% or faster:10%%: exit with 5 if the whole interval of a ratio is beyond it"
    p.add_argument("--fail-on", type=typed(Threshold.parse), metavar="LIMIT", help=limit)
    output_options(p)
    return p


def run(arguments: argparse.Namespace, _: list[str]) -> int:
    """Print two runs side by side."""
    from shared.record import journal
    from shared.record.schema import differences
    from shared.report import difference

    a, b = (journal.read(folder) for folder in arguments.runs)
    if not arguments.force and (found := differences(a, b, difference.KEYS)):
        lines = "\n  ".join(found)
        raise UsageError(
            f"diff: the runs have different configurations:\n  {lines}\n  (--force to compare them anyway)"
        )
    names = (str(arguments.runs[0]), str(arguments.runs[1]))
    with shown_from(arguments.runs[1]):
        print_document(difference.document(a, b, names, arguments.fail_on), arguments.format)
    return 5 if arguments.fail_on and difference.fails(a, b, arguments.fail_on) else 0
