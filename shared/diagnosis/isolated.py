"""Check a user's file: run it scene by scene, in its own process, with a time limit."""

import re
from pathlib import Path
from typing import Any

from shared.diagnosis.answers import Answer, Answers, Trouble
from shared.diagnosis.comparison import READ_ONLY
from shared.diagnosis.diagnose import Verdict, diagnose
from shared.diagnosis.inputs import Inputs
from shared.diagnosis.limit import OutOfTime, require_time, time_limit
from shared.diagnosis.scenes import TRAINING, ask, inputs_of
from shared.diagnosis.subject import Subject, source_lines, spec_of
from shared.processes.calls import CallError, CallProcess


def diagnose_file(path: Path, given: dict[str, Any], timeout: float) -> Verdict:
    """Return the verdict on a file.

    Parameters
    ----------
    given : network, sizes, activation and loss, if given; what is not given is taken from the file.
    timeout : seconds for all of it; a computation that has begun by then is finished.

    Raises
    ------
    CallError
        If the file cannot be loaded, or the time is over before a check has failed or all have passed.
    SpecError
        If its constants do not describe a network.
    """
    try:
        with time_limit(timeout) as deadline:
            with CallProcess(str(path), Subject.load, timeout=timeout) as process:
                process.deadline = deadline
                facts = process.loaded().call(Subject.describe)
                spec = spec_of(facts["constants"], given)
                asked = {scene: i for scene, i in inputs_of(spec).items() if facts["trains"] or scene not in TRAINING}
                answers = _ask_all(process, asked, path)
            return diagnose(spec, answers, source_lines(path))
    except OutOfTime:
        message = f"{path}: {timeout:g} s were over before all checks were done; no mistake was found until then"
        raise CallError("timed out", message) from None


def _ask_all(process: CallProcess, asked: dict[str, Inputs], path: Path) -> Answers:
    """Return the answer of each scene; stop after a scene in which the process ends or does not finish."""
    answers: Answers = {}
    try:
        for scene, inputs in asked.items():
            require_time()  # else it would be the file that is late
            answers[scene] = process.call(ask, scene, inputs)
        modified = next((scene for scene, answer in answers.items() if answer.modified), None)
        if modified:
            answers[READ_ONLY] = process.call(_ask_read_only, modified, asked[modified])
    except CallError as error:
        last_words = error.detail.rstrip().splitlines()[-1:] if error.kind == "ended" else []
        trouble = Trouble("; ".join([str(error), *last_words]), _line_in(path, error.detail))
        for scene in asked:
            answers.setdefault(scene, Answer(trouble=trouble))
    return answers


def _ask_read_only(subject: Subject, scene: str, inputs: Inputs) -> Answer:
    return ask(subject, scene, inputs, read_only=True)


def _line_in(path: Path, traceback: str) -> int | None:
    """Return the innermost line of the file in a faulthandler traceback."""
    found = re.search(rf'File "{re.escape(str(path))}", line (\d+)', traceback)
    return int(found[1]) if found else None
