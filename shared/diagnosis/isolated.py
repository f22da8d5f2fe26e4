"""Check a user's file in its own process, with a time limit: by its own loss, or by our specification."""

import ast
import re
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from shared.boundary import NotPythonError, parsed, read_source
from shared.diagnosis.answers import Answer, Answers, Trouble
from shared.diagnosis.as_written import OwnVerdict, judge
from shared.diagnosis.comparison import READ_ONLY
from shared.diagnosis.diagnose import RAISES, UNKNOWN, Diagnosis, Verdict, diagnose
from shared.diagnosis.facts import Facts, Measured, Options, outline, troubles
from shared.diagnosis.facts import Subject as FileSubject
from shared.diagnosis.facts import ask as ask_facts
from shared.diagnosis.inputs import Inputs
from shared.diagnosis.limit import OutOfTime, require_time, time_limit
from shared.diagnosis.rules import STRAY, UNNAMED
from shared.diagnosis.scenes import TRAINING, ask, inputs_of
from shared.diagnosis.share_verdict import extend
from shared.diagnosis.shares import Shared
from shared.diagnosis.subject import Subject, source_lines, spec_of
from shared.diagnosis.words import line_at
from shared.processes.calls import CallError, CallProcess
from shared.reading.program import UnreadableError
from shared.spec import TrainingSpec

NOT_OF_LOSS: Final = {"inputs kept", "no memory", "repeatable", "update", "batches", "reset"}
"""Checks that a network's own loss says nothing about."""
MOST_TROUBLES: Final = 3
ALONE: Final = TrainingSpec()
"""One worker, one micro-batch."""
UNFIT: Final = r"not aligned|mismatch|could not be broadcast|broadcastable|setting an array element|inhomogeneous"
"""What NumPy says of shapes that do not fit."""


def check_file(
    path: Path, given: dict[str, Any], options: Options, timeout: float, training: TrainingSpec = ALONE
) -> Verdict | OwnVerdict:
    """Return the verdict on a file: one by our specification, which it follows, or one by its own loss.

    A file that follows our contract and not our conventions, such as the 1/2 of the loss, is judged by its own loss.

    Parameters
    ----------
    given : network, sizes, activation and loss, if given.
    options : how the file is to be read.
    timeout : seconds for all of it; a computation that has begun by then is finished.
    training : its workers and micro-batches; with more than one, our specification alone counts.

    Raises
    ------
    CallError
        If the file cannot be loaded.
    UnreadableError
        If no way of calling it works.
    SpecError
        If its constants do not describe a network.
    """
    if training != ALONE:
        return diagnose_file(path, given, timeout, training)
    if not follows_contract(path):
        return judge_file(path, replace(options, network=given), timeout)
    begun = time.monotonic()
    try:
        ours = diagnose_file(path, given, timeout)
    except CallError as error:
        if error.kind != "raised":
            raise
        with suppress(CallError, UnreadableError):
            return judge_file(path, replace(options, network=given), timeout)
        raise
    failed = {check for check, findings in ours.checks.items() if findings}
    asks_for_ours = any(value is not None for value in given.values())
    is_unfit = ours.diagnosis is not None and re.search(UNFIT, ours.diagnosis.description) is not None
    left = timeout - (time.monotonic() - begun)
    if ours.diagnosis is None or failed & NOT_OF_LOSS or left <= 0 or (asks_for_ours and not is_unfit):
        return ours
    return _or_own(ours, path, options, left, is_unfit=is_unfit, asks_for_ours=asks_for_ours)


def _or_own(
    ours: Verdict, path: Path, options: Options, timeout: float, *, is_unfit: bool, asks_for_ours: bool
) -> Verdict | OwnVerdict:
    """Return the verdict by the file's own loss where it says more than ours, which is WRONG."""
    assert ours.diagnosis is not None
    try:
        own = judge_file(path, options, timeout)
    except UnreadableError as error:
        if is_unfit and error.fits:
            ours.diagnosis = replace(ours.diagnosis, remedy=f"it fits as {error.fits}")
        return ours
    except CallError:
        return ours
    if asks_for_ours:
        remedy = f"it fits as {_as_read(own)}; without --network and the like it is judged that way, by its own loss"
        ours.diagnosis = replace(ours.diagnosis, remedy=remedy)
        return ours
    if own.diagnosis is None or ours.diagnosis.name == UNKNOWN or is_unfit:
        return own
    if own.diagnosis.name == ours.diagnosis.name:
        return own if own.diagnosis.lines and not ours.diagnosis.lines else ours
    return ours if own.diagnosis.name in (*UNNAMED, STRAY) else own


