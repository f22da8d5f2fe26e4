"""Submissions of a class: a table, and the tests of Gradescope."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from shared.report.document import Document, Table

RIGHT: Final = "right"
WRONG: Final = "wrong"
TO_DO: Final = "to do"
UNREADABLE: Final = "unreadable"
TIMED_OUT: Final = "timed out"
FAILED: Final = "failed"
MISSING: Final = "missing"
SCHEMA: Final = "samegrad-submissions 1"
LONGEST: Final = 90
"""Characters of what is said in the table."""


@dataclass(frozen=True)
class Submission:
    """What was found in a file; the fields are those of the JSON, docs/teaching.md."""

    file: str
    """its path within the folder"""
    status: str
    """"right", "wrong", "to do" (a blank exercise), "unreadable", "timed out", "failed" or "missing" """
    exercise: int | None = None
    mistake: str = ""
    equation: str = ""
    line: int | None = None
    description: str = ""
    measured: str = ""
    remedy: str = ""
    output: str = field(default="", repr=False)
    """what `check` prints for the file"""

    @property
    def id(self) -> str:
        """The same for every student and every attempt: exercise-5, or the name of the file."""
        return f"exercise-{self.exercise}" if self.exercise else self.file


def document(name: str, submissions: list[Submission], counted: Mapping[str, int]) -> Document:
    """Return a line for each file."""
    rows = [{key: value for key, value in vars(each).items() if key != "output"} for each in submissions]
    lines = [[each.file, each.status, _said(each), each.equation, str(each.line or "")] for each in submissions]
    counts = ", ".join(f"{n} {status}" for status, n in counted.items())
    heading = [f"{name}: {len(submissions)} file{'s' * (len(submissions) != 1)}: {counts}"]
    headers = ["file", "result", "what was found", "equation", "line"]
    table = Table(headers, lines, words=("result", "what was found", "equation"))
    return Document(heading, [table], [], rows, {"schema": SCHEMA, "counts": dict(counted)})


def _said(each: Submission) -> str:
    said = " ".join((each.mistake or each.description).split())
    return said if len(said) <= LONGEST else f"{said[: LONGEST - 3]}..."


def test(each: Submission, points: float, visibility: str) -> dict[str, Any]:
    """Return a test of Gradescope's results.json."""
    is_right = each.status == RIGHT
    return {
        "name": f"exercise {each.exercise}" if each.exercise else each.file,
        "number": str(each.exercise) if each.exercise else each.file,
        "score": round(points, 6) if is_right else 0,
        "max_score": round(points, 6),
        "status": "passed" if is_right else "failed",
        "output": each.output or f"{each.status}: {each.description}",
        "visibility": visibility,
        "extra_data": {"id": each.id, "result": each.status, "mistake": each.mistake, "equation": each.equation},
    }
