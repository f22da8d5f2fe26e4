"""What is held against a sample: its tensors, its threads."""

from typing import Any

import numpy as np
import pytest

from shared.agreement.judgement import judge, rejection
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


def sample(cpu: float, **threads: int) -> dict[str, Any]:
    return {"threads": threads, "epochs": [{"wall_ns": 1000, "cpu_ns": int(1000 * cpu)}] * 3}


def test_a_sample_with_the_threads_that_were_asked_for_is_not_rejected() -> None:
    assert rejection(sample(1.0, openblas=1, openmp=1), 1) is None
    assert rejection(sample(1.2, openblas=2), 2) is None
    assert rejection({"threads": {"openblas": 1}}, 1) is None


def test_a_pool_with_other_threads_is_told() -> None:
    assert rejection(sample(1.0, openblas=1, openmp=8), 1) == "asked for 1 thread, it ran openmp with 8"
    assert rejection(sample(1.0, openblas=1), 2) == "asked for 2 threads, it ran openblas with 1"


def test_more_time_than_the_threads_can_have_used_is_told() -> None:
    assert rejection(sample(1.9, tf=1), 1) == "asked for 1 thread, it used 1.9 seconds of CPU time a second"
