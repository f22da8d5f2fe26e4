"""The verdict on a user's network, and the table of mistakes and checks."""

import textwrap
from string import ascii_lowercase
from typing import Final

from shared.diagnosis.as_written import OwnVerdict
from shared.diagnosis.checks import CHECKS
from shared.diagnosis.diagnose import Diagnosis, Verdict
from shared.diagnosis.exercises import EXERCISES, WHOLE, Exercise
from shared.diagnosis.facts import Facts
from shared.diagnosis.findings import Findings
from shared.diagnosis.near_misses import TO_FILL, Filled
from shared.diagnosis.selftest import Trial
from shared.diagnosis.words import sentence
from shared.report.document import Document, Table

CHECKED: Final = ("check", "result", "what was found")
CELL: Final = 56
"""Characters per line within a cell."""


def verdict_document(name: str, verdict: Verdict) -> Document:
    """Return the verdict, the diagnosis, and what each check found."""
    found = verdict.diagnosis
    spec = f"{verdict.spec}; {verdict.shared}" if verdict.shared else str(verdict.spec)
    heading = [f"{name}: {spec}", *(right(verdict) if found is None else wrong(found))]
    rows = [
        {"check": check, "result": _result(findings), "found": sentence(findings)}
        for check, findings in verdict.checks.items()
    ]
    lines = [[row["check"], row["result"], textwrap.fill(row["found"], CELL)] for row in rows]
    more = {
        "network": str(verdict.spec),
        "shared": verdict.shared,
        "right": verdict.right,
        "diagnosis": None if found is None else {**vars(found), "lines": [list(line) for line in found.lines]},
        "notes": verdict.notes,
    }
    return Document(heading, [Table(list(CHECKED), lines, words=CHECKED[1:])], [], list(rows), more)


def _result(findings: Findings | None) -> str:
    return "not checked" if findings is None else "FAILS" if findings else "ok"


def right(verdict: Verdict) -> list[str]:
    """Return the lines for a network that is right."""
    passed = sum(findings is not None for findings in verdict.checks.values())
    return [
        f"RIGHT: all {passed} checks passed; the gradients match the reference",
        *(f"note: {note}" for note in verdict.notes),
    ]


def wrong(found: Diagnosis) -> list[str]:
    """Return the lines for a mistake."""
    equation = f", equation {found.equation}" if found.equation else ""
    lines = [f"WRONG: {found.name}{equation}", f"what is wrong: {found.description}"]
    if found.measured:
        lines.append(f"measured: {found.measured}")
    lines.append(f"remedy: {found.remedy}")
    return lines + [f"look at line {number}: {text}" for number, text in found.lines]


def exercise_document(name: str, filled: Filled) -> Document:
    """Return the verdict on an exercise: right, or the mistake, and the first wrong value beside what is expected."""
    exercise, found, first = filled.exercise, filled.diagnosis, filled.first_wrong
    heading = [f"{name}: exercise {exercise.number}, equation{'s' * (exercise.number == WHOLE)} {exercise.equation}"]
    if found is None:
        heading.append(f"RIGHT: {exercise.formula}")
        if following := EXERCISES.get(exercise.number + 1):
            heading.append(f"next: exercise {following.number}, {following.asks[0].lower()}{following.asks[1:]}")
    elif found.name == TO_FILL:
        heading += [f"TO DO: {found.name}", f"write: {found.remedy}"]
        heading += [f"look at line {number}: {text}" for number, text in found.lines]
    else:
        heading += wrong(found)
    rows = [] if first is None else [vars(first)]
    lines = [[first.where, f"{first.expected:.6g}", f"{first.yours:.6g}"]] if first else []
    tables = [Table(["first wrong value", "expected", "yours"], lines)] if lines else []
    more = {
        "exercise": exercise.number,
        "equation": exercise.equation,
        "right": filled.right,
        "diagnosis": None if found is None else {**vars(found), "lines": [list(line) for line in found.lines]},
    }
    return Document(heading, tables, [], rows, more)


