"""The tables of a run as text, for a terminal of any width, and as Markdown."""

import re
import textwrap
from collections.abc import Callable
from statistics import median
from typing import Final

from tabulate import tabulate

from shared.report.summary import Record, Row, failed_stages, rows

NONE: Final = "-"


def _accuracy(row: Row) -> str:
    spread = row.accuracy_spread
    return f"{100 * row.mean_accuracy:.2f}" + (f" +/- {100 * spread:.2f}" if spread is not None else "")


def _range(values: list[float]) -> str:
    """Return the median and, of several values, the smallest and the largest, to three digits of the median."""
    digits = 3 if median(values) < 10 else 1
    low, middle, high = (f"{value:.{digits}f}" for value in (min(values), median(values), max(values)))
    return f"{middle} [{low}-{high}]" if len(values) > 1 else middle


COLUMNS: Final[dict[str, Callable[[Row], str]]] = {
    "test\naccuracy, %": _accuracy,
    "epoch, s": lambda row: _range(row.epoch_seconds),
    "step,\nus": lambda row: f"{row.epoch / row.steps_per_epoch * 1e6:,.0f}",
    "samples/s": lambda row: f"{row.examples_per_epoch / row.epoch:,.0f}",
    "time\nratio": lambda row: f"{row.ratio:.2f}" if row.ratio else NONE,
    "first\nstep, s": lambda row: f"{median(row.first_step_seconds):.3f}",
    "import,\ns": lambda row: f"{median(row.import_seconds):.2f}",
    "peak\nMB": lambda row: f"{row.peak_memory_bytes / 1e6:,.0f}",
    "gradient\nerror": lambda row: f"{row.gradient_error:.1e}" if row.gradient_error is not None else "not finite",
    "parameters": lambda row: f"{row.parameter_count:,}",
}
PAIRS: Final = "Agreement of each pair: worst relative L2 error of a tensor, over all rounds"
Table = tuple[list[str], list[list[str]]]


def main_table(record: Record) -> Table:
    """Return headers and one line an implementation."""
    lines = [
        [row.name, *(cell(row) if row.epoch_seconds else NONE for cell in COLUMNS.values()), row.status]
        for row in rows(record)
    ]
    return ["implementation", *COLUMNS, "status"], lines


def pair_table(record: Record) -> Table:
    """Return headers and one line a pair: worst relative L2 errors, and test predictions that differ."""
    stages = list(record["pairs"][0]["errors"]) if record["pairs"] else []
    tests = record["dataset"]["sizes"][2]
    lines = [
        [
            " / ".join(pair["implementations"]),
            *("not finite" if pair["errors"][s] is None else f"{pair['errors'][s]:.1e}" for s in stages),
            ", ".join(map(str, pair["test_predictions_differing"])) + f" of {tests:,}",
        ]
        for pair in record["pairs"]
    ]
    return ["pair", *(stage.replace("after ", "after\n") for stage in stages), "predictions\nthat differ"], lines


def heading(record: Record) -> list[str]:
    """Return the lines that say what was run, on what."""
    first, last = record["training"]["seed"], record["training"]["seed"] + record["rounds"] - 1
    return [
        f"{record['network']['title']}; {record['training']['title']}",
        record["dataset"]["title"],
        f"{_plural(record['rounds'], 'round')} ({f'seeds {first} to {last}' if last > first else f'seed {first}'}), "
        f"{_plural(record['threads'], 'thread')}, {record['machine']['cpu']}",
    ]


def _plural(n: int, word: str) -> str:
    return f"{n} {word}{'s' * (n != 1)}"


def legend(record: Record) -> list[str]:
    """Return the lines that say how to read the main table."""
    return [
        f"epoch: median [smallest-largest]; time ratio: median epoch over {record['baseline']}'s, below 1 is faster",
        f"gradient error: worst relative L2 error of a tensor against the float64 reference, "
        f"tolerance {record['tolerance']:.0e}",
    ]


def remarks(record: Record) -> list[str]:
    """Return what must be told beside the figures: failures with their stderr, and stages without a conclusion."""
    lines = [reason for row in rows(record) for reason in row.reasons]
    for sample in record["references"] + record["samples"]:
        if sample["status"] == "crashed":
            if sample in record["references"]:
                lines.append(f"float64 reference, round {sample['round']}: {sample['reason']}")
            lines += [
                f"{sample['implementation']}, round {sample['round']}, stderr: {line}" for line in sample["stderr"]
            ]
    if record["interrupted"]:
        lines.append("interrupted: what had been measured by then is shown")
    return lines + failed_stages(record)


def split(table: Table, width: int) -> list[Table]:
    """Split a table into tables that fit `width` characters; each repeats the first column."""
    headers, lines = table

    def columns(indices: list[int]) -> Table:
        return [headers[i] for i in indices], [[line[i] for i in indices] for line in lines]

    groups: list[list[int]] = [[0]]
    for index in range(1, len(headers)):
        wider = [*groups[-1], index]
        if len(groups[-1]) > 1 and len(_render(columns(wider), "simple").splitlines()[0]) > width:
            groups.append([0, index])
        else:
            groups[-1] = wider
    return [columns(group) for group in groups]


def _render(table: Table, style: str) -> str:
    headers, lines = table
    if style == "github":
        headers = [header.replace("\n", " ") for header in headers]
        lines = [[_escape(cell) for cell in line] for line in lines]
    aligned = ["left"] + ["right"] * (len(headers) - 1)
    return tabulate(lines, headers, tablefmt=style, disable_numparse=True, colalign=aligned if lines else None)


def _wrap(lines: list[str], width: int, indent: str = "") -> str:
    return "\n".join(textwrap.fill(line, width, subsequent_indent=indent) for line in lines)


def text(record: Record, width: int) -> str:
    """Return everything there is to tell, in plain ASCII; no line of a table is wider than `width`."""
    parts = [_wrap(heading(record), width, "  ")]
    parts += [_render(table, "simple") for table in split(main_table(record), width)]
    parts.append(_wrap(legend(record), width, "  "))
    if record["pairs"]:
        parts.append(_wrap([PAIRS], width))
        parts += [_render(table, "simple") for table in split(pair_table(record), width)]
    if found := remarks(record):
        parts.append(_wrap([f"! {line}" for line in found], width, "  "))
    return plain("\n\n".join(parts)) + "\n"


def plain(told: str) -> str:
    """Return text without escape sequences, and in ASCII: a worker's stderr may hold anything."""
    told = re.sub(r"\x1b\[[0-?]*[ -/]*[@-~]", "", told).expandtabs()
    return "".join(c if c == "\n" or " " <= c <= "~" else ascii(c)[1:-1] for c in told)


def markdown(record: Record) -> str:
    """Return the same as Markdown."""
    parts = ["  \n".join(heading(record)), _render(main_table(record), "github"), "  \n".join(legend(record))]
    if record["pairs"]:
        parts.append(PAIRS)
        parts.append(_render(pair_table(record), "github"))
    if found := remarks(record):
        parts.append("\n".join(f"- {_escape(line)}" for line in found))
    return "\n\n".join(map(plain, parts)) + "\n"


def _escape(told: str) -> str:
    """Return text that means nothing else in Markdown's tables and HTML."""
    return told.replace("|", "&#124;").replace("<", "&lt;")
