"""Check what fills an exercise: a file in its own process, or a function of a notebook."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from shared.adapters import functions
from shared.diagnosis.diagnose import RAISES, SHAPE, UNKNOWN, Verdict, diagnose
from shared.diagnosis.exercises import WHOLE, Exercise, ask, ask_file, namespace
from shared.diagnosis.isolated import diagnose_file
from shared.diagnosis.near_misses import Filled, judge
from shared.diagnosis.scenes import ask_all
from shared.diagnosis.subject import Subject, load_file, source_lines
from shared.processes.calls import CallProcess
from shared.spec import NetworkSpec

NETWORK: Final = "12-6-5-4"
"""On which a whole backward pass is diagnosed: three layers, since (5) is then used twice."""


def check_file(path: Path, exercise: Exercise, timeout: float) -> Filled:
    """Return the verdict on a file that fills an exercise; CallError if it cannot be loaded or takes too long."""
    with CallProcess(str(path), load_file, timeout=timeout) as process:
        answers = process.loaded().call(ask_file, exercise.number)
    filled = judge(exercise, answers, source_lines(path))
    return _named(filled, lambda: diagnose_file(path, {"network": NETWORK}, timeout))


def check_function(exercise: Exercise, function: Callable[..., Any]) -> Filled:
    """Return the verdict on a function; it is called here."""
    filled = judge(exercise, ask(function, exercise), [])
    return _named(filled, lambda: _diagnosed(function))


def _named(filled: Filled, whole: Callable[[], Verdict]) -> Filled:
    """Return the verdict with the diagnosis of the whole network, where the exercise is one and it has no other."""
    found = filled.diagnosis
    if filled.exercise.number != WHOLE or found is None or found.name not in (UNKNOWN, SHAPE, RAISES):
        return filled
    diagnosis = whole().diagnosis
    return filled if diagnosis is None else replace(filled, diagnosis=diagnosis)


def _diagnosed(function: Callable[..., Any]) -> Verdict:
    spec = NetworkSpec.parse(NETWORK)
    subject = Subject(functions.builder(namespace(function)), trains=False)
    return diagnose(spec, ask_all(subject, spec), [])