def follows_contract(path: Path) -> bool:
    """Return whether a file has a class `Network` of our contract, or forward(p, x) and gradients(p, x, y)."""
    try:
        tree = parsed(read_source(path))
    except NotPythonError:
        return path.suffix == ".py"  # loading it says what is wrong
    arguments = {n.name: [a.arg for a in n.args.args] for n in tree.body if isinstance(n, ast.FunctionDef)}
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Network"]
    methods = {each.name for node in classes for each in node.body if isinstance(each, ast.FunctionDef)}
    has_base = any(ast.unparse(base) != "object" for node in classes for base in node.bases)
    is_class = "loss_and_gradients" in methods or (has_base and not methods & {"forward", "backward"})
    return is_class or (
        len(arguments.get("forward", ())) == 2 and arguments.get("gradients", [""])[:1] == arguments["forward"][:1]
    )


def has_network(path: Path) -> bool:
    """Return whether a file has a class `Network` of our contract."""
    try:
        tree = parsed(read_source(path))
    except NotPythonError:
        return path.suffix == ".py"
    return follows_contract(path) and any(isinstance(n, ast.ClassDef) and n.name == "Network" for n in tree.body)


def judge_file(path: Path, options: Options, timeout: float) -> OwnVerdict:
    """Return the verdict on a file by its own loss; errors as `check_file`."""
    with CallProcess(str(path), FileSubject.load, timeout=timeout) as process:
        process.deadline = time.monotonic() + timeout
        process.loaded()
        try:
            return _judged(process.call(ask_facts, options))
        except (CallError, UnreadableError) as error:
            if isinstance(error, CallError) and error.kind != "raised":
                raise
            found, raised = process.call(outline), process.call(troubles)
            why = "; ".join([str(error).removeprefix("UnreadableError: "), *raised[:MOST_TROUBLES]])
            fits = _fitting(process, options)
            why += f"; it fits as {fits}" if fits else ""
            raise UnreadableError(f"{path.name} could not be read: {why}; {_remedy(path, found)}", fits) from None


def _judged(measured: Measured) -> OwnVerdict:
    facts = measured.network or measured.operators
    assert facts is not None
    return judge(facts)


def _fitting(process: CallProcess, options: Options) -> str:
    """Return the options with which a file can be read, where it cannot with those that were given; "" if none do."""
    free = replace(options, layout=None, labels=None, weights=None)
    with suppress(CallError):
        if free != options:
            return _as_read(_judged(process.call(ask_facts, free)))
    return ""


def _as_read(own: OwnVerdict) -> str:
    """Return how a file was read, with the options that say so."""
    if not isinstance(own.facts, Facts):
        return own.facts.words()
    form, out_first = own.facts.form, own.facts.layout.out_first
    layout, weights = "one" if form.is_single else form.x, "out-in" if out_first else "in-out"
    return f"{own.facts.words()}: --layout {layout} --labels {form.y} --weights {weights}"


def _remedy(path: Path, found: list[str]) -> str:
    holds = f"found in it: {', '.join(found) or 'no functions'}"
    flags = "say what is what with --entry NAME, --layout, --labels or --weights"
    return f"{holds}; {flags}, or fill in the adapter that check --adapt {path.name} prints"


def diagnose_file(path: Path, given: dict[str, Any], timeout: float, training: TrainingSpec = ALONE) -> Verdict:
    """Return the verdict by our specification on a file that follows our contract.

    Parameters
    ----------
    given : network, sizes, activation and loss, if given; what is not given is taken from the file.
    training : its workers and micro-batches; with more than one, a network that is right with one is also checked with
        batches that are shared among workers, or cut into micro-batches.
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
                verdict = diagnose(spec, answers, source_lines(path))
            if verdict.right and training != ALONE:
                # a process of its own: JAX and TensorFlow fix their devices when the first network is built
                with CallProcess(str(path), Subject.load, timeout=timeout) as process:
                    process.deadline = deadline
                    _with_shares(verdict, process.loaded(), training, path)
            return verdict
    except OutOfTime:
        message = f"{path}: {timeout:g} s were over before all checks were done; no mistake was found until then"
        raise CallError("timed out", message) from None


def _with_shares(verdict: Verdict, process: CallProcess, training: TrainingSpec, path: Path) -> None:
    """Add what is found with shared batches; a process that ends there is what is wrong."""
    try:
        extend(verdict, process.call, training.workers, training.accumulate, source_lines(path))
    except CallError as error:
        how = str(Shared.of(verdict.spec, training.workers, training.accumulate))
        if error.kind == "timed out":
            late = f"{error}; it is right without shares, and was to be checked with {how}: a longer --timeout may do"
            raise CallError(error.kind, late, error.detail) from None
        at = line_at(source_lines(path), _line_in(path, error.detail))
        verdict.diagnosis = Diagnosis(RAISES, f"with {how}: {error}", "correct the line that raises it", lines=at)


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
