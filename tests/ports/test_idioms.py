"""Idioms of strangers' files: batches that a step gets by itself, frozen layers, clipping, class weights, dropout."""

from pathlib import Path

import numpy as np
import pytest

from shared.adapters.torch_module import TorchPort
from tests.ports.here import CROSS, HEAD, MODEL, SGD, compare, parted, said

STEP = """
    loss = criterion(model(xb), yb)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
LOOP = "for xb, yb in batches:" + STEP
DATA = """
X = torch.rand(90, 8)
Y = torch.arange(90) % 4
"""
PICKS = """
def get_batch(split):
    rows = torch.randint(len(X), (16,))
    return X[rows], Y[rows]


for step in range(1000):
    xb, yb = get_batch("train")
"""
NEXT = """
batches = iter(zip(X.split(16), Y.split(16)))
for step in range(1000):
    try:
        xb, yb = next(batches)
    except StopIteration:
        batches = iter(zip(X.split(16), Y.split(16)))
        xb, yb = next(batches)
"""
ENDLESS = """
def endless(x, y):
    while True:
        for rows in torch.randperm(len(x)).split(16):
            yield x[rows], y[rows]


batches = endless(X, Y)
for step, (xb, yb) in zip(range(1000), batches):
"""


@pytest.mark.parametrize("loop", [PICKS, NEXT, ENDLESS], ids=["picks", "next", "endless"])
def test_a_step_that_gets_its_batch_by_itself_takes_the_one_that_is_given(tmp_path: Path, loop: str) -> None:
    found = compare(tmp_path, MODEL + CROSS + SGD + DATA + loop.rstrip() + STEP, MODEL + CROSS + SGD, steps=4)
    assert "the loop in line" in " ".join(found.sides[0].about.found)
    assert found.ok, said(found)


def test_nothing_is_written_while_what_precedes_a_loop_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    trained = "def train(batches):\n    for xb, yb in batches:" + STEP.replace("\n    ", "\n        ")
    main = "\n\ndef main():\n    train([])\n    torch.save(model.state_dict(), 'model.pt')\n\n\nmain()\n"
    (tmp_path / "a.py").write_text(HEAD + MODEL + CROSS + SGD + trained + main)
    assert TorchPort(tmp_path / "a.py").loop is not None
    assert not (tmp_path / "model.pt").exists()


FREEZES = """
def freeze(net):
    for p in net[0].parameters():
        p.requires_grad_(False)


freeze(model)
"""


@pytest.mark.parametrize("how", ["for p in model[0].parameters():\n    p.requires_grad = False\n", FREEZES])
def test_frozen_layers_stay_as_they_are(tmp_path: Path, how: str) -> None:
    listed = SGD.replace("model.parameters()", "model[2].parameters()")
    found = compare(tmp_path, MODEL + how + CROSS + SGD, MODEL + how + CROSS + listed, steps=4)
    assert found.ok, said(found)
    assert all("its optimizer updates 2 of 4 tensors" in side.about.notes for side in found.sides)
    assert "gradients" in parted(compare(tmp_path, MODEL + how + CROSS + SGD, MODEL + CROSS + SGD, steps=4))


def test_clipping_is_named_where_the_two_clip_otherwise(tmp_path: Path) -> None:
    clipped = LOOP.replace("backward()", "backward()\n    nn.utils.clip_grad_norm_(model.parameters(), 0.1)")
    found = compare(tmp_path, MODEL + CROSS + SGD + clipped, MODEL + CROSS + SGD, steps=4)
    assert parted(found) == ["update"]
    assert "clipped gradients: in a their norm becomes 0.1 and in b they are not clipped" in said(found)


CALLS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(8, 6), nn.Linear(6, 4)
"""


def test_dropout_and_momentum_that_no_step_shows_are_a_difference(tmp_path: Path) -> None:
    called = "def forward(self, x):\n        return self.b(F.dropout(F.dropout(torch.tanh(self.a(x)), 0.2), 0.2))"
    net = f"{CALLS}\n    {called}\n\n\nmodel = Net()\n"
    layers = MODEL.replace("nn.Tanh()", "nn.Tanh(), nn.Dropout(0.2), nn.Dropout(0.2)")
    found = compare(tmp_path, layers + CROSS + SGD, net + CROSS + SGD, steps=4)
    assert found.ok, said(found)
    found = compare(tmp_path, layers.replace("0.2", "0.5") + CROSS + SGD, net + CROSS + SGD, steps=4)
    assert not parted(found)
    assert not found.ok
    assert "dropout 0.5 (2 times) in a, 0.2 (2 times) in b" in said(found)
    normed = [MODEL.replace("nn.Tanh()", f"nn.BatchNorm1d(6, momentum={m}), nn.Tanh()") for m in (0.1, 0.9)]
    found = compare(tmp_path, *(each + CROSS + SGD for each in normed), steps=4)
    assert not found.ok
    assert said(found) == "the two differ: batch norm momentum 0.1 in a, 0.9 in b"
    gradients = next(row for row in found.rows if row.what == "gradients")
    assert gradients.note == "b1: rounding alone"
    assert gradients.difference < 1e-10


