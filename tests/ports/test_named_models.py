"""One of several models of a file, by its name: mine.py:net."""

import json
from pathlib import Path

import pytest

import samegrad
from shared import implementations
from shared.adapters.port import PortError
from shared.implementations import file_and_model, label
from shared.ports import comparison
from shared.ports.sides import Comparison
from shared.ports.stepper import Given, InProcess, PortStepper
from shared.spec import TrainingSpec
from tests import command
from tests.ports.here import HEAD, said

SEVERAL = (
    HEAD
    + """
X, Y = torch.rand(600, 784), torch.randint(0, 10, (600,))


class Net(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10))

    def forward(self, x):
        return self.layers(x)


class Alone(nn.Module):
    def __init__(self, width=7):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(784, width), nn.ReLU(), nn.Linear(width, 10))

    def forward(self, x):
        return self.layers(x)


def build():
    return nn.Sequential(nn.Linear(784, 16), nn.Tanh(), nn.Linear(16, 10))


small, big = Net(10), Net(20)
built = build()


def train(model, rate, epochs=3):
    criterion = nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=rate)
    for epoch in range(epochs):
        for k in range(0, 600, 20):
            xb, yb = X[k : k + 20], Y[k : k + 20]
            optimizer.zero_grad()
            criterion(model(xb), yb).backward()
            optimizer.step()


train(small, 0.1)
train(big, rate=0.2)
"""
)
OTHER = "its loop trains another model: the usual step is taken"
NAMED = {
    "small": ([10, 784], 0.1, []),
    "big": ([20, 784], 0.2, []),
    "Net": ([10, 784], 0.1, []),  # the first that the file makes
    "Alone": ([7, 784], 0.1, [OTHER]),
    "build": ([16, 784], 0.1, [OTHER]),
    "built": ([16, 784], 0.1, [OTHER]),
}


def examined(path: Path, model: str) -> Comparison:
    name = f"{path}:{model}"
    process = InProcess(PortStepper.of(name))
    sides = comparison.begin([process], [name], Given(None, TrainingSpec()))
    return comparison.examine(sides, [process], 4, 10, 1)


@pytest.fixture
def several(tmp_path: Path) -> Path:
    path = tmp_path / "several.py"
    path.write_text(SEVERAL)
    return path


@pytest.mark.parametrize("name", NAMED)
def test_a_model_is_taken_by_its_name_with_what_trains_it(name: str, several: Path) -> None:
    shape, rate, notes = NAMED[name]
    found = examined(several, name)
    (side,) = found.sides
    assert side.name == f"several:{name}"
    assert (side.about.shapes["W1"], side.about.notes) == (shape, notes)
    assert f"update: gradient descent, rate {rate} (" in said(found)


def test_a_name_that_is_not_there_is_refused_with_those_that_are(several: Path) -> None:
    with pytest.raises(PortError, match=r"found no model called nothing; it has Net, Alone, small, big, built$"):
        examined(several, "nothing")


def test_a_path_is_told_from_the_name_of_a_model() -> None:
    assert file_and_model(r"C:\\nets\\mine.py") == (r"C:\\nets\\mine.py", "")
    assert file_and_model(r"C:\\nets\\mine.py:net") == (r"C:\\nets\\mine.py", "net")
    assert file_and_model("numpy_scratch:float64") == ("numpy_scratch:float64", "")
    assert label("nets/mine.py:net") == "mine:net"
    assert label("pytorch.py:net") == "pytorch.py:net"


def test_only_models_of_frameworks_are_named_within_their_file(several: Path) -> None:
    with pytest.raises(samegrad.SettingError, match="only models of PyTorch, Keras, Flax or Equinox are named"):
        implementations.locate_all([f"{several}:small"])
    own = several.with_name("own.py")
    own.write_text("class Network:\n    pass\n")
    with pytest.raises(PortError, match="and so none called net"):
        examined(own, "net")


@pytest.mark.exhaustive
def test_models_of_one_file_train_beside_each_other_whatever_their_layers(several: Path) -> None:
    options = ["--quick", "--dataset", "digits", "--train-size", "300", "--test-size", "100", "--format", "json"]
    found = command.run(None, *(w for name in ("big", "build") for w in ("-i", f"{several}:{name}")), *options)
    assert found.code == 4, found.stderr
    rows = json.loads(found.stdout)["rows"]
    assert [row["name"] for row in rows] == ["several:big", "several:build"]
    assert rows[1]["status"].startswith("has other layers")
    assert all(row["accuracy"] is not None and row["epoch"] > 0 for row in rows)


def test_a_model_takes_no_dtype(several: Path) -> None:
    with pytest.raises(samegrad.SettingError, match="float32"):
        samegrad.lockstep(f"{several}:float32")


OTHERS = {
    "keras": """
import keras


def build(width=5):
    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(width), keras.layers.Dense(4)])
    model.compile(optimizer="sgd", loss="mse")
    return model


small, big = build(), build(9)
""",
    "nnx": """
import jax, optax
from flax import nnx


class Net(nnx.Module):
    def __init__(self, width, rngs):
        self.a, self.b = nnx.Linear(6, width, rngs=rngs), nnx.Linear(width, 4, rngs=rngs)

    def __call__(self, x):
        return self.b(nnx.relu(self.a(x)))


small, big = Net(5, nnx.Rngs(0)), Net(9, nnx.Rngs(0))
criterion = optax.squared_error
""",
}


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", OTHERS)
def test_models_of_other_frameworks_are_named_too(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(OTHERS[kind])
    for name, width in {"small": 5, "big": 9}.items():
        found = samegrad.lockstep(f"{path}:{name}", steps=2, timing=False, dataset="digits")
        assert f"W1 {width}x6" in repr(found)
