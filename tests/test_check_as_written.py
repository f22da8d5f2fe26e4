"""The command `check`, and `samegrad.check`, for files and functions as people write them."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samegrad
from shared.errors import SettingError
from shared.reading.program import UnreadableError
from tests import command

FILES = Path(__file__).parent / "learners" / "files"
LAYER = """
import numpy as np

class Dense:
    def __init__(self, n_in, n_out):
        self.W, self.b = np.random.randn(n_out, n_in), np.random.randn(n_out, 1)

    def forward(self, x):
        self.x = x
        return self.W @ x + self.b

    def backward(self, grad):
        self.dW, self.db = grad @ self.x.T, grad.sum(axis=1, keepdims=True)
        return self.W.T @ grad
"""
NETWORK = """
import numpy as np
from layers import Dense

answer = input("how many epochs? ")
print("training")

class Net:
    def __init__(self):
        self.first, self.second = Dense(6, 5), Dense(5, 3)

    def forward(self, x):
        self.a = np.tanh(self.first.forward(x))
        return self.second.forward(self.a)

    def backward(self, out, y):
        grad = self.second.backward((out - y) / y.shape[1])
        self.first.backward(grad * (1 - self.a ** 2))

def loss(out, y):
    return 0.5 * np.sum((out - y) ** 2) / y.shape[1]

while True:
    pass
