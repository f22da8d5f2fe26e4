"""The verdict on a user's network, and the matrix of mistakes and checks."""

import textwrap
from string import ascii_lowercase
from typing import Final

from shared.diagnosis.checks import CHECKS
from shared.diagnosis.diagnose import Diagnosis, Verdict
from shared.diagnosis.selftest import Kill
from shared.report.document import Document, Table

CHECKED: Final = ("check", "result", "what was found")
CELL: Final = 56
"""Characters of a line within a cell."""


def verdict_document(name: str, verdict: Verdict) -> Document:
    """Return the verdict, the diagnosis, and what each check found."""
    title = f"{name}: {verdict.spec}"
    heading = [title, *(right(verdict) if verdict.diagnosis is None else wrong(verdict.diagnosis))]
    lines = [[check, _result(told), textwrap.fill(told or "", CELL)] for check, told in verdict.checks.items()]
    rows = [{"check": check, "result": _result(told), "found": told or ""} for check, told in verdict.checks.items()]
    found = verdict.diagnosis
    more = {
        "network": str(verdict.spec),
        "right": verdict.right,
        "diagnosis": None if found is None else {**vars(found), "lines": [list(line) for line in found.lines]},
        "notes": verdict.notes,
    }
    return Document(heading, [Table(list(CHECKED), lines, words=CHECKED[1:])], [], list(rows), more)


def _result(told: str | None) -> str:
    return "not asked" if told is None else "FAILS" if told else "ok"


def right(verdict: Verdict) -> list[str]:
    """Return the words for a network that is right."""
    holds = sum(told == "" for told in verdict.checks.values())
    return [
        f"RIGHT: all {holds} checks hold; the gradients are the reference's",
        *(f"note: {n}" for n in verdict.notes),
    ]


def wrong(found: Diagnosis) -> list[str]:
    """Return the words for a mistake."""
    equation = f", equation {found.equation}" if found.equation else ""
    lines = [f"WRONG: {found.name}{equation}", f"what is wrong: {found.told}"]
    if found.measured:
        lines.append(f"measured: {found.measured}")
    lines.append(f"remedy: {found.remedy}")
    return lines + [f"look at line {number}: {text}" for number, text in found.lines]


def matrix_document(kills: list[Kill]) -> Document:
    """Return a line for each planted mistake and a column for each check; x where the check catches it."""
    lines = [
        [
            kill.mistake or f"right: {kill.way}",
            *("x" if check in kill.caught_by else "" for check in CHECKS),
            "" if kill.is_told else kill.told_as or "right",
        ]
        for kill in kills
    ]
    planted = [kill for kill in kills if kill.mistake]
    survived = [f"{kill.way} survives" for kill in planted if not kill.caught_by]
    survived += [f"{kill.way}: told as {kill.told_as}, expected {kill.mistake}" for kill in planted if not kill.is_told]
    accused = [kill for kill in kills if not kill.mistake and kill.told_as]
    survived += [f"{kill.way} is right, and accused of {kill.told_as}" for kill in accused]
    names = len({kill.mistake for kill in planted})
    caught = sum(bool(kill.caught_by) for kill in planted)
    told = sum(kill.is_told for kill in planted)
    heading = [
        f"{names} mistakes, planted in {len(planted)} ways: {caught} caught, {told} told by their own name; "
        f"{len(kills) - len(planted)} right networks, {len(accused)} accused"
    ]
    letters = dict(zip(CHECKS, ascii_lowercase, strict=False))
    legend = f"x: caught by {', '.join(f'{letter} {check}' for check, letter in letters.items())}"
    table = Table(["mistake", *letters.values(), "told otherwise"], lines, notes=[legend])
    return Document(heading, [table], survived, [vars(kill) for kill in kills])
