"""Models that are there already, compared with each other; and names for what a file does not have."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samegrad
from shared.adapters.port import Named, PortError
from shared.ports import comparison
from shared.ports.stepper import Given, InProcess, PortStepper
from shared.spec import TrainingSpec
from tests.ports.here import HEAD, MODEL, let_jax_be_imported


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


def test_targets_of_several_outputs_stay_as_they_are_unless_they_are_one_hot() -> None:
    from torch import nn

    rng = np.random.default_rng(1)
    x, y = rng.random((60, 8), np.float32), np.full((60, 3), 5.0)
    a, b = (nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 3)) for _ in range(2))
    found = samegrad.lockstep(a, b, x, y, criterion="MSELoss", optimizer="SGD", steps=3)
    assert found.ok
    assert isinstance(found, samegrad.Ported)
    for side in found.found.sides:
        assert np.isclose(side.walk[0].loss, ((side.walk[0].outputs - 5) ** 2).mean())
    one_hot = samegrad.lockstep(a, b, x, np.eye(3)[np.arange(60) % 3], criterion="CrossEntropyLoss", steps=3)
    assert one_hot.ok


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.zeros(50), r"y: got 50 targets for 60 examples, expected one for each"),
        (np.full((60, 2), 0.5), r"y: got targets of shape \(60, 2\), expected \(60, 4\) for 4 outputs, or \(60,\)"),
        (np.arange(60), r"y: got labels from 0 to 59, expected 0 to 3 for 4 outputs"),
    ],
)
def test_targets_that_do_not_fit_are_refused(y: Any, words: str) -> None:
    from torch import nn

    with pytest.raises(samegrad.SettingError, match=words):
        samegrad.lockstep(nn.Linear(8, 4), nn.Linear(8, 4), np.ones((60, 8)), y, criterion="CrossEntropyLoss")


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


@pytest.mark.exhaustive
def test_modules_of_flax_and_equinox_are_compared_with_one_of_torch_and_stay_as_they_are() -> None:
    let_jax_be_imported()
    jax, optax, linen, nnx, eqx = map(pytest.importorskip, ("jax", "optax", "flax.linen", "flax.nnx", "equinox"))
    import torch
    from torch import nn

    class Net(nnx.Module):  # type: ignore[misc, name-defined]
        def __init__(self, rngs: object) -> None:
            self.second = nnx.Linear(8, 6, rngs=rngs)
            self.first = nnx.Linear(6, 4, rngs=rngs)

        def __call__(self, x: object) -> object:
            return self.first(jax.numpy.tanh(self.second(x)))

    rng = np.random.default_rng(1)
    x, y = rng.random((60, 8), np.float32), rng.integers(0, 4, 60)
    theirs = nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 4))
    net = Net(nnx.Rngs(0))
    before = np.array(net.second.kernel[...])
    models = (
        linen.Sequential([linen.Dense(6), linen.tanh, linen.Dense(4)]),
        net,
        eqx.nn.MLP(8, 4, 6, 1, activation=jax.numpy.tanh, key=jax.random.key(0)),
    )
    for model in models:
        optimizers = (optax.adam(1e-3), torch.optim.Adam)
        found = samegrad.lockstep(model, theirs, x, y, criterion="CrossEntropyLoss", optimizer=optimizers, steps=4)
        assert found.ok, repr(found)
    kinds = ("adamw", "Adam")
    found = samegrad.lockstep(models[2], theirs, x, y, criterion="CrossEntropyLoss", optimizer=kinds, steps=4)
    assert "weight decay 0.0001 in MLP a alone" in repr(found)
    assert np.array_equal(before, net.second.kernel[...])
    assert jax.numpy.ones(1).dtype == np.float32


LIVE_KERAS = """
import sys
sys.modules["jax"] = None
import keras, numpy as np, torch
from torch import nn
import samegrad

rng = np.random.default_rng(1)
x, y = rng.random((60, 8), np.float32), rng.integers(0, 4, 60)
a = keras.Sequential([keras.Input((8,)), keras.layers.Dense(6, activation="tanh"), keras.layers.Dense(4)])
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
a.compile(optimizer=keras.optimizers.SGD(0.1), loss=loss)
b = nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 4))
before = [w.copy() for w in a.get_weights()]
sgd = lambda parameters: torch.optim.SGD(parameters, lr=0.1)
found = samegrad.lockstep(a, b, x, y, criterion=nn.CrossEntropyLoss(), optimizer=sgd, steps=6)
assert found.ok, repr(found)
a.compile(optimizer=keras.optimizers.Adam(0.001), loss=loss)
found = samegrad.lockstep(a, b, x, y, criterion=nn.CrossEntropyLoss(), optimizer=torch.optim.Adam, steps=6)
print(found)
assert all(np.array_equal(v, w) for v, w in zip(before, a.get_weights()))
"""


@pytest.mark.exhaustive
def test_a_live_model_of_keras_is_compared_with_one_of_torch_and_stays_as_it_is() -> None:
    """In a process of its own: a process with TensorFlow cannot import JAX."""
    done = subprocess.run([sys.executable, "-c", LIVE_KERAS], capture_output=True, text=True, timeout=400, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    said = " ".join(done.stdout.split())
    assert "Sequential b: update: Adam, epsilon 1e-08 beside the corrected root" in said.replace(
        "sequential", "Sequential"
    )
    assert "outputs same" in said