"""


def check(*words: str) -> command.Run:
    return command.run(None, "check", *words)


def test_a_file_is_run_from_its_own_folder_and_without_its_training(tmp_path: Path) -> None:
    (tmp_path / "layers.py").write_text(LAYER)
    (tmp_path / "net.py").write_text(NETWORK)
    found = check(str(tmp_path / "net.py"))
    assert found.code == 0, found.stdout + found.stderr
    assert "RIGHT: the gradients are the derivatives of your own loss" in found.stdout
    assert "\ntraining\n" not in found.stdout
    (tmp_path / "layers.py").write_text(LAYER.replace("axis=1, keepdims=True", ""))
    found = check(str(tmp_path / "net.py"))
    assert found.code == 4
    assert "WRONG: bias gradient is one number, equation (7)" in found.stdout


def test_what_was_understood_is_printed_and_can_be_said() -> None:
    file = str(FILES / "07_coursera_m_twice.py")
    found = check(file, "--layout", "columns", "--labels", "one-hot", "--entry", "backward_propagation")
    assert "read as: X (features, n), y one-hot in columns, W (out, in)" in found.stdout
    assert "found: forward_propagation(X, parameters), backward_propagation(" in found.stdout
    other = check(file, "--layout", "rows")
    assert other.code == 1
    assert "could not be read" in other.stderr
    assert "--adapt 07_coursera_m_twice.py" in other.stderr
    assert check(file, "--layout", "diagonal").code == 2


def test_shapes_that_do_not_fit_are_told_what_does() -> None:
    fits = "it fits as X (features, n), y one-hot in columns, W (out, in): --layout columns --labels one-hot"
    assert fits in check(str(FILES / "07_coursera_m_twice.py"), "--layout", "rows").stderr
    pairs = str(FILES / "74_pairs_in_out.py")
    for words in (("--weights", "out-in"), ("--network", "6-5-3")):
        found = check(pairs, *words).stdout
        assert "mismatch in its core dimension" in found
        assert "remedy: it fits as X (n, features), y labels, W (in, out): --layout rows --labels labels" in found
    found = check(pairs).stdout
    assert "RIGHT: the gradients are the derivatives" in found


def test_gradients_that_only_a_step_of_adam_shows_are_not_judged() -> None:
    found = check(str(FILES / "72_adam_in_train.py"))
    assert (found.code, "as the first one of Adam or RMSProp does" in found.stderr) == (1, True)


def test_the_answer_as_json_says_the_same() -> None:
    found = json.loads(check(str(FILES / "07_coursera_m_twice.py"), "--format", "json").stdout)
    assert (found["right"], found["diagnosis"]["equation"]) == (False, "(5)")
    assert found["read_as"] == "X (features, n), y one-hot in columns"
    (line,) = found["diagnosis"]["lines"]
    assert line[1].startswith("dA1 = (1 / m)")


def test_the_adapter_names_what_the_file_holds_and_is_python(tmp_path: Path) -> None:
    found = check("--adapt", str(FILES / "14_alice_and_bob.py"))
    assert found.code == 0
    assert "OurNeuralNetwork.feedforward(self, x)" in found.stdout
    compile(found.stdout, "adapted.py", "exec")
    missing = check("--adapt", str(tmp_path / "nothing.py"))
    assert (missing.code, "which does not exist" in missing.stderr) == (2, True)


def test_a_file_that_is_no_notebook_says_so(tmp_path: Path) -> None:
    (tmp_path / "mine.ipynb").write_text("def f(: pass")
    found = check(str(tmp_path / "mine.ipynb"))
    assert (found.code, "not a notebook" in found.stderr) == (1, True)


# ---- Functions ------------------------------------------------------------------------------------------


def forward(p: dict[str, Any], x: Any) -> Any:
    e = np.exp(p["W2"] @ np.tanh(p["W1"] @ x + p["b1"]) + p["b2"])
    return e / e.sum(axis=0)


def loss(p: dict[str, Any], x: Any, y: Any) -> float:
    return float(-np.mean(np.log(forward(p, x)[y, np.arange(len(y))])))


def gradients(p: dict[str, Any], x: Any, y: Any) -> dict[str, Any]:
    h, d = np.tanh(p["W1"] @ x + p["b1"]), forward(p, x)
    d[y, np.arange(len(y))] -= 1
    d /= len(y)
    below = (p["W2"].T @ d) * (1 - h**2)
    return {"dW1": below @ x.T, "db1": below.sum(1), "dW2": d @ h.T, "db2": d.sum(1)}


def parameters() -> dict[str, Any]:
    r = np.random.default_rng(1)
    shapes = {"W1": (5, 8), "b1": (5, 1), "W2": (3, 5), "b2": (3, 1)}
    return {name: r.standard_normal(shape) for name, shape in shapes.items()}


def test_functions_are_checked_with_parameters_in_any_layout() -> None:
    given = parameters()
    found = samegrad.check(forward=forward, gradients=gradients, loss=loss, parameters=given)
    assert found.ok
    assert all(np.array_equal(array, parameters()[name]) for name, array in given.items())
    assert samegrad.check(forward=forward, gradients=gradients, parameters=given).ok

    def wrong(p: dict[str, Any], x: Any, y: Any) -> dict[str, Any]:
        return gradients(p, x, y) | {"dW1": 2 * gradients(p, x, y)["dW1"]}

    found = samegrad.check(forward=forward, gradients=wrong, loss=loss, parameters=given)
    assert not found.ok
    assert "dW1 is twice what it should be" in str(found)


def lasso(p: dict[str, Any], x: Any, y: Any) -> Any:
    return loss_of_any_kind(p, x, y) + 0.01 * sum(np.abs(p[name]).sum() for name in ("W1", "W2"))


def lasso_gradients(p: dict[str, Any], x: Any, y: Any) -> dict[str, Any]:
    return gradients(p, x, y) | {f"d{W}": gradients(p, x, y)[f"d{W}"] + 0.01 * np.sign(p[W]) for W in ("W1", "W2")}


def loss_of_any_kind(p: dict[str, Any], x: Any, y: Any) -> Any:
    return -np.mean(np.log(forward(p, x)[y, np.arange(len(y))]))


@pytest.mark.parametrize(
    ("function", "right", "precision"),
    [
        (loss_of_any_kind, gradients, "1e-14"),
        (loss, gradients, "1e-0[89]"),  # float() drops the imaginary part, with a warning
        (lasso, lasso_gradients, "1e-0[89]"),  # np.abs of a complex number is another function
    ],
)
def test_complex_steps_are_taken_where_the_code_takes_complex_numbers(
    function: Any, right: Any, precision: str
) -> None:
    found = samegrad.check(forward=forward, gradients=right, loss=function, parameters=parameters())
    assert re.search(f"RIGHT: the gradients are the derivatives of your own loss, to {precision}", str(found))


def test_functions_that_are_missing_or_have_no_layers_are_refused() -> None:
    with pytest.raises(samegrad.SettingError, match="got no gradients, expected a file, or forward"):
        samegrad.check(forward=forward, parameters=parameters())
    with pytest.raises(UnreadableError, match="expected the weights of layers in order"):
        samegrad.check(
            forward=forward, gradients=gradients, parameters={"W1": np.zeros((5, 8)), "W2": np.zeros((4, 11))}
        )


@pytest.mark.parametrize(
    ("file", "optimizer", "expected"),
    [
        ("39_adam.py", "adam", None),
        ("39_adam.py", "momentum", "three steps of the update follow Adam with beta_1 0.9"),
        ("06_coursera_planar.py", "sgd", None),
        ("06_coursera_planar.py", "adam", "three steps of the update follow gradient descent"),
    ],
)
def test_updates_are_held_to_the_optimizer_that_is_named(file: str, optimizer: str, expected: str | None) -> None:
    found = samegrad.check(FILES / file, optimizer=optimizer)
    assert found.ok == (expected is None), str(found)
    if expected:
        assert f"WRONG: the update is not {optimizer}, equation (8)" in str(found)
        assert expected in str(found)


def test_an_optimizer_that_is_not_known_is_refused() -> None:
    with pytest.raises(SettingError, match="lion"):
        samegrad.check(FILES / "39_adam.py", optimizer="lion")
