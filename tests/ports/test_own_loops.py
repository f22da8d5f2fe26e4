"""The loop of a file as a step: what it is given, what is left out of it, and what that costs."""

import ast
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.torch_module import TorchPort
from tests.ports.here import CROSS, HEAD, MODEL, SGD

BODY = """
        optimizer.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        optimizer.step()
"""
DATA = "x, y = torch.rand(60, 8), torch.arange(60) % 4\n"
LOOPS = {
    "slices": "for epoch in range(3):\n    for k in range(0, 60, 10):\n        xb, yb = x[k : k + 10], y[k : k + 10]",
    "an order": "for epoch in range(3):\n    order = torch.randperm(60)\n    for i in order.split(10):\n"
    "        xb, yb = x[i], y[i]",
    "numbered pairs": "for epoch in range(3):\n    for k, (xb, yb) in enumerate(zip(x.split(10), y.split(10))):",
    "tables": "batches = [{'image': x, 'label': y}]\nfor epoch in range(3):\n    for batch in batches:\n"
    "        xb, yb = batch['image'], batch['label']",
}


@pytest.mark.parametrize("name", LOOPS)
def test_a_step_of_a_loop_only_assigns(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is looked up in its text is looked up once: else a step of a small network is mostly that."""
    path = tmp_path / "mine.py"
    path.write_text(HEAD + MODEL + CROSS + SGD + DATA + LOOPS[name] + BODY)
    port = TorchPort(path)
    x, y = port.torch.rand(7, 8, dtype=port.torch.float64), port.torch.arange(7) % 4

    def read(*_: Any) -> Any:
        raise AssertionError("the file is read again in a step")

    before = port.parameters()["W1"]
    with monkeypatch.context() as patched:
        for function in ("walk", "unparse", "iter_child_nodes"):
            patched.setattr(ast, function, read)
        port.act(x, y)
    assert (port.parameters()["W1"] != before).any()
    assert (port.scope["xb"] == x).all()
    assert (port.scope["yb"] == y).all()
