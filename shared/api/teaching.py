"""For teachers: a folder of submissions, a line each, and the results in Gradescope's format."""

import json
import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from shared.api.common import WIDTH, Printed, Progress, no_progress, one_thread
from shared.api.own import check
from shared.boundary import told
from shared.diagnosis.near_misses import TO_FILL, Filled
from shared.errors import SettingError, SpecError, not_there
from shared.options import VISIBILITIES
from shared.processes.calls import CallError
from shared.reading.program import UnreadableError
from shared.report import submissions as report
from shared.report.document import text
from shared.report.submissions import FAILED, MISSING, RIGHT, TIMED_OUT, TO_DO, UNREADABLE, WRONG, Submission

MOST: Final = 10_000
"""Files of a folder."""


@dataclass(frozen=True, repr=False)
class Submissions(Printed):
    """What was found in each file of a folder."""

    submissions: list[Submission]

    @property
    def ok(self) -> bool:
        """Whether every file is right."""
        return all(each.status == RIGHT for each in self.submissions)


@one_thread
def check_folder(
    folder: str | Path,
    *,
    expect: Sequence[str] = (),
    timeout: float | None = None,
    jobs: int | None = None,
    progress: Progress = no_progress,
    **options: Any,
) -> Submissions:
    """Check every .py file and notebook of a folder and of the folders in it, several at the same time.

    Whatever a file does is recorded and stops no other: it cannot be read, it raises an exception, or its time is over.

    Parameters
    ----------
    folder : names that start with a dot or with `__` are left out.
    expect : files that must be there, such as "my_delta.py"; one that is not counts as missing.
    timeout : seconds for each file; by default as `check`.
    jobs : how many are checked at a time; None for one for each processor.
    options : as `check`.

    Raises
    ------
    SettingError
        If it is no folder, or has no such file.
    """
    root = Path(folder)
    if not root.is_dir():
        raise SettingError("file", f"got {folder}, which is not a folder")
    files = sorted(path for path in root.rglob("*") if path.suffix in (".py", ".ipynb") and _counts(path, root))
    if not files and not expect:
        raise SettingError("file", f"got {folder}, which has no .py file and no notebook")
    if len(files) > MOST:
        raise SettingError("file", f"got {folder}, which has {len(files):,} files, expected at most {MOST:,}")
    found: dict[Path, Submission] = {}
    with progress("submissions", len(files)) as done, ThreadPoolExecutor(jobs or os.cpu_count() or 1) as pool:
        tasks = {pool.submit(submission, path, root, timeout, options): path for path in files}
        for number, task in enumerate(as_completed(tasks), 1):
            found[tasks[task]] = task.result()
            done(number)
    ordered = [found[path] for path in files]
    there = {name for path in files for name in (path.name, path.relative_to(root).as_posix())}
    ordered += [Submission(name, MISSING, description="there is no such file") for name in expect if name not in there]
    counted = Counter(each.status for each in ordered)
    return Submissions(report.document(root.resolve().name, ordered, counted), ordered)


def _counts(path: Path, root: Path) -> bool:
    inner = path.relative_to(root).parts
    return path.is_file() and not any(part.startswith((".", "__")) for part in inner)


def submission(path: Path, root: Path, timeout: float | None, options: dict[str, Any]) -> Submission:
    """Check one file; whatever goes wrong is part of the answer."""
    name = path.relative_to(root).as_posix()
    try:
        checked = check(path, timeout=timeout, **options)
    except CallError as error:
        status = TIMED_OUT if error.kind == "timed out" else FAILED
        return Submission(name, status, description=_short(str(error), path))
    except UnreadableError as error:
        return Submission(name, UNREADABLE, description=_short(str(error), path))
    except (SpecError, SettingError, OSError) as error:
        return Submission(name, FAILED, description=_short(str(error), path))
    except Exception as error:  # noqa: BLE001 - a mistake of ours: the other files have their answers all the same
        return Submission(name, FAILED, description=_short(f"check itself failed: {told(error)}", path))
    verdict, output = checked.verdict, text(checked.document, WIDTH)
    exercise = verdict.exercise.number if isinstance(verdict, Filled) else None
    diagnosis = verdict.diagnosis
    if diagnosis is None:
        return Submission(name, RIGHT, exercise, output=output)
    status = TO_DO if diagnosis.name == TO_FILL else WRONG
    return Submission(
        name, status, exercise, diagnosis.name, diagnosis.equation, diagnosis.lines[0][0] if diagnosis.lines else None,
        diagnosis.description, diagnosis.measured, diagnosis.remedy, output,
    )  # fmt: skip


def _short(message: str, path: Path) -> str:
    """Return a message without the folder, which is nobody's business."""
    return message.replace(str(path.absolute()), path.name).replace(str(path), path.name)


def check_one(path: Path, *, timeout: float | None = None, **options: Any) -> Submissions:
    """Check one file as `check_folder` checks each; SettingError if there is no such file."""
    if not path.is_file():
        raise SettingError("file", not_there(path))
    found = [one_thread(submission)(path, path.parent, timeout, options)]
    return Submissions(report.document(path.name, found, Counter(each.status for each in found)), found)


def gradescope(found: Submissions, points: float = 100, visibility: str = "visible") -> str:
    """Return the text of Gradescope's results.json: the points are shared equally among the files.

    Parameters
    ----------
    points : for all files together.
    visibility : of the tests for students: "visible", "hidden", "after_due_date" or "after_published".
    """
    if visibility not in VISIBILITIES:
        raise SettingError("visibility", f"got {visibility!r}, expected one of {', '.join(VISIBILITIES)}")
    if not 0 < points < float("inf"):
        raise SettingError("points", f"got {points:g}, expected a number above 0")
    each = points / len(found.submissions)
    tests = [report.test(one, each, visibility) for one in found.submissions]
    right = sum(one.status == RIGHT for one in found.submissions)
    result = {
        "score": round(each * right, 6),
        "output": f"{right} of {len(tests)} right",
        "visibility": "visible",
        "stdout_visibility": "hidden",
        "tests": tests,
    }
    return json.dumps(result, indent=1) + "\n"
