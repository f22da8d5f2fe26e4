"""The loop of a file as a step: what it is given, what is left out of it, and what that costs."""

import ast
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.torch_module import TorchPort
from tests.ports.here import CROSS, HEAD, MODEL, SGD, compare, parted, said

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


SMOOTHED = "loss = F.cross_entropy(model(xb), yb, label_smoothing=0.1)"
PLAIN = HEAD + MODEL + SGD + DATA + LOOPS["slices"] + BODY.replace("loss = criterion(model(xb), yb)", SMOOTHED)
LOGITS = (
    "logits = model(xb)\n        loss = F.cross_entropy(logits, yb)\n        if SMOOTH:\n"
    "            loss = F.cross_entropy(logits, yb, label_smoothing=SMOOTH)"
)
UNDER = {
    "logits": PLAIN.replace(SMOOTHED, LOGITS),
    "logits and a print": PLAIN.replace(SMOOTHED, LOGITS + "\n            print(float(loss))"),
    "a schedule": PLAIN.replace("optimizer.step()", "optimizer.step()\n        if k >= 0:\n"
                                "            for g in optimizer.param_groups:\n                g['lr'] *= 1.0\n"
                                "            print(g)"),
    "what only shows": PLAIN.replace("optimizer.step()", "optimizer.step()\n        if k % 100 == 0:\n"
                                     "            model.eval()\n            with torch.no_grad():\n"
                                     "                out = model(torch.load('test.pt'))\n"
                                     "            model.train()\n            losses.append(out)\n"
                                     "            best = max(best, out)\n            print(k, best)"),
    "a sum that is shown": PLAIN.replace("optimizer.step()", "optimizer.step()\n        total += loss.item()\n"
                                         "        if k % 100 == 99:\n            print(total)\n            total = 0.0"
                                         ).replace("for epoch", "total = 0.0\nfor epoch"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNDER)
def test_what_stands_under_a_condition_is_part_of_a_step_unless_it_only_shows(name: str, tmp_path: Path) -> None:
    text = "SMOOTH = 0.1\n" + UNDER[name]
    assert text != PLAIN
    found = compare(tmp_path, PLAIN, text, steps=4)
    assert found.ok, said(found)
    assert all(side.loss and side.loss.name == "cross-entropy with label smoothing 0.1" for side in found.sides)


def test_a_rate_that_is_set_beside_a_print_is_part_of_a_step(tmp_path: Path) -> None:
    rate = (
        "if k >= 0:\n            for g in optimizer.param_groups:\n                g['lr'] *= 0.9\n            print(g)"
    )
    found = compare(tmp_path, PLAIN, PLAIN.replace("optimizer.step()", "optimizer.step()\n        " + rate), steps=6)
    assert "rate 0.1 times 0.9 after each step" in said(found)


KEYWORDS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 6), nn.Linear(6, 4)

    def forward(self, signal, train=False):
        h = F.dropout(input=torch.tanh(self.a(input=signal)), p=0.5, training=train)
        return self.b(input=h)


model = Net()
"""


def test_a_model_and_its_layers_may_be_called_by_keyword(tmp_path: Path) -> None:
    net = HEAD + KEYWORDS + CROSS + SGD + DATA + LOOPS["slices"] + BODY
    by_keyword = "criterion(target=labels, input=model(train=True, signal=pictures))"
    other = net.replace("criterion(model(xb), yb)", by_keyword).replace("xb", "pictures").replace("yb", "labels")
    assert "model(xb)" not in other
    found = compare(tmp_path, PLAIN.replace(SMOOTHED, "loss = F.cross_entropy(model(xb), yb)"), other, steps=4)
    assert not parted(found), said(found)
    assert said(found) == "the two differ: dropout none in a, 0.5 in b"
    assert found.rows[1].note == "z1 a1 z2"
