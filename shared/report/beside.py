"""Models of a user's own that trained beside each other, as a table and sentences."""

from typing import Any

from shared.errors import listed
from shared.measure.statistics import LEAST_ROUNDS, Estimate, mean, paired_ratio
from shared.ports.beside import Entry
from shared.ports.sides import Comparison
from shared.ports.words import explain
from shared.report import numbers
from shared.report.document import Document, Table
from shared.report.ports import speeds

OFF_SPEC = "not the specification's network"
HEADERS = ["model", "test\naccuracy", "epoch", "time\nratio", "status"]


def document(entries: list[Entry], heading: list[str], sibling: Any, batch: int) -> Document:
    """Return the table, whether they agree with each other, how accurate and how fast they are, and why."""
    rows = [_row(entry, entries) for entry in entries]
    lines = [
        [row["name"], _percent(row["accuracy"]), _seconds(row["epoch"]), numbers.estimate(row["ratio"]), row["status"]]
        for row in rows
    ]
    base = entries[0].side.name
    notes = [f"time ratio: epoch / {base}'s; below 1 is faster"] if len(entries) > 1 else []
    table = Table(HEADERS, lines, notes=notes, words=("status",))
    answer = [_agreement(entries), *_accuracy(entries), *_explained(entries, batch)]
    answer += speeds([entry.side for entry in entries], sibling)
    remarks = [f"{entry.side.name}: {entry.failed}" for entry in entries if entry.failed]
    remarks += [f"{entry.side.name}: {note}" for entry in entries for note in entry.side.about.notes]
    remarks += [f"{entry.side.name} warns while running: {text}" for entry in entries for text in entry.side.caught]
    return Document(heading, [table], remarks, [_plain(row) for row in rows], {}, answer)


def _row(entry: Entry, entries: list[Entry]) -> dict[str, Any]:
    others = len(entries)
    epoch = mean(list(entry.seconds.values())) if entry.seconds else None
    ratio = paired_ratio(entry.seconds, entries[0].seconds) if entry is not entries[0] and entry.seconds else None
    accuracy = mean(list(entry.accuracy.values()), others) if entry.accuracy else None
    return {"name": entry.side.name, "accuracy": accuracy, "epoch": epoch, "ratio": ratio,
            "status": status(entry, entries)}  # fmt: skip


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {key: each.value if isinstance(each, Estimate) else each for key, each in row.items()}


def _percent(found: Estimate | None) -> str:
    return f"{numbers.without_interval(found, 100)} %" if found else numbers.NONE


def _seconds(found: Estimate | None) -> str:
    return f"{numbers.without_interval(found)} s" if found else numbers.NONE


def status(entry: Entry, entries: list[Entry]) -> str:
    """Return whether it trained, with which others it agrees, and whether it is the specification's network."""
    if entry.failed:
        return "failed"
    said = [entry.parts] if entry.group == entries.index(entry) and entry.parts else []
    same = [other.side.name for other in entries if other.group == entry.group and other is not entry]
    said += [f"same as {listed(same)}"] if same else []
    return "; ".join([*said, *([] if entry.is_of_spec else [OFF_SPEC])]) or "ok"


def _agreement(entries: list[Entry]) -> str:
    groups: dict[int, list[Entry]] = {}
    for entry in entries:
        groups.setdefault(entry.group, []).append(entry)
    parts = []
    for members in groups.values():
        names = listed(entry.side.name for entry in members)
        theirs = "the specification's network" if members[0].is_of_spec else OFF_SPEC
        if len(members) > 1:
            parts.append(f"{names} perform the same computation, step by step: {theirs}")
        else:
            parts.append(f"{names} is {theirs}" + (f", and {members[0].parts}" if members[0].parts else ""))
    return "; ".join(parts) + "."


def _accuracy(entries: list[Entry]) -> list[str]:
    known = [entry for entry in entries if entry.accuracy]
    if not known:
        return []
    values = sorted(mean(list(entry.accuracy.values())).value * 100 for entry in known)
    span = (
        f"{values[0]:.1f} %" if f"{values[0]:.1f}" == f"{values[-1]:.1f}" else f"{values[0]:.1f} to {values[-1]:.1f} %"
    )
    text = f"{span} of the test images are classified correctly"
    first, *others = known
    differ = [
        int((a != b).sum()) for other in others for a, b in zip(first.predictions, other.predictions, strict=False)
    ]
    if differ:
        text += f" (up to {max(differ):,} images are classified differently from {first.side.name})"
    rounds = max(len(entry.accuracy) for entry in known)
    few = f"; a verdict on time needs {LEAST_ROUNDS} rounds" if rounds < LEAST_ROUNDS and others else ""
    return [f"{text}{few}."]


def _explained(entries: list[Entry], batch: int) -> list[str]:
    """Return what each model that stands alone computes, where there are several kinds."""
    first = [entry for k, entry in enumerate(entries) if entry.group == k]
    if len(first) < 2:
        return []
    return [line for entry in first for line in explain(Comparison([entry.side], batch=batch))]
