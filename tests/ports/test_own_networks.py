"""A class `Network` of the earlier contract, and functions: beside the reference, with what their training does."""

from pathlib import Path
from types import SimpleNamespace

import pytest

import samegrad
from shared.api import models
from shared.spec import NetworkSpec
from tests.ports.here import HEAD, compare, parted, said
from tests.ports.test_command import EARLIER

CHANGES = {
    "": ("", ""),
    "does not use the given weights: W1, b1, W2, b2": ("linear.weight.copy_(torch.from_numpy(W))\n", "continue\n"),
    "leaves the smaller last batch out (drop_last)": ("i = order[start : start + size]\n",
        "i = order[start : start + size]\n            if len(i) < size:\n                break\n"),
    "takes the examples in an order of its own (shuffle)": ("        for start in",
        "        import numpy\n        order = numpy.random.permutation(order)\n        for start in"),
}  # fmt: skip


@pytest.mark.exhaustive_unless(fits=lambda words: "drop_last" in words)
@pytest.mark.parametrize("words", CHANGES)
def test_what_a_class_does_with_weights_and_order_is_told(tmp_path: Path, words: str) -> None:
    (tmp_path / "mine.py").write_text(EARLIER.replace(*CHANGES[words]) if words else EARLIER)
    found = samegrad.lockstep(str(tmp_path / "mine.py"), steps=6, learning_rate=0.5, timing=False, dataset="digits")
    assert found.ok == (not words), repr(found)
    assert words.replace(" ", "") in repr(found).replace(" ", "").replace("\n", "")


FUNCTIONS = (
    HEAD.replace("import torch", "import numpy as np\n# import torch").partition("# import")[0]
    + """
SIZES, ACTIVATION, LOSS = (64, 12, 10), "relu", "cross_entropy"


def forward(parameters, x):
    (W1, b1), (W2, b2) = parameters
    z = np.maximum(x @ W1.T + b1, 0) @ W2.T + b2
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def gradients(parameters, x, y):
    (W1, b1), (W2, b2) = parameters
    h = np.maximum(x @ W1.T + b1, 0)
    d2 = (forward(parameters, x) - np.eye(10)[y]) / len(x)
    d1 = (d2 @ W2) * (h > 0)
    return [(d1.T @ x, d1.sum(0)), (d2.T @ h, d2.sum(0))]
"""
)


@pytest.mark.parametrize("is_right", [True, False])
def test_a_bias_gradient_summed_over_everything_is_told(tmp_path: Path, is_right: bool) -> None:
    text = FUNCTIONS if is_right else FUNCTIONS.replace("d1.sum(0)", "np.sum(d1) + 0 * b1")
    (tmp_path / "mine.py").write_text(text)
    found = samegrad.lockstep(str(tmp_path / "mine.py"), dataset="digits")
    assert found.ok == is_right, repr(found)
    assert ("the gradient of b1 is one number for all units" in repr(found)) != is_right


SHIFTED = """
from impls import numpy_scratch

SIZES = (8, 5, 4)


class Network(numpy_scratch.Network):
    def load(self, x, y):
        super().load({x}, {y})
"""


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        ("x", "(y + 1) % 4", "labels that are shifted by one: each image has the next class"),
        ("x / 255", "y", "pixels that are divided by 255 before"),
        ("x", "y[::-1]", "labels in the opposite order of the images"),
    ],
)
def test_other_data_in_training_than_those_given_are_told(tmp_path: Path, x: str, y: str, words: str) -> None:
    spec = NetworkSpec.dense((8, 5, 4), "sigmoid", "quadratic")
    found = compare(tmp_path, SHIFTED.format(x=x, y=y), SHIFTED.format(x="x", y="y"), spec=spec)
    assert f"a: its training uses {words}" in said(found)
    assert "b: its training uses" not in said(found)
    assert parted(found) == ["update"]


@pytest.mark.parametrize(
    ("wrong", "answer", "asked"),
    [((), False, ["a"]), (("a",), False, ["a", "b"]), (("a", "b"), True, ["a", "b"])],
)
def test_the_first_file_alone_says_that_it_is_the_network_that_is_specified(
    wrong: tuple[str, ...], answer: bool, asked: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = list[str]()

    def agree(*names: str) -> SimpleNamespace:
        started.extend(Path(name).stem for name in names)
        verdicts = ((Path(name).stem, "not rounding" if Path(name).stem in wrong else "ok") for name in names)
        return SimpleNamespace(
            entries=[SimpleNamespace(implementation=name, error=0.5, verdict=verdict) for name, verdict in verdicts]
        )

    monkeypatch.setattr(models, "agree", agree)
    files = [tmp_path / f"{name}.py" for name in "ab"]
    for file in files:
        file.write_text("from impls.numpy_scratch import Network\n\n\nclass Network(Network):\n    pass\n")
    assert models.are_models([str(file) for file in files]) == answer
    assert started == asked
