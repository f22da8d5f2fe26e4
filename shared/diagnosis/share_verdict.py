"""The verdict on a network whose batches are shared among workers, or cut into micro-batches."""

from typing import Final

import numpy as np

from impls.numpy_scratch import Network as Reference
from shared.diagnosis import shares as scenes
from shared.diagnosis.diagnose import Verdict
from shared.diagnosis.share_checks import SHARE_CHECKS, Compared
from shared.diagnosis.share_rules import Ask, Judge
from shared.diagnosis.shares import STATEFUL, Shared, ask_shares, ask_state
from shared.diagnosis.subject import Subject

REFERENCE: Final = Subject(Reference)


def extend(verdict: Verdict, ask: Ask, workers: int, accumulate: int, lines: list[str]) -> None:
    """Add to the verdict on a network that is right without shares whether it is right with them, too.

    Parameters
    ----------
    ask : calls functions of `shared.diagnosis.shares` with the subject, in its process.
    workers, accumulate : at least one of them is more than 1.
    lines : of the user's file.
    """
    shared = Shared.of(verdict.spec, workers, accumulate)
    alone = shared.trained(workers=1, accumulate=1)
    answers, expected = ask(ask_shares, shared), ask_shares(REFERENCE, alone)
    c = Compared(shared, answers, expected, shared)
    if not c.troubles:
        _add_state(c, ask, alone)
        if not c.state:
            known = ", ".join(STATEFUL)
            verdict.notes.append(f"with one worker it has none of {known} as in (8): no optimizer's state was checked")
    verdict.shared = str(shared)
    if workers > 1 and lines and not any("workers" in line for line in lines):
        verdict.notes.append("the word `workers` is not in the file: it may be right because it uses one only")
    with np.errstate(all="ignore"):
        found = {name: check(c) for name, check in SHARE_CHECKS.items()}
        verdict.checks |= found
        if failed := {name: each for name, each in found.items() if each}:
            verdict.diagnosis = Judge(c, ask, lines).diagnosis(failed)


def _add_state(c: Compared, ask: Ask, alone: Shared) -> None:
    """Add the answers with the first optimizer that the file follows with one worker, and the reference's."""
    for optimizer, rate in STATEFUL.items():
        with_state = {"optimizer": optimizer, "learning_rate": rate}
        one = alone.trained(**with_state)
        found, expected = ask(ask_state, one), ask_state(REFERENCE, one)
        one_worker = Compared(one, {}, {}, one, found, expected)
        if not one_worker.troubles and not any(map(one_worker.stateful, (scenes.TRAINED, scenes.RETRAINED))):
            c.with_state = c.shared.trained(**with_state)
            c.state, c.expected_state = ask(ask_state, c.with_state), expected
            return
