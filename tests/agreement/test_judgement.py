"""What is held against a sample: its tensors."""

import numpy as np
import pytest

from shared.agreement.judgement import judge
from shared.agreement.observation import STAGES, Observation

ALLOWED: dict[str, float | None] = dict.fromkeys(STAGES, 1e-5)


def observation(**scale: float) -> Observation:
    tensor = np.ones((2, 3))
    return Observation({s: {"W1": tensor * scale.get(s, 1.0), "b1": tensor} for s in STAGES})


def test_equals_agree_and_every_tensor_has_its_errors() -> None:
    found = judge(observation(), observation(), ALLOWED)
    assert found["status"] == "ok"
    assert set(found["errors"]) == set(STAGES)
    expected = {"relative_l2": 0, "scaled_max": 0, "cosine": 1, "norm_ratio": 1, "ulps": 0}
    assert found["errors"]["gradients"]["W1"] == pytest.approx(expected)


def test_a_stage_beyond_what_is_allowed_fails_and_is_named() -> None:
    found = judge(observation(gradients=1.001), observation(), ALLOWED)
    assert (found["status"], found["reason"]) == (
        "FAILED AGREEMENT",
        "gradients: W1 is off by 1.0e-03, allowed 1.0e-05",
    )
    assert found["errors"]["gradients"]["W1"]["norm_ratio"] == pytest.approx(1.001)
    assert judge(observation(gradients=1.001), observation(), ALLOWED | {"gradients": None})["status"] == "ok"


def test_what_is_no_number_fails_and_is_none() -> None:
    found = judge(observation(loss=float("nan")), observation(), ALLOWED)
    assert found["status"] == "FAILED AGREEMENT"
    assert found["errors"]["loss"]["W1"]["relative_l2"] is None


def test_tensors_of_another_shape_fail_without_errors() -> None:
    other = Observation({stage: {"W1": np.ones((3, 2)), "b1": np.ones((2, 3))} for stage in STAGES})
    found = judge(other, observation(), ALLOWED)
    assert (found["status"], "errors" in found) == ("FAILED AGREEMENT", False)
    assert "got shape (3, 2), expected (2, 3)" in found["reason"]
