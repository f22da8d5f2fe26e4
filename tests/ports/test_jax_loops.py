"""Training loops of JAX as strangers write them: scans over an epoch, slices of the data, optimizers within others."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.adapters.jax_model import JaxPort
from shared.adapters.port import PortError
from shared.adapters.trainers import trainer
from shared.ports.examples import draw
from tests.ports.here import parted, said
from tests.ports.test_jax_ports import FILES, _own_settings, compare, compared

__all__ = ["_own_settings"]
pytestmark = pytest.mark.xdist_group("jax")
RIGHT = {  # schedules of optax are computed in float32
    "linen_scan": "torch_small",
    "equinox_scan": "torch_small",
    "linen_fori": "torch_small",
    "linen_range": "torch_decay",
    "nnx_split": "torch_small",
}


@pytest.mark.exhaustive_unless(fits=lambda name: name == "linen_scan")
@pytest.mark.parametrize("name", RIGHT)
def test_a_right_port_is_never_accused(name: str) -> None:
    found = compare(name, RIGHT[name], steps=5)
    assert found.ok, said(found)
    assert max(row.difference for row in found.rows) < (1e-7 if name == "linen_range" else 1e-10)
    assert "the two differ" not in said(found)


@pytest.mark.exhaustive
def test_gradients_of_several_steps_in_one_update_are_told() -> None:
    found = compare("nnx_accumulate", "torch_small", steps=13)
    assert "MultiSteps of 4" in found.sides[0].about.found[2]
    assert parted(found) == ["update"]
    text = said(found)
    assert "Adam, epsilon 1e-08 beside the corrected root, rate 0.001, in one of 4 steps" in text
    assert "nnx_accumulate: its gradients are averaged over 4 steps before each update" in text
    assert "nnx_accumulate updates in one of 4 steps, torch_small in each step" in text
    assert "clipped" not in text


@pytest.mark.exhaustive
def test_a_scan_that_is_timed_takes_all_steps_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parameters are then those that the steps one by one give."""
    port = JaxPort(FILES / "linen_scan.py")
    rng = np.random.default_rng(3)
    x, y = rng.random((14, 20)), rng.integers(0, 10, 14).astype(float)
    start = draw(port.about(), rng)
    port.give(start)
    for k in range(0, 14, 4):
        port.step(x[k : k + 4], y[k : k + 4])
    expected = port.parameters()
    mine = trainer(port, x, y, start)
    calls: list[int] = []
    act = JaxPort.act

    def counted(port: JaxPort, *given: Any) -> None:
        calls.append(len(given[0]))
        act(port, *given)

    monkeypatch.setattr(JaxPort, "act", counted)
    mine.give(start, 4)
    calls.clear()
    mine.train(np.arange(14), 4)
    assert calls == [12, 2]
    found = {key: np.asarray(tensor) for key, tensor in mine.port.parameters().items()}
    for key, tensor in expected.items():
        np.testing.assert_allclose(found[key], tensor, rtol=1e-3, atol=1e-5)


@pytest.mark.exhaustive
def test_a_scan_over_examples_that_are_no_arguments_is_refused(tmp_path: Path) -> None:
    text = (FILES / "equinox_scan.py").read_text()
    path = tmp_path / "own.py"
    text = text.replace("opt_state, X, Y,", "opt_state,")
    own = "X, Y = load()\nX = jax.random.normal(jax.random.key(0), (7, 20))\n\n\n@partial"
    path.write_text(text.replace("@partial", own))
    with pytest.raises(PortError, match="takes other examples than those"):
        JaxPort(path)


@pytest.mark.exhaustive
def test_a_model_and_its_layers_may_be_called_by_keyword(tmp_path: Path) -> None:
    changes = {
        "def __call__(self, x)": "def __call__(self, images)",
        "self.fc2(jnp.tanh(self.fc1(x)))": "self.fc2(inputs=jnp.tanh(self.fc1(inputs=images)))",
        "model(x), y": "model(images=x), labels=y",
    }
    found = compared(tmp_path, "nnx_split", changes, "torch_small", steps=3)
    assert found.ok, said(found)
    assert found.rows[1].note == "z1 a1 z2"
