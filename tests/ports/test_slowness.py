"""Why a file is slow: what is attributed to its lines, what is counted, and the words for it; no time is judged."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.adapters.torch_module import TorchPort
from shared.adapters.trainers import trainer
from shared.measure import stacks
from shared.measure.stacks import Spent
from shared.ports import comparison, slowness
from shared.ports.counts import operations
from shared.ports.sides import Side
from shared.ports.stepper import Given, InProcess, PortStepper
from shared.ports.timed import time_sides
from shared.ports.timing import Timing
from shared.spec import NetworkSpec, TrainingSpec
from tests.ports.here import CROSS, HEAD, MODEL, SGD


@pytest.fixture(autouse=True)
def process_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let this process be that of a file, which has not loaded what other tests have."""
    for name in ("flax", "equinox", "jax"):
        monkeypatch.delitem(sys.modules, name, raising=False)


FAST = Timing(
    framework="torch", batch=10, first=1e-3, step=1e-3, larger=8e-3, operations=40.0, compiled=True, traces=0.0,
    shares=[Spent("", 7, "loss.backward()", 0.05)], one_by_one=False, threads={}, asked=1, by_threads={}, busy=1.0,
    image=1e-4, images=1e-6, many=1000, singly=False, where=[],
)  # fmt: skip
LOADED = [Spent(stacks.LOADER, 9, "for x, y in loader:", 0.45), Spent("", 12, "x = x.numpy()", 0.3)]
RETRACED = [Spent(stacks.TRACING, 5, "step(x, k)", 0.9)]
PREDICTED = [Spent(stacks.PREDICT, 33, "model.predict(x[k:k + 1])", 0.9)]
WORDS: dict[str, dict[str, Any]] = {
    "45% in the DataLoader (line 9): it makes and collates one tensor an image; index the tensor": {"shares": LOADED},
    "30% in line 12: x = x.numpy()": {"shares": LOADED},
    "not compiled: 40 dispatches a step": {"compiled": False},
    "eager: 68 operations a step": {"framework": "tensorflow", "operations": 68.0},
    "eager: 60% of the time": {"framework": "jax", "shares": [Spent(stacks.EAGER, 3, "a @ w", 0.6)]},
    "retraced at every call: 1 a step, 90% of the time (line 5)": {"shares": RETRACED, "traces": 1.0},
    "batch of 1: calls, not arithmetic: 10 times the examples": {"batch": 1, "larger": 1.2e-3},
    "calls, not arithmetic: 10 times the examples in a step take 1.2 times as long": {"larger": 1.2e-3},
    "calls, not arithmetic: 10 times the examples in a step take no longer": {"larger": 1.01e-3},
    "one example at a time": {"one_by_one": True},
    "threads: asked for 1, ran 2 (openmp); a step takes 1 ms with 1 and 2.5 ms with 2": {
        "threads": {"openmp": 2}, "by_threads": {1: 1e-3, 2: 2.5e-3}},
    "threads: asked for 1, used 1.9 CPU seconds per second": {"busy": 1.9},
    "`model.predict` once an image (line 33): 45 ms for each of 20": {
        "singly": True, "image": 0.045, "images": 0.045, "many": 20, "where": PREDICTED},
    "`model.predict` (line 33): 45 ms for one image, 4,500 times an image in a batch": {
        "image": 0.045, "images": 1e-5, "where": PREDICTED},
    "outputs one image at a time": {"singly": True, "where": [Spent("", 4, "for row in x:", 1.0)]},
    "the first step takes 900 ms, 900 times a later one": {"first": 0.9},
}  # fmt: skip


@pytest.mark.parametrize("words", WORDS)
def test_each_reason_has_its_words_and_a_fast_model_none(words: str) -> None:
    assert words in "\n".join(slowness.reasons(FAST._replace(**WORDS[words])))
    assert slowness.reasons(FAST) == []


def test_another_that_does_it_faster_is_named_with_its_factor() -> None:
    slow = FAST._replace(step=4e-3, images=4e-3, image=4e-3)
    (line,) = slowness.beside("mine", slow, "pytorch", FAST)
    assert (
        line == "mine beside pytorch: a step takes 4 times as long, one image 40 times, an image among many 4e+03 times"
    )
    assert slowness.beside("mine", FAST, "pytorch", slow) == []


