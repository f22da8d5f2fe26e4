"""`lockstep` of models as they are, as a user runs it: beside each other in two frameworks, alone, and as JSON."""

import json
from pathlib import Path

import pytest

import samegrad
from tests import command
from tests.ports.here import CROSS, HEAD, SGD

ROOT = Path(__file__).resolve().parents[2]
LOCKSTEP = ("lockstep", "--dataset", "digits")
TORCH = HEAD + "model = nn.Sequential(nn.Linear(784, 30), nn.ReLU(), nn.Linear(30, 10))\n" + CROSS
KERAS = """
import keras

(x, y), _ = keras.datasets.mnist.load_data()
model = keras.Sequential([keras.Input((784,)), keras.layers.Dense(30, activation="relu"),
                          keras.layers.Dense(10, activation="softmax")])
model.compile(optimizer=keras.optimizers.{optimizer}, loss="{loss}")
history = model.fit(x.reshape(-1, 784) / 255, y, epochs=5)
"""


def write(folder: Path, **texts: str) -> list[str]:
    """Write files, and return the options that name them."""
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text)
    return [word for name in texts for word in ("-i", str(folder / f"{name}.py"))]


@pytest.mark.exhaustive
def test_the_examples_part_by_epsilon_alone_as_their_readme_says() -> None:
    files = [word for name in ("torch", "keras") for word in ("-i", f"{ROOT}/examples/mine_{name}.py")]
    found = command.run(None, *LOCKSTEP, *files)
    assert found.code == 4, found.stderr
    assert "outputs    same" in found.stdout
    assert "gradients  same" in found.stdout
    assert "update     PARTS at step 1, W1" in found.stdout
    assert "mine_torch: update: Adam, epsilon 1e-08 beside the corrected root, rate 0.001" in found.stdout
    assert "mine_keras: update: Adam, epsilon 1e-07 beside the uncorrected root, rate 0.001" in found.stdout
    assert "mine_keras's own start: W1: glorot uniform" in found.stdout
    assert "b1, b2: zeros" in found.stdout
    assert "mine_torch: time: a step of 10 takes" in found.stdout
    answer = (ROOT / "examples" / "README.md").read_text().partition("the two part")[2].partition("```")[0]
    for line in answer.replace("\n  ", " ").splitlines()[1:]:
        assert line.partition(" (residual")[0] in found.stdout


def test_a_right_port_to_another_framework_is_the_same(tmp_path: Path) -> None:
    keras = KERAS.format(optimizer="SGD(0.1, momentum=0.9)", loss="sparse_categorical_crossentropy")
    files = write(tmp_path, a=TORCH + SGD.replace("0.1", "0.1, momentum=0.9"), b=keras)
    found = command.run(None, *LOCKSTEP, *files, "--steps", "8", "--no-timing", "--format", "json")
    assert found.code == 0, found.stdout
    content = json.loads(found.stdout)
    assert [row["what"] for row in content["rows"]] == ["outputs", "layers", "loss", "gradients", "update"]
    assert all(row["same"] for row in content["rows"])
    assert content["rows"][1]["note"] == "z1 a1 z2"
    assert [side["update"]["name"] for side in content["sides"]] == ["momentum", "momentum"]
    assert [side["dtype"] for side in content["sides"]] == ["float64", "float64"]


@pytest.mark.exhaustive
def test_from_python_a_model_alone_says_what_it_computes(tmp_path: Path) -> None:
    write(tmp_path, mine=TORCH.replace("10))", "10), nn.Softmax(dim=1))") + SGD)
    found = samegrad.lockstep(str(tmp_path / "mine.py"), dataset="digits")
    assert not found.ok
    assert "softmax twice" in repr(found)
    assert "gradient descent, rate 0.1" in repr(found)


@pytest.mark.parametrize("verb", [["lockstep"], []])
def test_models_take_no_shares(verb: list[str], tmp_path: Path) -> None:
    found = command.run(None, *verb, *write(tmp_path, a=TORCH + SGD, b=TORCH + SGD), "--workers", "3")
    assert (found.code, "train in one process" in found.stderr) == (2, True), found.stderr


FAILS = (
    (TORCH + SGD).replace("10))", "10))\ncount = 0\nx, y = torch.rand(60, 784), torch.arange(60) % 10")
    + """
for k in range(0, 60, 10):
    xb, yb = x[k : k + 10], y[k : k + 10]
    optimizer.zero_grad()
    criterion(model(xb), yb).backward()
    optimizer.step()
    count += 1
    assert count < 50, "so many steps"
"""
)


@pytest.mark.exhaustive_unless(fits=lambda verb: verb[0] == "lockstep")
@pytest.mark.parametrize("verb", [["lockstep", "--no-timing"], ["--quick", "--train-size", "1000"]])
def test_a_model_that_fails_is_told_and_is_no_disagreement(verb: list[str], tmp_path: Path) -> None:
    """What was found before stays."""
    found = command.run(None, *verb, "--dataset", "digits", *write(tmp_path, mine=FAILS))
    assert found.code == 1, found.stderr
    assert "AssertionError: so many steps" in found.stdout
    assert "SGD" in found.stdout


NOT_TAKEN = {
    "--threads 2": "models are timed with 1 thread each",
    "--output here": "--format csv, json or markdown prints",
    "--baseline b": "models are compared with the first",
    "--dtype float64": "models as they are take the same steps in float64",
    "--one-at-a-time": "models train in turns",
    "--budget 5m": "got 300 s, expected none",
    "--details": "--format json has every figure",
    "--open": "models write no page",
}