TRAINER = """
class Trainer:
    def __init__(self, rate=0.1):
        self.model = nn.Sequential(nn.Linear(8, 6), nn.Tanh(), nn.Linear(6, 4))
        self.criterion = nn.CrossEntropyLoss(label_smoothing=0.2)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=rate, momentum=0.5)

    def run(self, batches):
        for x, y in batches:
            self.optimizer.zero_grad()
            self.criterion(self.model(x), y).backward()
            self.optimizer.step()


if __name__ == "__main__":
    MADE
"""


@pytest.mark.parametrize("made", ["Trainer().run([])", "trainer = Trainer(0.2)\n    trainer.run([])"])
def test_a_model_that_an_object_holds_is_taken_with_its_loss_and_optimizer(tmp_path: Path, made: str) -> None:
    found = compare(tmp_path, TRAINER.replace("MADE", made), MODEL + CROSS + SGD, steps=4)
    text = said(found)
    assert "its training loop is in a class" in found.sides[0].about.notes[0]
    assert "a: loss: cross-entropy with label smoothing 0.2" in text
    assert f"a: update: momentum, mu 0.5, rate 0.{2 if '0.2' in made else 1}" in text


def test_biases_without_weight_decay_have_a_rule_of_their_own(tmp_path: Path) -> None:
    groups = ("weights, biases = ([p for p in model.parameters() if (p.ndim > 1) == each] for each in (True, False))\n"
              "optimizer = torch.optim.SGD([{'params': weights, 'weight_decay': 0.1},\n"
              "                             {'params': biases, 'weight_decay': 0.0}], lr=0.1)\n")  # fmt: skip
    decayed = SGD.replace("lr=0.1", "lr=0.1, weight_decay=0.1")
    text = said(compare(tmp_path, MODEL + CROSS + groups, MODEL + CROSS + decayed, steps=6))
    assert "a: update of the weights: gradient descent, weight decay 0.1" in text
    assert "a: update of the biases: gradient descent, rate 0.1" in text
    assert "the two differ in the update of the biases: weight decay 0.1 in b alone" in text
    assert text.count("the two differ") == 1


IMAGES = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3, padding=1)
        self.a, self.b = nn.Linear(3 * 4 * 4, 6), nn.Linear(6, 4)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.conv(x)), 2)
        x = x.permute(0, 2, 3, 1).reshape(len(x), -1)
        return self.b(torch.tanh(self.a(x)))


model = Net()
X = torch.rand(90, 1, 8, 8)
Y = torch.arange(90) % 4
for k in range(0, 90, 10):
    xb, yb = X[k : k + 10], Y[k : k + 10]
"""
LAST = HEAD + IMAGES.replace("for k", CROSS + SGD + "for k") + STEP


def test_images_that_are_flattened_with_the_channels_last_are_told_beside_another_module(tmp_path: Path) -> None:
    first = LAST.replace(".permute(0, 2, 3, 1)", "")
    assert parted(compare(tmp_path, first, LAST, steps=3))[0] == "outputs"
    assert compare(tmp_path, LAST, LAST.replace("x.permute(0, 2, 3, 1)", "torch.movedim(x, 1, -1)"), steps=3).ok


def test_images_that_are_flattened_with_the_channels_last_are_mapped_for_another_framework(tmp_path: Path) -> None:
    for name, text in {"first": LAST.replace(".permute(0, 2, 3, 1)", ""), "last": LAST}.items():
        (tmp_path / f"{name}.py").write_text(text)
    first, last = (TorchPort(tmp_path / f"{name}.py") for name in ("first", "last"))
    assert first.flattened == {}
    assert last.flattened == {"W2": (4, 4, 3)}
    last.map_flattened()
    start = first.parameters()
    rng = np.random.default_rng(1)
    x, y = rng.random((10, 64)), np.arange(10.0) % 4
    last.afresh()
    assert all(np.array_equal(last.own[name], last.parameters()[name]) for name in start)
    for port in (first, last):
        port.give(start)
    one, two = (port.step(x, y) for port in (first, last))
    for a, b in ((one.gradients, two.gradients), (one.after, two.after), (first.layers(x), last.layers(x))):
        assert all(np.allclose(a[name], b[name], rtol=1e-12, atol=1e-14) for name in {**a, **b})
