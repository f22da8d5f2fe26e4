"""The verb `check`, as a learner has it: a file of their own, whatever it does."""

import json
from pathlib import Path

import pytest

from shared import implementations
from shared.diagnosis.checks import CHECKS
from shared.diagnosis.mistakes import MISTAKES
from shared.diagnosis.selftest import RIGHT, planted, with_loss
from shared.spec import LOSSES, NetworkSpec
from tests import command, patience
from tests.test_check_as_written import LAYER

EXAMPLE = (command.ROOT / "shared" / "diagnosis" / "example.py").read_text(encoding="utf-8")


def check(folder: Path, source: str, *options: str) -> command.Run:
    path = folder / "my_network.py"
    path.write_text(source)
    return command.inside(None, "check", str(path), *options)


def test_the_example_is_right_as_it_stands(tmp_path: Path) -> None:
    assert command.run(None, "check", "--example").stdout == EXAMPLE
    (tmp_path / "my_network.py").write_text(EXAMPLE)
    found = command.run(None, "check", str(tmp_path / "my_network.py"))
    assert found.code == 0
    assert found.stdout.startswith("my_network.py: 784-30-10, sigmoid, quadratic\nRIGHT: all 13 checks passed")
    assert found.stderr == ""
    assert "note" not in found.stdout
    for name in CHECKS:
        assert f"\n{name} " in found.stdout


@pytest.mark.parametrize("sizes", ["784,30,10", "3,5,4,2"])
def test_options_have_precedence_over_the_file(sizes: str, tmp_path: Path) -> None:
    found = check(tmp_path, EXAMPLE, "--sizes", sizes)
    assert found.code == 0
    assert sizes.replace(",", "-") in found.stdout
    assert check(tmp_path, EXAMPLE, "--sizes", sizes, "--activation", "tanh").code == 4


def test_the_file_or_the_option_may_give_a_network_in_the_notation(tmp_path: Path) -> None:
    source = EXAMPLE + '\nNETWORK = "6-5-4-3, sigmoid"\n'
    assert check(tmp_path, source).stdout.startswith("my_network.py: 6-5-4-3, sigmoid, quadratic\nRIGHT")
    found = check(tmp_path, source, "--network", "5-4tanh-3sigmoid")
    assert found.code == 4
    assert 'check it with the network "5-4-3, sigmoid, quadratic"' in found.stdout


def test_a_mistake_is_named_with_equation_tensor_ratio_and_line(tmp_path: Path) -> None:
    source = EXAMPLE.replace("delta.sum(axis=0)", "delta.mean(axis=0)")
    found = check(tmp_path, source)
    assert found.code == 4
    number = source.splitlines().index("        db = delta.mean(axis=0)  # (7)") + 1
    for text in (
        "WRONG: bias gradient is a mean, equation (7)",
        "db1 0.1429 times (1/n, n = 7)",
        "remedy: sum delta over the batch",
        f"look at line {number}: db = delta.mean(axis=0)  # (7)",
    ):
        assert text in found.stdout


def test_the_answer_as_json(tmp_path: Path) -> None:
    answer = json.loads(check(tmp_path, EXAMPLE.replace(" / n  # (4)", "  # (4)"), "--format", "json").stdout)
    assert answer["right"] is False
    assert answer["diagnosis"]["name"] == "missing 1/n"
    assert answer["diagnosis"]["equation"] == "(4)"
    assert {row["check"]: row["result"] for row in answer["rows"]}["gradients"] == "FAILS"


def test_an_implementation_is_right_in_its_own_process() -> None:
    """All of them, in all scenes: tests/impls/test_contract.py."""
    options = ("--network", "5-4tanh-3relu-2, binary_cross_entropy")
    found = command.inside(None, "check", str(implementations.locate("pytorch")), *options)
    assert found.code == 0, found.stdout
    assert "RIGHT: all 16 checks passed" in found.stdout