def exercises_document(exercises: list[Exercise], command: str) -> Document:
    """Return the list of the exercises."""
    lines = [[str(e.number), e.equation, e.asks, f"my_{e.function}.py"] for e in exercises]
    table = Table(["exercise", "equation", "what is left out", "file"], lines, words=("what is left out", "file"))
    heading = ["One line is left out in each: write it, and check it."]
    remarks = [
        f"{command} exercise 5 > my_delta.py",
        f"{command} check my_delta.py",
        "in a notebook: samegrad.check(delta=my_delta)",
    ]
    table.notes.extend(remarks)
    return Document(heading, [table], [], [vars(e) for e in exercises])


def own_document(name: str, verdict: OwnVerdict) -> Document:
    """Return the verdict by a file's own loss: what was read, what is wrong, conventions and hazards."""
    facts, found = verdict.facts, verdict.diagnosis
    heading = [f"{name}: {verdict.network}", verdict.headline]
    if found is not None:
        heading.append(f"what is wrong: {found.description}")
        heading += [f"measured: {found.measured}"] if found.measured else []
        heading.append(f"remedy: {found.remedy}")
        heading += [f"look at line {number}: {text}" for number, text in found.lines]
    heading += [f"conventions: {'; '.join(verdict.conventions)}"] if verdict.conventions else []
    heading += [f"beware: {hazard}" for hazard in verdict.hazards]
    heading += [f"not checked: {what}" for what in verdict.not_checked]
    flags = FLAGS if isinstance(facts, Facts) else "--entry NAME"
    read = [f"found: {', '.join(facts.found)}", f"read as: {facts.words()}", f"if that is wrong: {flags}"]
    more = {
        "network": verdict.network,
        "right": verdict.right,
        "headline": verdict.headline,
        "diagnosis": None if found is None else {**vars(found), "lines": [list(line) for line in found.lines]},
        "conventions": verdict.conventions,
        "hazards": verdict.hazards,
        "not_checked": verdict.not_checked,
        "found": facts.found,
        "read_as": facts.form.words() if isinstance(facts, Facts) else facts.words(),
    }
    return Document(heading, [], [], [], more, answer=read)


FLAGS: Final = "--layout rows|columns|one, --labels labels|one-hot, --weights out-in|in-out, --entry NAME"


def matrix_document(trials: list[Trial]) -> Document:
    """Return a line for each planted mistake and a column for each check; an x if the check catches it."""
    lines = [
        [
            trial.mistake or f"right: {trial.way}",
            *("x" if check in trial.caught_by else "" for check in CHECKS),
            "" if trial.is_named else trial.diagnosis or "right",
        ]
        for trial in trials
    ]
    planted = [trial for trial in trials if trial.mistake]
    false_alarms = [trial for trial in trials if not trial.mistake and trial.diagnosis]
    named = sum(trial.is_named for trial in planted)
    remarks = [f"{trial.way}: not caught by any check" for trial in planted if not trial.caught_by]
    remarks += [
        f"{trial.way}: diagnosed as {trial.diagnosis}, expected {trial.mistake}"
        for trial in planted
        if not trial.is_named
    ]
    remarks += [f"{trial.way}: right, but diagnosed as {trial.diagnosis}" for trial in false_alarms]
    heading = [
        f"{len({trial.mistake for trial in planted})} mistakes, planted in {len(planted)} ways: "
        f"{sum(bool(trial.caught_by) for trial in planted)} caught, {named} diagnosed correctly; "
        f"{len(trials) - len(planted)} right networks, {len(false_alarms)} diagnosed as wrong"
    ]
    letters = dict(zip(CHECKS, ascii_lowercase, strict=False))
    legend = f"x: caught by {', '.join(f'{letter} {check}' for check, letter in letters.items())}"
    table = Table(["mistake", *letters.values(), "wrong diagnosis"], lines, notes=[legend])
    return Document(heading, [table], remarks, [vars(trial) for trial in trials])