@pytest.mark.parametrize("option", NOT_TAKEN)
def test_options_that_models_do_not_take_are_refused_with_a_remedy(option: str, tmp_path: Path) -> None:
    files = write(tmp_path, a=TORCH + SGD, b=TORCH + SGD)[1::2]  # without -i
    found = command.inside(None, *files, *option.split())
    assert found.code == 2
    assert f"{option.split()[0]}: got" in found.stderr
    assert NOT_TAKEN[option] in found.stderr


def test_files_may_be_named_without_an_option_and_together() -> None:
    found = command.inside(None, "lockstep", "a.py", "--steps", "3", "b.py")
    assert (found.code, "unrecognized arguments: b.py; give all files together" in found.stderr) == (2, True)
    found = command.inside(None, "lockstep", "a.py", "b.py", "-i", "c.py")
    assert "got 3 implementations, expected one or two: files, or names after -i" in found.stderr
    for verb in ([], ["run"], ["lockstep"]):
        assert "got nowhere.py, which does not exist" in command.inside(None, *verb, "nowhere.py").stderr


@pytest.mark.exhaustive
def test_models_that_cannot_be_mapped_are_refused_by_the_tensor(tmp_path: Path) -> None:
    files = write(tmp_path, a=TORCH + SGD, b=TORCH.replace("30", "20") + SGD)
    found = command.run(None, *LOCKSTEP, *files)
    assert found.code == 2
    assert "W1 30x784 against W1 20x784" in found.stderr


@pytest.mark.exhaustive
def test_models_train_beside_each_other_and_are_not_called_wrong_for_being_another_network(tmp_path: Path) -> None:
    momentum = SGD.replace("0.1", "0.1, momentum=0.9")
    text = TORCH.replace("784, 30", "784, 12").replace("(30", "(12")
    files = write(tmp_path, a=text + momentum, b=text.replace("nn.ReLU()", "nn.Threshold(0.0, 0.0)") + momentum)
    options = ["--quick", "--dataset", "digits", "--train-size", "500"]
    found = command.run(None, *files, *options)
    assert found.code == 0, found.stderr
    assert "a and b perform the same computation, step by step: not the specification's network" in found.stdout
    assert "same as b; not the specification's network" in found.stdout
    assert "(up to 0 images are classified differently from a)" in found.stdout
    write(tmp_path, b=text + SGD)
    found = command.run(None, *files, *options, "--format", "json")
    assert found.code == 4
    rows = json.loads(found.stdout)["rows"]
    assert [row["status"].partition(";")[0] for row in rows] == ["not the specification's network", "parts in update"]
    assert all(row["accuracy"] > 0.1 and row["epoch"] > 0 for row in rows)


EARLIER = (
    HEAD
    + """
from shared.interface import Layer

SIZES = (64, 12, 10)
model = nn.Sequential(nn.Linear(64, 12), nn.Sigmoid(), nn.Linear(12, 10), nn.Sigmoid())


class Network:
    def __init__(self, spec, training, parameters):
        self.training = training
        self.model = model.to(torch.from_numpy(parameters[0].W).dtype)
        self.reset(parameters)

    def linears(self):
        return [m for m in self.model if isinstance(m, nn.Linear)]

    def reset(self, parameters):
        with torch.no_grad():
            for linear, (W, b) in zip(self.linears(), parameters, strict=True):
                linear.weight.copy_(torch.from_numpy(W))
                linear.bias.copy_(torch.from_numpy(b))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=self.training.learning_rate)

    def parameters(self):
        return tuple(Layer(m.weight.detach().numpy().copy(), m.bias.detach().numpy().copy()) for m in self.linears())

    def predict(self, x):
        with torch.no_grad():
            return self.model(torch.from_numpy(x)).numpy()

    def backward(self, x, y):
        x = torch.from_numpy(x)
        self.optimizer.zero_grad()
        target = nn.functional.one_hot(torch.from_numpy(y), 10).to(x.dtype)
        loss = nn.functional.mse_loss(self.model(x), target, reduction="sum") / (2 * len(y))
        loss.backward()
        return loss.item()

    def loss_and_gradients(self, x, y):
        loss = self.backward(x, y)
        return loss, tuple(Layer(m.weight.grad.numpy().copy(), m.bias.grad.numpy().copy()) for m in self.linears())

    def train(self, x, y, order):
        size = self.training.batch_size
        for start in range(0, len(order), size):
            i = order[start : start + size]
            self.backward(x[i], y[i])
            self.optimizer.step()
"""
)


def test_timing_is_left_out_on_demand_and_a_file_may_lie_in_the_current_folder(tmp_path: Path) -> None:
    write(tmp_path, a=TORCH + SGD)
    asked = ["a.py", "--steps", "3", "--no-timing"]
    found = command.run(None, *LOCKSTEP, *asked, cwd=tmp_path)
    assert found.code == 0, found.stderr
    assert "a: update: gradient descent, rate 0.1" in found.stdout
    assert "time: a step" not in found.stdout


@pytest.mark.exhaustive
def test_the_default_run_takes_a_criterion_and_refuses_it_where_there_is_no_model(tmp_path: Path) -> None:
    files = write(tmp_path, a=TORCH.replace(CROSS, "") + SGD, b=TORCH + SGD)
    few = ("--quick", "--dataset", "digits", "--train-size", "500", "--test-size", "200")
    found = command.run(None, *files, *few, "--criterion", "CrossEntropyLoss")
    assert found.code == 0, found.stderr
    found = command.run(None, "-i", "numpy_scratch", "--criterion", "CrossEntropyLoss")
    assert found.code == 2
    assert "--criterion: got CrossEntropyLoss, expected none" in found.stderr