def test_a_broken_one_in_a_framework_is_found_too(tmp_path: Path) -> None:
    source = implementations.locate("pytorch").read_text().replace("        self.optimizer.zero_grad()\n", "")
    found = check(tmp_path, source)
    assert found.code == 4
    assert "WRONG: gradients accumulated" in found.stdout


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def forward(:\n", "SyntaxError"),
        ("raise RuntimeError('so it is')\n", "line 1: RuntimeError: so it is"),
        ("import a_package_that_nobody_has\n", "No module named 'a_package_that_nobody_has'"),
        ("x = 1\n", "found in it: no functions"),
        ("def forward(parameters, x):\n    return x\n", "found in it: forward(parameters, x)"),
        ("class Network:\n    def train(self, x, y, order):\n        pass\n", "Network.train(self, x, y, order)"),
        ("import os\nx = os._exit(3)\n", "exit status 3"),
        ("import sys\nx = sys.exit('bye')\n", "line 2: SystemExit: bye"),
        ("import ctypes\nx = ctypes.string_at(0)\n", "SIGSEGV"),
    ],
)
def test_a_file_that_cannot_be_loaded_says_why(source: str, message: str, tmp_path: Path) -> None:
    found = check(tmp_path, source)
    assert found.code == 1
    assert "error: " in found.stderr
    assert message in found.stderr
    assert "calls.py" not in found.stderr or message == "SIGSEGV"  # frames of our own lead nowhere


KEPT, _, _ = LAYER.partition("    def backward")
FACTOR = (
    KEPT
    + """    def backward(self, grad, lr):
        gx = self.W.T @ grad
        self.W -= lr * grad @ self.x.T
        self.b -= lr * grad
        return gx


class Tanh:
    def forward(self, x):
        self.x = x
        return np.tanh(x)

    def backward(self, grad, lr):
        return grad * (1 - self.x**2)


net = [Dense(2, 3), Tanh(), Dense(3, 1), Tanh()]
X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]).reshape(4, 2, 1)
Y = np.array([[0], [1], [1], [0]]).reshape(4, 1, 1)
for e in range(1000):
    for x, y in zip(X, Y):
        out = x
        for l in net: out = l.forward(out)
        grad = 2 * (out - y) / y.size
        for l in reversed(net): grad = l.backward(grad, 0.1)
"""
)


def test_one_number_that_some_factor_makes_right_is_not_called_right(tmp_path: Path) -> None:
    """The bias of a single output: a wrong slope of its tanh is a factor for each example, and one for their sum."""
    found = check(tmp_path, FACTOR)
    assert found.code == 4
    assert "b right" not in found.stdout
    assert check(tmp_path, FACTOR.replace("self.x**2", "np.tanh(self.x) ** 2")).code == 0


def in_gradients(line: str) -> str:
    return EXAMPLE.replace(
        "    a = activations(parameters, x)\n    n, n_out",
        f"    {line}\n    a = activations(parameters, x)\n    n, n_out",
    )


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("raise ValueError('no idea')", "WRONG: an exception"),
        ("import os; os._exit(3)", "the process ended with exit status 3"),
        ("import ctypes; ctypes.string_at(0)", "the process was killed by SIGSEGV"),
        ("return None", "gradients: got NoneType, expected a list of pairs (dW, db)"),
        ("return []", "gradients: got 0 layers, expected 2"),
        ("return [(1, 2, 3)]", "gradients: got a layer of 3 arrays"),
        ("return [(np.zeros((2, 2)), np.zeros(2)), (np.zeros((2, 2)), np.zeros(2))]", "WRONG: a wrong shape"),
        ("return [(W * np.nan, b * np.nan) for W, b in parameters]", "WRONG: not finite"),
        ("return [('a', 'b'), ('c', 'd')]", "TypeError: got an array of dtype <U1, expected numbers"),
        ("return [(W.T, b) for W, b in parameters]", "WRONG: W transposed"),
        ("return [(W.astype(int), b) for W, b in parameters]", "WRONG: integer dtype"),
        ("W, b = parameters[0]; W[0, 0] = 7", "WRONG: inputs modified in place"),
        ("print('a' * 10**6)", "RIGHT"),
    ],
)
def test_whatever_the_functions_do_there_is_an_answer(line: str, answer: str, tmp_path: Path) -> None:
    found = check(tmp_path, in_gradients(line))
    assert answer in found.stdout
    assert found.code == (0 if answer == "RIGHT" else 4)
    assert "Traceback" not in found.stderr


