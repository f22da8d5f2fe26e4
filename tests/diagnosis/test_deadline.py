"""The time limit of a check holds for the search for the mistake, too."""

import time

import numpy as np

from shared.diagnosis import diagnose, matching
from shared.diagnosis.comparison import Comparison
from shared.diagnosis.mistakes import Planted
from shared.diagnosis.scenes import ask_all
from shared.diagnosis.subject import Subject
from shared.interface import Array
from shared.spec import NetworkSpec

SPEC = NetworkSpec.dense((6, 5, 4, 3))


class Unheard(Planted):
    """A mistake that is in no catalogue."""

    def gradients(self, x: Array, y: Array) -> float:
        loss = super().gradients(x, y)
        self.g[:] = np.sin(7 * self.g)
        return loss


def test_after_the_deadline_no_mistake_is_tried_and_the_answer_says_so() -> None:
    answers = ask_all(Subject(Unheard), SPEC)
    c = Comparison(SPEC, answers, deadline=time.monotonic() - 1)
    assert list(matching.catalogue(c, "gradients")) == []
    late = diagnose.diagnose(SPEC, answers, [], deadline=0.0).diagnosis
    assert late is not None
    assert late.name == diagnose.UNKNOWN
    assert late.description.endswith(diagnose.STOPPED)
    assert late.equation == "(4)"


def test_in_time_the_answer_says_nothing_of_it() -> None:
    found = diagnose.diagnose(SPEC, ask_all(Subject(Unheard), SPEC), []).diagnosis
    assert found is not None
    assert found.name == diagnose.UNKNOWN
    assert diagnose.STOPPED not in found.description
