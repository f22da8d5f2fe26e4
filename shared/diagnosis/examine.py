"""A user's file is asked, scene by scene, in a process of its own with a time limit; then it is judged."""

import re
from pathlib import Path
from typing import Any

from shared.diagnosis.case import READ_ONLY
from shared.diagnosis.diagnose import Verdict, diagnose
from shared.diagnosis.probe import Answer, Answers, Trouble
from shared.diagnosis.scenes import TRAINING, ask, probes
from shared.diagnosis.subject import Subject, source_lines, spec_of
from shared.processes.calls import Remote, RemoteError
from shared.spec import NetworkSpec


def check(path: Path, given: dict[str, Any], timeout: float) -> Verdict:
    """Return the verdict on a file.

    Parameters
    ----------
    given : sizes, activation and loss, as far as they were given; the rest is as the file says.
    timeout : seconds that loading, and each scene, may take.

    Raises
    ------
    RemoteError
        If the file cannot be loaded.
    SpecError
        If its constants cannot be meant.
    """
    with Remote(str(path), Subject.load, timeout=timeout).loaded() as remote:
        facts = remote.call(Subject.describe)
        spec = spec_of(facts["constants"], given)
        answers = _ask_all(remote, spec, path, trains=facts["trains"])
    return diagnose(spec, answers, source_lines(path))


def _ask_all(remote: Remote, spec: NetworkSpec, path: Path, *, trains: bool) -> Answers:
    """Return what came of each scene; after one that the process does not survive, or end, nothing more is asked."""
    asked = {scene: probe for scene, probe in probes(spec).items() if trains or scene not in TRAINING}
    answers: Answers = {}
    try:
        for scene, probe in asked.items():
            answers[scene] = remote.call(ask, scene, probe)
        modified = next((scene for scene, answer in answers.items() if answer.modified), None)
        if modified:
            answers[READ_ONLY] = remote.call(_ask_read_only, modified, asked[modified])
    except RemoteError as error:
        said = error.detail.rstrip().splitlines()[-1:] if error.kind == "ended" else []
        trouble = Trouble("; ".join([str(error), *said]), _line_in(path, error.detail))
        for scene in asked:
            answers.setdefault(scene, Answer(trouble=trouble))
    return answers


def _ask_read_only(subject: Subject, scene: str, probe: Any) -> Answer:
    return ask(subject, scene, probe, read_only=True)


def _line_in(path: Path, traceback: str) -> int | None:
    """Return the innermost line of a file that faulthandler names."""
    found = re.search(rf'File "{re.escape(str(path))}", line (\d+)', traceback)
    return int(found[1]) if found else None
