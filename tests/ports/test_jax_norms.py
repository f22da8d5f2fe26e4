"""Batch normalisation in JAX: its numbers as PyTorch has them, its state from step to step, and what goes wrong."""

from pathlib import Path

import numpy as np
import pytest

from shared.adapters.jax_model import JaxPort
from shared.adapters.port import Named, PortError
from shared.adapters.trainers import _JaxTrainer
from shared.interface import Parameters
from tests.ports.here import parted, said
from tests.ports.test_jax_ports import FILES, _own_settings, compare, compared

__all__ = ["_own_settings"]
pytestmark = pytest.mark.xdist_group("jax")
SHAPES = {"W1": (12, 20), "b1": (12,), "gamma2": (12,), "beta2": (12,), "W3": (10, 12), "b3": (10,)}


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["linen_bn", "nnx_bn", "equinox_bn"])
def test_a_right_port_with_batch_norm_is_never_accused(name: str) -> None:
    found = compare(name, "torch_bn", steps=4)
    assert found.ok, said(found)
    rows = {row.what: row.difference for row in found.rows}  # the bias before a norm has a gradient of 0 and rounding
    assert max(rows["outputs"], rows["loss"]) < 1e-10
    modes = [{mode: n for mode, n in side.about.modes.items() if "norm" in mode} for side in found.sides]
    assert modes[0] == modes[1] == {"batch norm epsilon": [1e-5], "batch norm momentum": [0.1]}
    assert f"divided by n - 1 in torch_bn, by n in {name}" in said(found)
    assert "the two differ" not in said(found)


WRONG = {
    "at rest": ("linen_pop", {"training: bool = True": "training: bool = False"},
                "evaluation mode of batch norm in training (1: on) 1 in linen_pop, none in torch_bn"),
    "running averages": ("equinox_bn", {'mode="batch"': 'mode="ema"'}, 'mode "ema" (1: on) 1 in equinox_bn'),
}  # fmt: skip


@pytest.mark.exhaustive
@pytest.mark.parametrize("cause", WRONG)
def test_a_wrong_batch_norm_is_told_by_its_cause(cause: str, tmp_path: Path) -> None:
    name, changes, words = WRONG[cause]
    found = compared(tmp_path, name, changes, "torch_bn", steps=3)
    assert words in said(found)
    assert parted(found)[0] == "outputs"


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", ["linen_bn", "nnx_bn", "equinox_bn"])
def test_predictions_take_the_running_statistics_of_training(name: str) -> None:
    """After many steps on one batch, they are those of the batch: without them predictions would be far off."""
    rng = np.random.default_rng(3)
    x, y = 5 + 3 * rng.random((8, 20)), rng.integers(0, 10, 8).astype(float)
    start: Parameters = {k: rng.normal(size=shape) for k, shape in SHAPES.items()}
    mine = _JaxTrainer(FILES / f"{name}.py", x, y, start, Named())
    mine.give(start, 8)
    before = mine.predict(x)
    for _ in range(100):
        mine.train(np.arange(8), 8)
    after = mine.predict(x)
    assert before.argmax(1).tolist() != y.tolist()
    assert after.argmax(1).tolist() == y.tolist()
    np.testing.assert_allclose(mine.predict(x[:1]), after[:1], rtol=1e-4, atol=1e-4)  # not by the batch's own


@pytest.mark.exhaustive
def test_a_module_that_takes_a_state_and_has_none_is_refused(tmp_path: Path) -> None:
    text = (FILES / "equinox_bn.py").read_text()
    path = tmp_path / "stateless.py"
    path.write_text(text.replace("model, state = eqx.nn.make_with_state(Net)(", "model = Net("))
    with pytest.raises(PortError, match="takes a state, and there is none beside it; expected model, state"):
        JaxPort(path)