def test_the_line_of_an_exception_is_printed(tmp_path: Path) -> None:
    source = EXAMPLE.replace("delta @ W)", "delta @ W.T)")
    found = check(tmp_path, source, "--sizes", "5,4,3")
    assert found.code == 4
    assert "WRONG: W transposed, equation (5)" in found.stdout
    number = next(n for n, line in enumerate(source.splitlines(), 1) if "delta @ W.T" in line)
    assert f"look at line {number}: delta = (delta @ W.T)" in found.stdout


def test_a_loop_without_end_is_ended_and_its_line_printed(tmp_path: Path) -> None:
    marker, path = tmp_path / "hangs", tmp_path / "my_network.py"
    loop = f"from tests.stubs.hanging import hangs\n    hangs({str(marker)!r})\n    while True: x = x + 0"
    source = in_gradients(loop)
    path.write_text(source)
    env = {patience.MARKER: str(marker)}
    found = command.run(None, "check", str(path), "--timeout", "7m", command=command.IMPATIENT, env=env)
    assert found.code == 4
    assert "no answer within 420 s" in found.stdout
    number = next(n for n, line in enumerate(source.splitlines(), 1) if "while True" in line)
    assert f"look at line {number}: while True" in found.stdout


@pytest.mark.parametrize(
    ("constants", "message"),
    [
        ("SIZES = (784, -3)", "sizes: got -3"),
        ("SIZES = 'large'", "sizes: got 'large'"),
        ("SIZES = (784, 'ten')", "sizes"),
        ("ACTIVATION = 'sigmoyd'", "did you mean sigmoid?"),
        ("LOSS = ['quadratic']", "loss"),
        ("NETWORK = '784-30tahn-10'", "did you mean tanh?"),
    ],
)
def test_constants_that_cannot_be_meant(constants: str, message: str, tmp_path: Path) -> None:
    found = check(tmp_path, EXAMPLE + f"\n{constants}\n")
    assert found.code == 2
    assert message in found.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "expected a FILE"),
        (("nothing.py",), "nothing.py, which does not exist"),
        (("compar.py",), "compar.py, which does not exist; did you mean compare.py?"),
        (("README.md",), "which is not a .py or .ipynb file"),
        (("--example", "--self-test"), "not allowed with"),
        (("--example", "compare.py"), "expected a FILE"),
        (("--exampel",), "did you mean --example?"),
        (("compare.py", "--sizes", "a"), "expected whole numbers"),
        (("compare.py", "--sizes", "5,3", "--network", "5-3"), "not allowed with"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], message: str) -> None:
    found = command.inside(None, "check", *arguments)
    assert found.code == 2
    assert message in found.stderr


@pytest.mark.exhaustive_unless(fits=lambda network: network == "5-4-3")
@pytest.mark.parametrize("network", ["5-4-3", "8x8-conv3-pool-conv4-pool-3"])
def test_the_self_test_shows_every_mistake_and_check(network: str) -> None:
    found = command.inside(None, "check", "--self-test", "--network", network)
    assert found.code == 0
    spec = NetworkSpec.parse(network)
    names = {name for loss in LOSSES for name, _ in planted(with_loss(spec, loss))}
    first = found.stdout.splitlines()[0]
    assert first.startswith(f"{len(names)} mistakes, planted in ")
    assert first.endswith(f"{len(RIGHT) * len(LOSSES)} right networks, 0 diagnosed as wrong")
    for name in names:
        assert f"\n{name} " in found.stdout
    assert "\n!" not in found.stdout
    every = [NetworkSpec.parse(each) for each in ("5-4-3", "8x8-conv3-pool-conv4-pool-3")]
    assert {n for each in every for loss in LOSSES for n, _ in planted(with_loss(each, loss))} == set(MISTAKES)


