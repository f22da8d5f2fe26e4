"""What a sweep found: one row for each implementation at each network, batch size and learning rate."""

import math
from collections.abc import Mapping, Sequence
from statistics import stdev
from typing import Any, Final

from shared.measure.statistics import LEAST_ROUNDS
from shared.record.schema import COMPLETE, DISAGREES, KINDS, NOT_AVAILABLE, OK, Record
from shared.report import numbers
from shared.report.document import Document, Table
from shared.report.summary import DIVERGED, Row, rows
from shared.sweep.grid import Cell
from shared.sweep.schema import RowPart, SweepRecord

CLEARLY: Final = 0.9
"""Without an interval, from fewer than three seeds, a smaller ratio than this counts as faster."""
Place = tuple[str, int, float]
"""network, batch size, learning rate"""


def exit_code(record: SweepRecord) -> int:
    """Return 0 for a sweep that is whole, and in which all agrees; 4 if something disagrees, else 1."""
    statuses = {row["status"] for row in record["rows"]}
    if record["ended"] != COMPLETE or record["failures"] or statuses - {OK, DISAGREES, NOT_AVAILABLE, DIVERGED}:
        return 1
    return 4 if DISAGREES in statuses else 0


def merged(records: Sequence[Record]) -> Record:
    """Return the records of several seeds as one, in which each seed is a round."""
    whole: Any = {**records[0], "rounds": len(records)}
    for kind in KINDS:
        whole[kind] = [{**result, "round": k} for k, record in enumerate(records, 1) for result in record[kind]]
    found: Record = whole
    return found


def places(results: Mapping[Cell, Record]) -> dict[Place, list[Record]]:
    """Return the records of each network, batch size and learning rate, seed by seed."""
    found: dict[Place, list[Record]] = {}
    for cell, record in results.items():
        found.setdefault((cell.network or "", cell.batch_size, cell.learning_rate), []).append(record)
    return found


def parts(record: SweepRecord, results: Mapping[Cell, Record]) -> list[RowPart]:
    """Return the rows of sweep.json."""
    return [
        _part(place, row, records, timed=record["timed"])
        for place, records in places(results).items()
        for row in rows(merged(records))
    ]


def _part(place: Place, row: Row, records: Sequence[Record], *, timed: bool) -> RowPart:
    network, batch_size, learning_rate = place
    samples = [sample for record in records for sample in record["samples"] if sample["implementation"] == row.name]
    accuracies = [sample["test_accuracy"] for sample in samples if "test_accuracy" in sample]
    ratio = row.ratio if timed else None
    error = row.gradient_error
    return {
        "network": network,
        "parameter_count": records[0]["network"]["parameter_count"],
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "implementation": row.name,
        "status": row.status,
        "seeds": len(samples),
        "machines": len({str(record["machine"]) for record in records}),
        "accuracy": row.accuracy.value if row.accuracy else None,
        "accuracy_spread": stdev(accuracies) if len(accuracies) > 1 else None,
        "accuracies": accuracies,
        "epoch_seconds": row.epoch.value if timed and row.epoch else None,
        "ratio": ratio.value if ratio else None,
        "ratio_low": ratio.low if ratio and ratio.rounds >= LEAST_ROUNDS else None,
        "ratio_high": ratio.high if ratio and ratio.rounds >= LEAST_ROUNDS else None,
        "gradient_error": error if error is not None and math.isfinite(error) else None,
    }


def document(record: SweepRecord) -> Document:
    """Return what is printed."""
    found = record["rows"]
    columns = _columns(record)
    table = Table(
        [name for name, _ in columns],
        [[cell(row) for _, cell in columns] for row in found],
        notes=_notes(record),
        words=("implementation", "status"),
    )
    heading = [f"{record['dataset']}; {len(record['cells']):,} combinations of {', '.join(record['implementations'])}"]
    remarks = [f"{_name(failure)} was given up: {failure['reason']}" for failure in record["failures"]]
    if record["ended"] != "complete":
        remarks.append(f"incomplete: {record['ended'] or 'not ended'}; --resume goes on with what is missing")
    return Document(heading, [table], remarks, [], {"sweep": record}, break_even(record))


