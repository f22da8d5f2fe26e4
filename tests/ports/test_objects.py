"""Models that are there already, compared with each other; and names for what a file does not have."""

from pathlib import Path

import numpy as np
import pytest

import samegrad
from shared.adapters.port import Named, PortError
from shared.ports import comparison
from shared.ports.stepper import Given, InProcess, PortStepper
from shared.spec import TrainingSpec
from tests.ports.here import HEAD, MODEL


def test_two_modules_are_compared_on_given_examples_and_stay_as_they_are() -> None:
    import torch
    from torch import nn

    rng = np.random.default_rng(1)
    x, y = rng.random((60, 8), np.float32), rng.integers(0, 4, 60)
    a, b = (nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 4)) for _ in range(2))
    before = [p.detach().clone() for p in a.parameters()]
    found = samegrad.lockstep(a, b, torch.from_numpy(x), y, criterion=nn.CrossEntropyLoss(), optimizer="Adam")
    assert found.ok
    assert "Sequential a: torch.nn.Module" in repr(found)
    kinds = (torch.optim.Adam(a.parameters(), lr=0.01), torch.optim.AdamW)
    found = samegrad.lockstep(a, b, x, np.eye(4)[y], criterion="CrossEntropyLoss", optimizer=kinds)
    assert not found.ok
    assert "weight decay 0.01 in Sequential b alone" in repr(found)
    assert all(torch.equal(p, q) for p, q in zip(before, a.parameters(), strict=True))
    assert torch.get_default_dtype() == torch.float32
    assert next(a.parameters()).dtype == torch.float32


def test_a_model_without_examples_is_refused() -> None:
    from torch import nn

    with pytest.raises(samegrad.SettingError, match="got a model without examples"):
        samegrad.lockstep(nn.Linear(3, 2), nn.Linear(3, 2))


def test_a_file_without_criterion_and_optimizer_takes_them_by_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(HEAD + MODEL)

    def begun(named: Named) -> list[str]:
        process = InProcess(PortStepper.of(str(path)))
        return comparison.begin([process], [str(path)], Given(None, TrainingSpec(), named))[0].about.found

    assert begun(Named("cross_entropy", "adamw", 0.01))[1:] == ["CrossEntropyLoss()", "AdamW"]
    with pytest.raises(PortError, match="or --criterion"):
        begun(Named())
    with pytest.raises(PortError, match=r"expected one of torch\.nn"):
        begun(Named("CrossEntropie"))
    with pytest.raises(PortError, match=r"expected one of torch\.optim"):
        begun(Named("mse", "Adams"))
