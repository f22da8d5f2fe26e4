"""One image's way through the network: what a run keeps of it, and what the page shows."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impls.numpy_scratch import Network as Reference
from shared import initial
from shared.data import digits
from shared.initial import cast
from shared.measure import one_image
from shared.report.page import page, steps
from tests.measure.test_feature_maps import TRAINING, config, saved
from tests.report.records import record

NETWORK = "784-30tanh-20relu_nobias-10, cross_entropy"


@pytest.fixture
def kept(tmp_path: Path) -> Any:
    of = config(NETWORK)
    return one_image.collect(of, digits.load(), saved(of, tmp_path))


def test_every_quantity_is_what_the_reference_computes(kept: Any) -> None:
    assert json.loads(json.dumps(kept)) == kept
    of, dataset = config(NETWORK), digits.load()
    learnt = cast(initial.draw_parameters(of.spec, of.training), "float64")
    x, y = dataset.test.first(1).arrays("float64")
    network = Reference(of.spec, replace(TRAINING, dtype="float64"), learnt)
    traced = network.trace(x, y)
    cost, gradients = network.loss_and_gradients(x, y)
    parts = {part["quantity"]: part for part in kept["steps"]}
    assert " ".join(parts) == "a0 z1 a1 z2 a2 z3 a3 C d3 dW3 db3 d2 dW2 d1 dW1 db1 C after"
    for name, exact in traced.items():
        assert np.allclose(parts[name]["values"], exact[0], rtol=1e-5)
    assert parts["C"]["values"][0] == pytest.approx(cost, rel=1e-5)
    for name, exact in gradients.items():
        assert (parts[f"d{name}"]["smallest"], parts[f"d{name}"]["largest"]) == (exact.min(), exact.max())
    theta = {name: tensor - TRAINING.learning_rate * gradients[name] for name, tensor in learnt.items()}
    network.reset(theta)
    assert parts["C after"]["values"][0] == pytest.approx(network.loss_and_gradients(x, y)[0], rel=1e-5)


def test_nothing_is_kept_of_what_cannot_be_shown(tmp_path: Path) -> None:
    for network in ("28x28-conv2-pool-10", "784-129-10", "784-9-9-9-9-9-10"):
        of = config(network)
        assert one_image.collect(of, digits.load(), saved(of, tmp_path)) is None
    of = config(NETWORK)
    assert one_image.collect(of, digits.load(), tmp_path / "none") is None


def test_the_page_shows_each_step_with_its_equation(kept: Any) -> None:
    of = record()
    of["network"]["title"] = NETWORK
    assert steps.of(of) is None
    of["gallery"] = {"steps": kept}
    found = steps.of(of)
    assert found
    shown = {re.sub("<.*?>", "", step.name): step for step in found.steps}
    assert list(shown)[:3] == ["a0", "z1", "a1"]
    assert shown["z1"].formula == "z<sub>1</sub> = a<sub>0</sub> W<sub>1</sub><sup>T</sup> + b<sub>1</sub>"
    assert shown["a2"].formula == "a<sub>2</sub> = relu(z<sub>2</sub>)"
    assert shown["δ3"].formula == "δ<sub>3</sub> = (a<sub>3</sub> \N{MINUS SIGN} y)"
    assert "relu\N{PRIME}(z<sub>2</sub>)" in shown["δ2"].formula
    assert [shown[name].equation for name in ("z1", "a1", "C", "δ3", "δ2", "∂C/∂W1", "∂C/∂b1")] == [
        "(1)", "(2)", "(3)", "(4)", "(5)", "(6)", "(7)",
    ]  # fmt: skip
    assert shown["z1"].picture.count("<rect") == 30
    assert shown["a3"].picture.count("<text") == 10
    assert "data:image/png" in shown["∂C/∂W1"].picture


def test_a_run_without_it_has_a_page_without_it() -> None:
    written, _ = page.report(record())
    assert 'id="steps"' not in written