DATA_PARALLEL = """
import numpy as np

from impls import numpy_scratch


class Network(numpy_scratch.Network):
    def gradients(self, x, y, n):
        workers = self.training.workers
        loss, g = 0.0, np.zeros_like(self.g)
        for k in range(workers):
            share = slice(n * k // workers, n * (k + 1) // workers)
            if len(y[share]):
                loss += super().gradients(x[share], y[share], len(y[share])) * len(y[share]) / n
                g += self.g * len(y[share]) / n
        self.g[:] = g
        return loss
"""


def test_workers_are_checked_on_request(tmp_path: Path) -> None:
    options = ("--network", "5-4-3", "--workers", "3")
    found = check(tmp_path, DATA_PARALLEL, *options)
    assert found.code == 0, found.stdout
    assert found.stdout.startswith("my_network.py: 5-4-3, sigmoid, quadratic; 3 workers\nRIGHT: all 25 checks passed")
    naive = DATA_PARALLEL.replace("* len(y[share]) / n\n        self", "/ workers  # the mean of means\n        self")
    assert check(tmp_path, naive, *options[:2]).stdout.startswith(
        "my_network.py: 5-4-3, sigmoid, quadratic\nRIGHT: all 16 checks passed"
    )
    answer = json.loads(check(tmp_path, naive, *options, "--format", "json").stdout)
    assert (answer["right"], answer["shared"]) == (False, "3 workers")
    assert answer["diagnosis"]["name"] == "mean of means"
    assert "0.8333 in worker 2 (4)" in answer["diagnosis"]["measured"]
    number = naive.splitlines().index("                g += self.g / workers  # the mean of means") + 1
    assert answer["diagnosis"]["lines"] == [[number, "g += self.g / workers  # the mean of means"]]


def test_what_is_wrong_with_one_worker_is_not_checked_with_several(tmp_path: Path) -> None:
    source = DATA_PARALLEL.replace("return loss", "return 2 * loss")
    found = check(tmp_path, source, "--network", "5-4-3", "--workers", "3", "--accumulate", "2")
    assert found.code == 4
    assert "WRONG: wrong loss" in found.stdout
    assert "shared:" not in found.stdout


@pytest.mark.parametrize("options", [("--workers", "3"), ("--accumulate", "4")])
def test_what_is_told_of_no_workers_is_refused_with_them(options: tuple[str, str], tmp_path: Path) -> None:
    found = check(tmp_path, EXAMPLE, *options)
    assert found.code == 2
    assert f"{options[0]}: got {options[1]} for my_network.py, expected 1: only a class `Network`" in found.stderr


def test_a_number_of_workers_that_cannot_be_is_refused(tmp_path: Path) -> None:
    found = check(tmp_path, DATA_PARALLEL, "--workers", "9")
    assert found.code == 2
    assert "workers: got 9, expected a whole number from 1 to 8" in found.stderr


def test_a_process_that_ends_with_workers_is_told(tmp_path: Path) -> None:
    source = DATA_PARALLEL.replace(
        "        loss, g", "        workers > 1 and __import__('os')._exit(3)\n        loss, g"
    )
    found = check(tmp_path, source, "--network", "5-4-3", "--workers", "3")
    assert found.code == 4
    assert "WRONG: an exception\nwhat is wrong: with 3 workers: " in found.stdout
    assert "exit status 3" in found.stdout