def _columns(record: SweepRecord) -> list[tuple[str, Any]]:
    """Return the headers with what their cells say; what is the same everywhere has no column."""
    found = record["rows"]
    many_rates = len({row["learning_rate"] for row in found}) > 1
    many_seeds = len({cell["seed"] for cell in record["cells"]}) > 1
    return [
        ("network", lambda row: layers(row["network"])),
        ("batch", lambda row: f"{row['batch_size']:,}"),
        *([("rate", lambda row: f"{row['learning_rate']:g}")] if many_rates else []),
        ("implementation", lambda row: row["implementation"]),
        *([("seeds", lambda row: f"{row['seeds']}")] if many_seeds else []),
        ("test\naccuracy", _accuracy),
        *([("epoch", _epoch), ("time\nratio", _ratio)] if record["timed"] else []),
        ("gradient\nerror", lambda row: numbers.error(row["gradient_error"])),
        ("status", lambda row: row["status"]),
    ]


def layers(network: str) -> str:
    """Return the layers of a network, without its activation and its loss."""
    return network.partition(",")[0]


def _accuracy(row: RowPart) -> str:
    if row["accuracy"] is None:
        return numbers.NONE
    spread = f" +- {100 * row['accuracy_spread']:.1f}" if row["accuracy_spread"] is not None else ""
    return f"{100 * row['accuracy']:.1f}{spread} %"


def _epoch(row: RowPart) -> str:
    return f"{row['epoch_seconds']:.2g} s" if row["epoch_seconds"] is not None else numbers.NONE


def _ratio(row: RowPart) -> str:
    if row["ratio"] is None:
        return numbers.NONE
    if row["ratio_low"] is None or row["ratio_high"] is None:
        return f"{row['ratio']:.2g}"
    return f"{row['ratio']:.2g} [{row['ratio_low']:.2g}-{row['ratio_high']:.2g}]"


def _notes(record: SweepRecord) -> list[str]:
    lines = []
    if any(row["accuracy_spread"] is not None for row in record["rows"]):
        lines.append("accuracy: mean and standard deviation over the seeds")
    if record["timed"]:
        machines = max((row["machines"] for row in record["rows"]), default=1)
        several = f"; the seeds of a row ran on up to {machines} kinds of machines" if machines > 1 else ""
        lines.append(f"time ratio: epoch / {record['baseline']}'s, formed on one machine{several}; below 1 is faster")
        lines.append(f"faster: the 95 % interval of the ratio is below 1; with fewer than 3 seeds, {CLEARLY} or less")
    else:
        lines.append("no times: combinations ran beside each other (--no-timing)")
    return lines


def _name(cell: Any) -> str:
    return f"{cell['network']}, batch {cell['batch_size']}, rate {cell['learning_rate']:g}, seed {cell['seed']}"


def break_even(record: SweepRecord) -> list[str]:
    """Return for each implementation from which network on it is faster than the baseline, by batch size."""
    if not record["timed"]:
        return []
    sentences = []
    for name in record["implementations"]:
        if name == record["baseline"]:
            continue
        batches = sorted({row["batch_size"] for row in record["rows"]})
        at = [f"batch {batch}: {where}" for batch in batches if (where := _from(record, name, batch))]
        if at:
            sentences.append(f"{name} is faster than {record['baseline']} at {'; '.join(at)}.")
    return sentences


def is_faster(row: RowPart) -> bool:
    """Return whether a row is faster than the baseline: its whole interval, or without one clearly."""
    if row["ratio_high"] is not None:
        return row["ratio_high"] < 1
    return row["ratio"] is not None and row["ratio"] < CLEARLY


def _from(record: SweepRecord, name: str, batch: int) -> str:
    """Return the networks, from the smallest on, at which an implementation is faster than the baseline."""
    of = [row for row in record["rows"] if (row["implementation"], row["batch_size"]) == (name, batch) and row["ratio"]]
    faster: dict[str, bool] = {}
    for row in sorted(of, key=lambda row: row["parameter_count"]):
        network = layers(row["network"])
        faster[network] = faster.get(network, True) and is_faster(row)
    if not faster:
        return ""
    if all(faster.values()):
        return "every network"
    if not any(faster.values()):
        return "none"
    names = list(faster)
    k = next(i for i in range(len(names)) if faster[names[i]])
    if all(faster[name] for name in names[k:]):
        return f"from {names[k]} on"
    return ", ".join(name for name in names if faster[name])