def timed(folder: Path, text: str, name: str = "mine.py", spec: NetworkSpec | None = None) -> Timing:
    """Time a file in the process of the tests."""
    path = folder / name
    path.write_text(text)
    process = InProcess(PortStepper.of(str(path)))
    sides: list[Side] = comparison.begin([process], [str(path)], Given(spec, TrainingSpec()))
    time_sides(sides, [process], 10, 1)
    assert sides[0].timing is not None
    return sides[0].timing


LOOP = """
class Digits(torch.utils.data.Dataset):
    def __len__(self):
        return 60

    def __getitem__(self, k):
        return torch.rand(8), k % 4


loader = torch.utils.data.DataLoader(Digits(), batch_size=5)
for xb, yb in loader:
    optimizer.zero_grad()
    loss = criterion(model(xb), yb)
    loss.backward()
    optimizer.step()
"""


def test_the_loader_of_a_file_is_seen_by_its_line_and_dispatches_are_counted(tmp_path: Path) -> None:
    text = HEAD + MODEL + CROSS + SGD + LOOP
    found = timed(tmp_path, text)
    assert found.batch == 5
    assert found.framework == "torch"
    assert not found.compiled
    assert found.operations is not None
    assert found.operations > 10
    (spent,) = [each for each in found.shares if each.part == stacks.LOADER]
    assert text.splitlines()[spent.line - 1] == "for xb, yb in loader:" == spent.text
    assert not found.one_by_one
    assert not found.singly


def test_steps_of_a_loader_with_large_batches_are_counted_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So many examples as ten of its batches have are not drawn elsewhere."""
    monkeypatch.setattr("shared.ports.timing.SECONDS", 0.01)
    text = HEAD + MODEL + CROSS + SGD + LOOP.replace("60", "2_600")
    path = tmp_path / "few.py"
    few = {}
    for n in (5, 10):
        path.write_text(text.replace("batch_size=5", f"batch_size={n}"))
        port = TorchPort(path)
        mine = trainer(port, np.zeros((4, 8)), np.zeros(4), port.own)
        few[n] = operations(lambda steps, n=n, mine=mine: mine.train(np.arange(steps * n), n)) or 0  # type: ignore[misc]
    found = timed(tmp_path, text.replace("batch_size=5", "batch_size=256"))
    assert (found.batch, found.operations) == (256, few[5] + (256 - 5) * (few[10] - few[5]) / 5)


def test_batches_of_a_loader_are_timed_without_the_smaller_last_one(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(HEAD + MODEL + CROSS + SGD + LOOP.replace("5)", "48)") + "    sizes.append(len(xb))\nsizes = []\n")
    port = TorchPort(path)
    mine = trainer(port, np.zeros((4, 8)), np.zeros(4), port.own)
    mine.port.scope["sizes"].clear()
    mine.train(np.arange(3 * 48), 48)
    assert (mine.own_batch, mine.port.scope["sizes"]) == (48, [48] * 3)


ONE_BY_ONE = """
import numpy as np

SIZES, ACTIVATION, LOSS = (8, 4), "sigmoid", "quadratic"


def forward(parameters, x):
    (W, b), = parameters
    return np.array([1 / (1 + np.exp(-(W @ row + b))) for row in x])


def gradients(parameters, x, y):
    (W, b), = parameters
    dW, db = np.zeros_like(W), np.zeros_like(b)
    for row, label in zip(x, y):
        a = 1 / (1 + np.exp(-(W @ row + b)))
        d = (a - np.eye(4)[label]) * a * (1 - a)
        dW += np.outer(d, row) / len(x)
        db += d / len(x)
    return [(dW, db)]
"""


def test_a_loop_over_examples_is_told_in_steps_and_in_outputs(tmp_path: Path) -> None:
    found = timed(tmp_path, ONE_BY_ONE, spec=NetworkSpec.dense((8, 4), "sigmoid", "quadratic"))
    assert found.one_by_one
    assert found.singly
    assert found.framework in ("numpy", "torch")  # other tests may have loaded it


def test_time_goes_to_the_line_of_the_file_that_called_a_library() -> None:
    samples = stacks.Samples({"mine.py"})
    code: dict[str, Any] = {}
    exec(compile("def inner(note):\n    note()\n", "x/torch/utils/data/dataloader.py", "exec"), code)
    exec(compile("def outer(note):\n\n    inner(note)\n", "mine.py", "exec"), code)
    import sys

    code["outer"](lambda: samples.note(sys._getframe(), 2.0))
    (spent,) = samples.shares()
    assert (spent.part, spent.line, spent.share) == (stacks.LOADER, 3, 1.0)
    assert np.isclose(sum(samples.seconds.values()), 2.0)
