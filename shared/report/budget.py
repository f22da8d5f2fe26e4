"""The error budget as tables: the error of each gradient tensor, how much rounding explains, and the headroom."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

from shared.agreement.budget import Entry
from shared.record.schema import Record, Sample
from shared.report import numbers
from shared.report.document import Document, Table

HEADERS: Final = ["implementation", "tensor", "error", "bound", "headroom", "ulps", "verdict"]
NOTES: Final = [
    "error: relative L2 error of the gradient tensor against the float64 reference; bound: error that rounding "
    "explains, predicted from the dtype's unit roundoff and the lengths of the sums; headroom: bound / error",
    "ulps: the largest error of an element, in units in the last place of the tensor's largest element",
]

GRADIENTS: Final = "gradients"
"""The kind of the table of a run."""
CAPTION: Final = (
    "Gradients at the initial weights: relative L2 error of each tensor against the float64 reference, and headroom "
    "(rounding bound / error), in the round where that tensor has the least headroom"
)


def headroom(value: float) -> str:
    """Return a headroom such as 12x, or 0.003x if the error is larger than the bound; "" if there is no error."""
    if math.isinf(value):
        return ""
    return f"{value:,.0f}x" if value >= 9.5 else f"{value:.1f}x" if value >= 0.95 else f"{value:.1g}x"


def one_each(entries: Sequence[Entry], remarks: list[str], heading: list[str]) -> Document:
    """Return a table for each dtype, with a line for each implementation and tensor."""
    tables = [
        Table(HEADERS, [_line(e) for e in entries if e.dtype == dtype], dtype)
        for dtype in dict.fromkeys(e.dtype for e in entries)
    ]
    tables[-1:] = [replace(table, notes=[*counts(entries), *NOTES]) for table in tables[-1:]]
    return Document(heading, tables, remarks + unexplained(entries), rows_of(entries))


def _line(e: Entry) -> list[str]:
    cells = [numbers.error(e.error), numbers.error(e.bound), headroom(e.headroom) or numbers.NONE, f"{e.ulps:,.1f}"]
    return [e.implementation, e.tensor, *cells, e.verdict]


def as_matrix(entries: Sequence[Entry], remarks: list[str], heading: list[str]) -> Document:
    """Return a line for each network; a cell shows the tensor with the least headroom over all batches."""
    columns = list(dict.fromkeys((e.implementation, e.dtype) for e in entries))
    networks = list(dict.fromkeys(e.network for e in entries))
    cells: dict[tuple[str, str, str], list[Entry]] = {}
    for e in entries:
        cells.setdefault((e.network, e.implementation, e.dtype), []).append(e)
    lines = [[network, *(_cell(cells.get((network, *column), [])) for column in columns)] for network in networks]
    headers = ["network", *("\n".join(column) for column in columns)]
    sizes = ", ".join(map(str, dict.fromkeys(e.batch_size for e in entries)))
    note = f"each cell: the gradient tensor with the least headroom, over batches of {sizes}; !: not rounding"
    return Document(
        heading,
        [Table(headers, lines, notes=[*counts(entries), note, *NOTES])],
        remarks + unexplained(entries),
        rows_of(entries),
    )


def _cell(entries: list[Entry]) -> str:
    """Return the tensor with the least headroom, or "inconclusive"."""
    if not entries:
        return numbers.NONE
    if any(e.verdict == "inconclusive" for e in entries):
        return "inconclusive"
    worst = min(entries, key=lambda e: e.headroom)
    mark = "! " if any(e.verdict == "not rounding" for e in entries) else ""
    return f"{mark}{numbers.error(worst.error)} {headroom(worst.headroom)}".rstrip()


def section(record: Record) -> list[Table]:
    """Return the table of a run, if it has gradients: for each tensor, the round with the least headroom."""
    entries = list(of_record(record, record["samples"]))
    tensors = list(dict.fromkeys(e.tensor for e in entries))
    names = [name for name in record["implementations"] if any(e.implementation == name for e in entries)]
    lines = [
        [name, *(_cell([e for e in entries if (e.implementation, e.tensor) == (name, t)]) for t in tensors)]
        for name in names
    ]
    headers = ["implementation", *tensors]
    return [Table(headers, lines, CAPTION, counts(entries), kind=GRADIENTS)] if entries else []


def of_record(record: Record, samples: Sequence[Sample]) -> Iterator[Entry]:
    """Yield the entries of samples of a run: every tensor of every sample with gradients."""
    bounds = {r["round"]: r["bounds"] for r in record["references"] if "bounds" in r}
    for sample in samples:
        for tensor, error in sample.get("errors", {}).get("gradients", {}).items():
            if sample["round"] in bounds:
                bound = bounds[sample["round"]][tensor]
                yield Entry(
                    implementation=sample["implementation"],
                    network=record["network"]["title"],
                    batch_size=record["training"]["batch_size"],
                    dtype=record["training"]["dtype"],
                    tensor=tensor,
                    error=_or(error["relative_l2"], math.nan),
                    bound=_or(bound, math.inf),
                    ulps=_or(error["ulps"], math.nan),
                )


def _or(value: float | None, otherwise: float) -> float:
    """Return the value, or `otherwise` for null, which stands for what JSON cannot hold."""
    return otherwise if value is None else value


def counts(entries: Sequence[Entry]) -> list[str]:
    """Return, as text, how many tensors have each verdict, and where the headroom is least."""
    if not entries:
        return []
    counted = Counter(e.verdict for e in entries)
    kinds = ("exact", "rounding", "inconclusive", "not rounding")
    line = f"{len(entries):,} gradient tensors: {', '.join(f'{counted[k]:,} {k}' for k in kinds if counted[k])}"
    least = min((e for e in entries if e.verdict == "rounding"), key=lambda e: e.headroom, default=None)
    return [line if least is None else f"{line}; least headroom {headroom(least.headroom)}: {where(least)}"]


def unexplained(entries: Sequence[Entry]) -> list[str]:
    """Return, as text, each error that is not rounding or is inconclusive."""
    lines = []
    for e in entries:
        if e.verdict == "not rounding":
            lines.append(f"{where(e)}: off by {numbers.error(e.error)}, rounding explains {numbers.error(e.bound)}")
        elif e.verdict == "inconclusive":
            lines.append(f"{where(e)}: the gradient may consist of rounding alone, so nothing can be concluded")
    return lines


def where(e: Entry) -> str:
    """Return which tensor an entry is about."""
    return f"{e.implementation}, {e.network}, batch {e.batch_size}, {e.dtype}, {e.tensor}"


def rows_of(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """Return the numbers in full, for CSV and JSON."""
    return [{**vars(e), "headroom": e.headroom, "verdict": e.verdict} for e in entries]


def departures(record: Record) -> dict[str, int]:
    """Return implementation -> first step at which its error is larger than rounding explains."""
    explained = {p["step"]: p["values"] for r in record["references"] for p in r.get("path", ())}
    found: dict[str, int] = {}
    for sample in record["samples"]:
        for point in sample.get("path", ()):
            bounds = explained.get(point["step"], {})
            if any(bound is not None and not _within(point["values"].get(t), bound) for t, bound in bounds.items()):
                found.setdefault(sample["implementation"], point["step"])
                break
    return found


def _within(value: float | None, bound: float) -> bool:
    return value is not None and value <= bound
