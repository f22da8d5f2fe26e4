"""The whole command, as a user runs it: a process, its exit code, what it prints and what it leaves."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest

import compare
from shared import implementations, options
from shared.errors import SettingError
from shared.measure import plan
from shared.report.summary import pairs
from tests.command import COMMAND, PATIENT, ROOT, SECONDS, SMALL, STUBS, Run, environment, inside, of, run


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run, and as the last line of what it prints, which libraries its process has imported."""
    driver = [sys.executable, "-c", IMPORTED, "numpy,torch,tensorflow,keras,jax"]
    return run(tmp_path_factory.mktemp("plain") / "out", *SMALL, *of("numpy_scratch"), command=driver)


# ---- A run that succeeds -------------------------------------------------------------------------------


def test_a_run_exits_0_and_leaves_the_record_the_table_and_a_file_for_each_worker(plain: Run) -> None:
    assert plain.code == 0, plain.stderr
    assert plain.row("numpy_scratch")[-1] == "ok"
    assert plain.record["ended"] == "complete"
    files = {path.name for path in plain.output.iterdir()}
    assert files == {"run.json", "answer.md", "table.md", "table.csv", "workers", ".lock"}
    workers = {path.stem: json.loads(path.read_text()) for path in (plain.output / "workers").glob("*.json")}
    assert workers.keys() == {"round-1-float64-reference", "round-1-numpy_scratch"}
    of_the_worker, kept = workers["round-1-numpy_scratch"], plain.sample("numpy_scratch")
    of_the_worker["seconds"]["exit"] = kept["seconds"]["exit"]
    assert of_the_worker.items() <= kept.items()
    markdown = (plain.output / "table.md").read_text()
    assert plain.record["dataset"]["title"] in markdown
    assert f"| {100 * kept['test_accuracy']:.0f} |" in re.sub(" +", " ", markdown)


def test_the_record_says_what_was_run_on_what(plain: Run) -> None:
    record = plain.record
    assert record["command"][: len(SMALL)] == SMALL
    assert record["schema_version"] == "3.3"
    assert record["network"]["parameter_count"] == 23_860
    assert (record["training"]["epochs"], record["rounds"], record["threads"]) == (1, 1, 1)
    assert record["dataset"]["sizes"] == [100, 250, 250]
    assert re.fullmatch("[0-9a-f]{64}", record["dataset"]["digest"])
    assert record["machine"]["logical_cpus"] == psutil.cpu_count()


def test_one_seed_gives_the_same_numbers_in_every_run_and_each_round_has_its_own(plain: Run, tmp_path: Path) -> None:
    names = ("numpy_scratch", "sums_in_another_order")
    again = inside(tmp_path / "out", *SMALL, "--rounds", "2", *of(*names))
    first, second = (again.sample("numpy_scratch", round_) for round_ in (1, 2))
    for key in ("seed", "digests", "errors", "test_accuracy", "test_loss", "predictions"):
        assert first[key] == plain.sample("numpy_scratch")[key] != second[key], key
    assert [reference["seed"] for reference in again.record["references"]] == [1, 2]
    for round_, reference in enumerate(again.record["references"], start=1):
        assert [again.sample(name, round_)["digests"] for name in names] == [reference["digests"]] * 2


def test_efforts_say_how_many_rounds_unless_they_are_given() -> None:
    def sizes(*argv: str) -> tuple[int, int | None]:
        arguments = compare.parsers()["run"].parse_args(argv)
        found = options.resolve(vars(arguments), arguments.effort)
        return found["rounds"], found["epochs"]

    assert sizes() == (3, None)
    assert sizes("--quick") == (1, 1)
    assert sizes("--quick", "--rounds", "2", "--epochs", "4") == (2, 4)
    assert sizes("--rigorous") == (15, None)


def test_a_preset_is_overridden_by_effort_and_by_every_option() -> None:
    def found(*argv: str) -> dict[str, Any]:
        arguments = compare.parsers()["run"].parse_args(argv)
        return options.resolve(vars(arguments), arguments.effort, None, arguments.preset)

    article = found("--preset", "article")
    assert (article["learning_rate"], article["epochs"], article["batch_size"]) == (0.01, 30, 10)
    assert found("--preset", "article", "--quick")["epochs"] == 1
    assert found("--preset", "article", "--learning-rate", "1")["learning_rate"] == 1
    assert found("--preset", "default") == found()


@pytest.mark.exhaustive_unless(fits=lambda name: name == "article")
@pytest.mark.parametrize("name", sorted(options.PRESETS))
def test_every_preset_runs(name: str, tmp_path: Path) -> None:
    # the article's convolution takes a hundred steps in float64 with several twins, for a minute and a half
    small = ["--network", "28x28-conv2-pool-10, relu, cross_entropy"] if name == "cnn" else []
    found = inside(tmp_path / "out", "--preset", name, *small, *SMALL, "-i", "numpy_scratch")
    assert found.code == 0, found.stderr
    preset = options.PRESETS[name]
    stored = found.record["options"]
    for option, value in preset.items():
        if option not in ("epochs", "train_size", *(("network",) if small else ())):
            assert stored[option] == (list(value) if isinstance(value, tuple) else value), option
    assert found.record["training"]["optimizer"] == preset.get("optimizer", "sgd")
    assert ("standardised" in found.record["dataset"]["title"]) == (name == "article-pytorch")
    tests = preset.get("test_size", 250)
    assert found.record["dataset"]["sizes"] == [100, min(250, tests), tests]


def test_a_preset_run_is_resumed_as_it_was(tmp_path: Path) -> None:
    done = inside(tmp_path / "out", "--preset", "article-pytorch", *SMALL, "-i", "numpy_scratch")
    again = inside(tmp_path / "out", "--resume", str(tmp_path / "out"), "--no-report")
    assert again.code == 0, again.stderr
    assert again.record["training"] == done.record["training"]
    refused = inside(tmp_path / "out", "--resume", str(tmp_path / "out"), "--inputs", "unit")
    assert refused.code == 2
    assert "another configuration" in refused.stderr


def test_a_network_with_an_activation_for_each_layer_is_run_and_resumed_as_it_was(tmp_path: Path) -> None:
    done = inside(tmp_path / "out", *SMALL, "--network", "784-30tanh-10sigmoid", *of("numpy_scratch", "minitorch"))
    assert done.code == 0, done.stdout + done.stderr
    assert done.record["network"]["title"] == "784-30tanh-10sigmoid, quadratic"
    assert "784-30tanh-10sigmoid, quadratic" in done.stdout
    stored = done.record["options"]
    assert (stored["network"], stored["sizes"], stored["loss"]) == (
        "784-30tanh-10sigmoid, quadratic",
        [784, 30, 10],
        "quadratic",
    )
    again = inside(tmp_path / "out", "--resume", str(tmp_path / "out"), "--no-report")
    assert again.code == 0, again.stderr
    assert again.record["network"] == done.record["network"]
    for other in (["--network", "784-30relu-10sigmoid"], ["--sizes", "784,30,10"]):
        refused = inside(tmp_path / "out", "--resume", str(tmp_path / "out"), *other)
        assert refused.code == 2
        assert "--resume: " in refused.stderr
        assert "another configuration: network.title" in refused.stderr


def network(*argv: str, stored: dict[str, Any] | None = None) -> str:
    """The network that options ask for, as printed everywhere."""
    arguments = vars(compare.parsers()["run"].parse_args(argv))
    return str(options.network_of(options.resolve(arguments, None, stored, arguments["preset"]), arguments))


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", "784-30-10, sigmoid, quadratic"),
        ("--sizes 784,20,10 --activation tanh", "784-20-10, tanh, quadratic"),
        ("--network 784-20-10", "784-20-10, sigmoid, quadratic"),
        ("--network 784-20-10 --activation tanh --loss cross_entropy", "784-20-10, tanh, cross_entropy"),
        ("--network 784-20relu-10 --loss binary_cross_entropy", "784-20-10, relu, binary_cross_entropy"),
        ("--network 784-20relu-10softmax", "784-20-10, relu, cross_entropy"),
        ("--network 784-20-10,tanh,cross_entropy", "784-20-10, tanh, cross_entropy"),
        ("--network 784-20tanh_nobias-10identity", "784-20tanh_nobias-10identity, quadratic"),
        ("--activation identity --loss binary_cross_entropy", "784-30-10, identity, binary_cross_entropy"),
        ("--preset article-pytorch --network 784-20-10", "784-20-10, relu, cross_entropy"),
        ("--preset article-pytorch --network 784-20tanh-10sigmoid,quadratic", "784-20tanh-10sigmoid, quadratic"),
    ],
)
def test_a_network_is_named_by_its_notation_or_by_its_sizes(arguments: str, expected: str) -> None:
    assert network(*arguments.split()) == expected


def test_the_last_that_names_a_network_or_sizes_decides() -> None:
    stored = {"network": "784-20tanh-10sigmoid, quadratic", "sizes": [784, 20, 10], "loss": "quadratic"}
    assert network(stored=stored) == "784-20tanh-10sigmoid, quadratic"
    assert network("--sizes", "784,20,10", stored=stored) == "784-20-10, sigmoid, quadratic"
    assert network("--preset", "article-pytorch", stored=stored) == "784-128-10, relu, cross_entropy"
    assert network("--network", "784-5-10", stored=stored) == "784-5-10, sigmoid, quadratic"


def test_a_quick_run_is_one_round_and_one_epoch_and_says_why_it_has_no_verdict(tmp_path: Path) -> None:
    names = of("numpy_scratch", "sums_in_another_order")
    found = inside(tmp_path / "out", "--quick", "--dataset", "digits", "--no-report", *names)
    assert found.code == 0
    assert (found.record["rounds"], found.record["training"]["epochs"]) == (1, 1)
    assert "! no verdicts: they need 3 rounds" in found.stdout


def test_an_output_folder_may_be_relative_to_anywhere(tmp_path: Path) -> None:
    found = run(Path("out"), *SMALL, *of("numpy_scratch"), cwd=tmp_path)
    assert found.code == 0, found.stdout
    assert (tmp_path / "out" / "run.json").exists()


# ---- Help ----------------------------------------------------------------------------------------------


IMPORTED = """
import sys, compare
try:
    code = compare.main(sys.argv[2:])
except SystemExit as end:
    code = end.code
print("imported:", *sorted(set(sys.argv[1].split(",")) & set(sys.modules)))
sys.exit(code)
"""


BEYOND_THE_STANDARD_LIBRARY = """
import sys
at_start = set(sys.modules)
import compare
try:
    compare.main(sys.argv[1:])
except SystemExit:
    pass
added = {name for name in sys.modules if name not in at_start and name.partition(".")[0] not in sys.stdlib_module_names}
print(*sorted(added), sep="\\n", file=sys.stderr)
"""


@pytest.mark.parametrize(("option", "expected"), [("--help", "exit codes:"), ("--version", "samegrad ")])
def test_help_and_version_import_nothing_heavy(option: str, expected: str, tmp_path: Path) -> None:
    """So they are there at once: nothing but the standard library and what describes the options."""
    found = run(tmp_path, option, command=[sys.executable, "-c", BEYOND_THE_STANDARD_LIBRARY])
    assert expected in found.stdout
    imported = set(found.stderr.splitlines())
    assert {name.partition(".")[0] for name in imported} == {"compare", "shared"}
    parts = {name.split(".")[1] for name in imported if name.startswith("shared.")}
    assert "options" in parts
    assert not parts & {
        "agreement",
        "api",
        "data",
        "diagnosis",
        "initial",
        "interface",
        "measure",
        "prediction",
        "report",
    }


def test_the_parent_imports_no_framework(plain: Run) -> None:
    assert (plain.code, plain.stdout.splitlines()[-1]) == (0, "imported: numpy")


# ---- Usage errors --------------------------------------------------------------------------------------

USAGE_ERRORS = {
    "--network 28x28-conv4k4-10": r"kernel: got 4, expected 1, 3 or 5",
    "--network 28x28-pool-pool-pool-10": r"network: got 'pool of 7x7', expected an even height and width",
    "--network 14x56-conv4-10": r"network: got '14x56', expected 28x28, the images' size",
    "--network 784-conv4-10": r"network: got 784, expected an image, such as 28x28",
    "--preset cnn-small -i tests/stubs/cannot_convolve.py": r"got cannot_convolve, which cannot compute conv4relu: "
    r"only dense layers are written here; expected another one",
    "--accumulate 3 -i keras_fit": r"keras_fit, which cannot take 3 micro-batches a step: Keras's .*mean of the means",
    "--accumulate 0": "accumulate: got 0, expected a whole number from 1 to 100",
    "--workers 3 -i pytorch": r"workers: got 3, but pytorch would use one; add one .*: -i jax_sharded",
    "--workers 9": "workers: got 9, expected a whole number from 1 to 8",
    "--sizes 784,thirty,10": "got '784,thirty,10', expected whole numbers",
    "--sizes 784": r"got \(784,\), expected a tuple of at least two layer sizes",
    "--sizes 784,0,10": "got 0, expected a whole number of at least 1",
    "--sizes 64,30,10": r"got \(64, 30, 10\), expected 784 inputs and 10 outputs",
    "--sizes 784,30,2": r"got \(784, 30, 2\), expected 784 inputs and 10 outputs",
    "--network 784-30-10 --sizes 784,30,10": "argument --sizes: not allowed with argument --network",
    "--network 64-30-10": r"network: got \(64, 30, 10\), expected 784 inputs and 10 outputs, such as 784-30-10",
    "--network 784-30tanh-2": r"network: got \(784, 30, 2\), expected 784 inputs and 10 outputs",
    "--network 784": "network: got '784', expected an input and layers, such as 784-30-10",
    "--network 784-30tahn-10": r"network: got '30tahn', expected .*; did you mean tanh\?",
    "--network 784-30softmax-10": "activation: got 'softmax', expected softmax in the last layer only",
    "--network 784-30-10tanh --loss cross_entropy": "got 'tanh', expected softmax at the output with cross_entropy",
    "--network 784-30tanh-10relu --activation sigmoid": "--activation: got 'sigmoid', expected none: the network is",
    "--network 784-30-10,quadratic --loss cross_entropy": "--loss: got 'cross_entropy', expected none: the network is",
    "--network 784-30-10 --activation sigmiod": r"activation: got 'sigmiod', .*; did you mean sigmoid\?",
    "--learning-rate 0": "got 0.0, expected a finite number above 0",
    "--learning-rate nan": "got nan, expected a finite number above 0",
    "--learning-rate inf": "got inf, expected a finite number above 0",
    "--learning-rate -1": "got -1.0, expected a finite number above 0",
    "--learning-rate fast": "invalid float value: 'fast'",
    "--batch-size 1298": "--batch-size: got 1,298, expected at most 1,297, the training images in use",
    "--batch-size 0": "got 0, expected a whole number of at least 1",
    "--epochs 0": "got 0, expected a whole number of at least 1",
    "--epochs 1.5": "invalid int value: '1.5'",
    "--seed -1": "got -1, expected a whole number of at least 0",
    "--rounds 0": "--rounds: got 0, expected a whole number of at least 1",
    "--threads 0": "--threads: got 0, expected a whole number of at least 1",
    "--train-size 0": "--train-size: got 0, expected a whole number of at least 1",
    "--train-size 1298": r"--train-size: got 1,298, .*1,297",
    "--activation cubic": "got 'cubic', expected one of sigmoid, tanh, relu, leaky_relu",
    "--loss hinge": "got 'hinge', expected one of quadratic, cross_entropy",
    "--initial zero": "got 'zero', expected one of normal, scaled",
    "--dtype float16": "got 'float16', expected one of float32, float64",
    "--dataset cifar": "got 'cifar', expected one of auto, mnist, digits",
    "--dataset minst": r"expected one of auto, mnist, digits; did you mean mnist\?",
    "--activation sigmiod": r"did you mean sigmoid\?",
    "--loss crossentropy": r"did you mean cross_entropy\?",
    "--dtype float": r"did you mean float(32|64)\?",
    "--format jsn": r"got 'jsn', expected one of table, markdown, csv, json; did you mean json\?",
    "-i pytroch": r"got 'pytroch', .*; did you mean pytorch\?",
    "--baseline pytroch": r"--baseline: got 'pytroch', expected one of .*; did you mean pytorch\?",
    "-i pytorch --baseline numpy_scratch": "--baseline: got 'numpy_scratch', expected one of pytorch \\(",
    "--learning-rate 1e39": "got 1e[+]39, expected a number that float32 can represent, from 1.2e-38 to 3.4e[+]38",
    "--budget soon": "got 'soon', expected a duration such as 90s, 10m or 1.5h",
    "--budget 0": "got '0', expected a duration",
    "--timeout -1": "got '-1', expected a duration",
    "--quick --rigorous": "not allowed with argument --quick",
    "--epoch 3": r"unrecognized arguments: --epoch; did you mean --epochs\?",
    "shwo somewhere": r"got 'shwo', expected an option or one of .*show, report, diff, .*; did you mean show\?",
    "--resume nowhere": "nowhere: found no run.json, expected the folder of a run",
    "--preset artikle": "got 'artikle', expected one of default, article, .*; did you mean article\\?",
    "--inputs raw": "got 'raw', expected one of unit, standardised",
    "--test-size 0": "--test-size: got 0, expected a whole number of at least 1",
    "--dataset digits --test-size 251": "--test-size: got 251, expected at most 250, the number of test images",
    "--optimizer adamw": "optimizer: got 'adamw', expected one of sgd, momentum, adam; did you mean adam\\?",
    "-i tf": "got 'tf', expected one of .*numpy_scratch, .*pytorch, .*tensorflow_keras, .*all, or the path of a .py",
    "-i impls/pytorch.py -i pytorch": "-i: got two named pytorch, expected different names",
    "-i __init__": "got '__init__', expected one of .*numpy_scratch",
    "-i ../compare": "got '../compare', expected one of .*numpy_scratch",
    "-i nowhere.py": "got nowhere.py, which does not exist",
    "-i tests": "got 'tests', expected one of .*numpy_scratch",
    "--no-such-option": "unrecognized arguments: --no-such-option",
}


@pytest.mark.parametrize("arguments", USAGE_ERRORS)
def test_wrong_usage_exits_2_says_what_is_expected_and_writes_nothing(arguments: str, tmp_path: Path) -> None:
    given = arguments.split()
    found = inside(
        tmp_path / "out", *given, *(["--dataset", "digits"] if "--dataset" not in given else []), "--offline"
    )
    assert found.code == 2, found.stdout
    assert re.search(USAGE_ERRORS[arguments], found.stderr)
    assert "Traceback" not in found.stderr
    assert found.stdout == ""
    assert not found.output.exists()


def test_wrong_usage_is_the_exit_code_of_the_process(tmp_path: Path) -> None:
    found = run(tmp_path / "out", "--sizes", "784,thirty,10")
    assert (found.code, found.stdout) == (2, "")
    assert "Traceback" not in found.stderr


def test_a_python_without_the_packages_is_told_where_they_are() -> None:
    done = subprocess.run([sys.executable, "-S", "compare.py", "check", "mine.py"], cwd=ROOT, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: this Python has no package '\w+', .*`\.venv/bin/python compare\.py`.*\n", done.stderr)


def test_two_implementations_of_one_name_are_wrong_usage(tmp_path: Path) -> None:
    files = [tmp_path / "one" / "mine.py", tmp_path / "other" / "mine.py"]
    for file in files:
        file.parent.mkdir()
        file.write_text("from impls.numpy_scratch import Network")
    found = inside(tmp_path / "out", *SMALL, "-i", str(files[0]), "-i", str(files[1]))
    assert found.code == 2
    assert "got two named mine, expected different names" in found.stderr


def test_a_file_that_is_called_as_one_of_ours_is_shown_with_its_ending(tmp_path: Path) -> None:
    namesake = tmp_path / "numpy_scratch.py"
    namesake.write_text("from impls.numpy_scratch import Network")
    found = inside(tmp_path / "out", *SMALL, *of("numpy_scratch"), "-i", str(namesake))
    assert found.code == 0, found.stderr
    assert found.record["implementations"] == ["numpy_scratch", "numpy_scratch.py"]


def test_one_implementation_named_twice_is_run_once(tmp_path: Path) -> None:
    path = os.path.relpath(STUBS / "has_a_dataclass.py", ROOT)
    assert implementations.locate_all([path, "numpy_scratch", str(ROOT / path), "numpy_scratch"]) == (
        str(ROOT / path),
        "numpy_scratch",
    )


def test_no_output_overwrites_another(plain: Run) -> None:
    before = {path: path.stat().st_mtime_ns for path in plain.output.rglob("*")}
    again = inside(plain.output, *SMALL, *of("numpy_scratch"))
    assert again.code == 2
    assert f"--output: got {plain.output}, which exists, expected a new or empty folder" in again.stderr
    assert {path: path.stat().st_mtime_ns for path in plain.output.rglob("*")} == before


@pytest.mark.parametrize("output", ["file", "file/below"])
def test_an_output_that_cannot_be_a_folder_is_wrong_usage(output: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(SettingError, match=r"output: .*file"):
        plan.make_folder(tmp_path / output, "digits")
    assert (tmp_path / "file").read_text() == "mine"


def test_two_runs_that_start_in_the_same_second_have_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan, "RESULTS", tmp_path)
    monkeypatch.setattr(plan, "datetime", SimpleNamespace(now=lambda: datetime(2026, 1, 2)))
    first, second = plan.make_folder(None, "digits"), plan.make_folder(None, "digits")
    assert (first.name, second.name) == ("2026-01-02-000000-digits", "2026-01-02-000000-digits-2")


# ---- Data ----------------------------------------------------------------------------------------------


def test_mnist_that_is_not_there_exits_3_and_says_what_to_do(tmp_path: Path) -> None:
    found = run(tmp_path / "out", "--dataset", "mnist", "--offline", "--data-dir", str(tmp_path / "empty"))
    assert (found.code, found.stdout) == (3, "")
    assert re.match(r"error: .*empty: found no train-images.*expected.*\n  remedy: .*data_dir", found.stderr)
    assert "Traceback" not in found.stderr
    assert not found.output.exists()


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("empty", "train-images-idx3-ubyte"),
        ("fifo", "train-labels-idx1-ubyte"),
        ("bomb-of-labels", "train-labels-idx1-ubyte.gz"),
        ("label-255-zipped", "t10k-labels-idx1-ubyte.gz"),
        ("digest-of-few-images", "train-images-idx3-ubyte"),
    ],
)
@pytest.mark.parametrize("dataset", ["mnist", "auto"])
def test_a_hostile_file_exits_3_and_is_named(name: str, file: str, dataset: str, tmp_path: Path) -> None:
    from tests.data.hostile import HOSTILE

    folder = tmp_path / "data"
    folder.mkdir()
    HOSTILE[name](folder)
    found = inside(tmp_path / "out", "--dataset", dataset, "--offline", "--data-dir", str(folder))
    assert (found.code, found.stdout) == (3, "")
    assert re.match(rf"error: {re.escape(str(folder / file))}: found .*, expected .*\n  remedy: .", found.stderr)
    assert "Traceback" not in found.stderr
    assert not found.output.exists()


def test_auto_without_mnist_says_in_one_line_and_in_the_title_that_it_uses_the_digits(tmp_path: Path) -> None:
    arguments = ["--dataset", "auto", "--data-dir", str(tmp_path), *of("numpy_scratch")]
    found = run(tmp_path / "out", *SMALL, *arguments)
    assert found.code == 0
    (notice,) = (line for line in found.stderr.splitlines() if not line.startswith(("round ", "details: ")))
    assert re.match("using the bundled digits instead of MNIST: .*offline.*; for MNIST: .*data_dir", notice)
    assert re.search("^bundled digits .*: 100 training, 250 validation and 250 test images", found.stdout, re.M)


# ---- Sockets -------------------------------------------------------------------------------------------


def sockets(tmp_path: Path, *arguments: str) -> tuple[Run, dict[str, list[str]]]:
    """Run a command whose processes log and refuse sockets; return what each of them, by its id, tried."""
    log = tmp_path / "sockets"
    found = run(
        tmp_path / "out",
        *arguments,
        env={
            "PYTHONPATH": str(STUBS / "no_sockets"),
            "SAMEGRAD_TEST_SOCKETS": str(log),
            "SAMEGRAD_MIRRORS": "http://127.0.0.1:9/",
        },
    )
    tried: dict[str, list[str]] = {}
    for line in log.read_text().splitlines():
        process, _, event = line.partition(" ")
        tried.setdefault(process, []).append(event)
    return found, tried


def test_offline_opens_no_socket_and_each_worker_knows_its_own_framework_only(tmp_path: Path) -> None:
    found, tried = sockets(tmp_path, *SMALL, "--dataset", "auto", "--data-dir", str(tmp_path))
    assert found.code == 0, found.stdout
    assert len(tried) >= 1 + 1 + len(implementations.defaults())  # the parent, the reference and a worker for each
    assert [events for events in tried.values() if events != ["started"]] == []
    frameworks = {"numpy_scratch": "numpy", "pytorch": "torch", "tensorflow_keras": "tensorflow"}
    for name, framework in frameworks.items():
        assert found.row(name)[-1] == "ok"
        worker = json.loads((found.output / "workers" / f"round-1-{name}.json").read_text())
        assert {"torch", "tensorflow", framework} & worker["versions"].keys() == {framework}


def test_sockets_would_have_been_noticed_in_the_parent_and_in_a_worker(tmp_path: Path) -> None:
    online = [word for word in SMALL if word != "--offline"]
    _, tried = sockets(tmp_path, *online, "--dataset", "auto", "--data-dir", str(tmp_path), *of("opens_a_socket"))
    assert sum(any(event.startswith("socket.") for event in events) for events in tried.values()) == 2


# ---- Planted faults ------------------------------------------------------------------------------------

FAULTS = {
    "gradient_too_large": r"gradients: [Wb][12] is off by 1\.0e-03, allowed 1\.0e-05; after 1 step",
    "drops_last_batch": r"after 100 steps: [Wb][12] is off by \d",
    "biases_never_move": r"after 1 step: b[12] is off by \d",
    "computes_in_float16": r"outputs: a_L is off by .*gradients: [Wb][12] is off by \d",
}


@pytest.fixture(scope="module")
def faults(tmp_path_factory: pytest.TempPathFactory) -> Run:
    names = ("numpy_scratch", "sums_in_another_order", "has_a_dataclass", *FAULTS)
    return run(tmp_path_factory.mktemp("faults") / "out", *SMALL, *of(*names))


@pytest.mark.parametrize("stub", FAULTS)
def test_a_planted_fault_fails_agreement_where_it_lies_and_is_not_timed(faults: Run, stub: str) -> None:
    assert faults.code == 4
    *cells, status = faults.row(stub)
    assert status == "FAILED AGREEMENT"
    assert set(cells[1:4]) == {"-"}
    assert "epochs" not in faults.sample(stub)
    for text in (faults.stdout, (faults.output / "table.md").read_text()):
        assert re.search(f"{stub}, round 1: {FAULTS[stub]}", text)


def test_rounding_is_no_fault(faults: Run) -> None:
    assert faults.row("numpy_scratch")[-1] == faults.row("sums_in_another_order")[-1] == "ok"
    (pair,) = (p for p in pairs(faults.record) if p.names == ("numpy_scratch", "sums_in_another_order"))
    assert 0 < pair.errors["gradients"] < 1e-5


def test_a_stub_may_be_any_module_that_python_can_import(faults: Run) -> None:
    assert faults.row("has_a_dataclass")[-1] == "ok"


def test_in_float64_float16_is_a_fault_and_rounding_is_none(tmp_path: Path) -> None:
    names = ("sums_in_another_order", "computes_in_float16")
    found = inside(tmp_path / "out", *SMALL, "--dtype", "float64", *of(*names))
    assert found.code == 4
    assert [found.row(name)[-1] for name in names] == ["ok", "FAILED AGREEMENT"]


def test_a_faulty_stub_cannot_take_the_place_of_the_reference(tmp_path: Path) -> None:
    impostor = tmp_path / "float64-reference.py"
    impostor.write_text((STUBS / "gradient_too_large.py").read_text())
    found = inside(tmp_path / "out", *SMALL, "-i", str(impostor), *of("numpy_scratch"))
    assert found.code == 2 or (found.code, found.row("numpy_scratch")[-1]) == (4, "ok")


def test_training_that_diverges_accuses_nobody(tmp_path: Path) -> None:
    names = ("numpy_scratch", "sums_in_another_order")
    network = ["--activation", "leaky_relu", "--learning-rate", "3", "--sizes", "784,30,30,10"]
    found = inside(tmp_path / "out", *SMALL, *network, *of(*names))
    assert found.code == 0
    assert [found.row(name)[-1] for name in names] == ["diverged", "diverged"]
    assert "after 100 steps: nothing can be concluded, because the problem magnifies rounding" in found.stdout
    details = inside(None, "show", str(found.output), "--details").stdout
    assert "after 100 steps: training magnifies rounding so much that nothing can be concluded" in details
    assert inside(None, "report", str(found.output)).code == 0


# ---- Where the output goes -----------------------------------------------------------------------------

ASCII = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}


@pytest.mark.exhaustive_unless(fits=lambda width: width == 80)
@pytest.mark.parametrize(
    ("width", "env"), [(80, ASCII), (160, {"NO_COLOR": "1", "LC_ALL": "C"})], ids=["80 ascii", "160 no colour"]
)
def test_through_a_pipe_lines_fit_and_are_plain(width: int, env: dict[str, str], tmp_path: Path) -> None:
    found = run(tmp_path / "out", *SMALL, *of("numpy_scratch", "biases_never_move"), env=env | {"COLUMNS": str(width)})
    assert found.code == 4, found.stderr
    assert re.search(r"[^\n\x20-\x7e]", found.stdout + found.stderr) is None
    lines = found.stdout.splitlines()
    *progress, command = found.stderr.splitlines()  # the last is to copy, and not broken
    assert command.startswith("details: ")
    assert max(map(len, [*lines, *progress])) <= width
    assert len([line for line in lines if re.match("numpy_scratch +\\d+ %", line)]) == 1


def test_what_a_worker_writes_to_stderr_reaches_the_terminal_as_plain_text(tmp_path: Path) -> None:
    found = run(tmp_path / "out", *SMALL, *of("complains_in_colour"), env=ASCII)
    assert found.code == 1, found.stderr
    assert "planted" in found.stdout
    assert re.search(r"[^\n\x20-\x7e]", found.stdout) is None


def on_a_terminal(*arguments: str, **env: str) -> str:
    """Return everything that a terminal is sent by a command that succeeds."""
    fcntl, pty, termios = map(pytest.importorskip, ("fcntl", "pty", "termios"))
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    process = subprocess.Popen(
        [*COMMAND, *arguments], cwd=ROOT, env=environment(**env), stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    received = b""
    try:
        while part := os.read(ours, 1 << 16):
            received += part
    except OSError:  # Linux: the other side has been closed
        pass
    finally:
        os.close(ours)
    assert process.wait(SECONDS) == 0
    return received.decode().replace("\r\n", "\n")


ONE = [*SMALL, *PATIENT, *of("numpy_scratch"), "--output"]
COLOUR = re.compile(r"\x1b\[(?:\d+;)*[349]\d")


def test_a_terminal_gets_a_live_display_in_colour(tmp_path: Path) -> None:
    shown = on_a_terminal(*ONE, str(tmp_path / "out"))
    assert "\x1b" in shown
    assert COLOUR.search(shown)


def test_no_color_means_no_colour(tmp_path: Path) -> None:
    assert COLOUR.search(on_a_terminal(*ONE, str(tmp_path / "out"), NO_COLOR="1")) is None


def test_a_dumb_terminal_gets_plain_lines(tmp_path: Path) -> None:
    shown = on_a_terminal(*ONE, str(tmp_path / "out"), TERM="dumb")
    assert "round 1/1 numpy_scratch: epoch 1/1" in shown
    assert re.search(r"[\x1b\r]", shown) is None
    assert max(map(len, shown.splitlines()[:-1])) <= 100


def test_a_file_for_another_contract_says_what_is_expected(tmp_path: Path) -> None:
    found = run(tmp_path / "out", *SMALL, *of("numpy_scratch", "keeps_the_old_contract"))
    assert found.code == 1
    assert found.row("keeps_the_old_contract")[-1] == "not available"
    assert "got no load and train(x, y, order), expected load(x, y), called once, then train(order)" in found.stdout
    assert found.row("numpy_scratch")[-1] == "ok"


@pytest.mark.parametrize(
    ("command", "line"),
    [
        ("agree -i minitorch --dataset digits", "gradients"),
        ("lockstep -i minitorch --steps 5 --dataset digits", "steps"),
        ("check shared/diagnosis/example.py", "checking shared/diagnosis/example.py"),
        ("predict docs/digits/seven.png -i numpy_scratch --dataset digits", "predictions"),
        ("report", "writing the page"),
    ],
)
def test_what_takes_longer_than_a_second_has_a_progress_line(
    command: str, line: str, plain: Run, tmp_path: Path
) -> None:
    if command == "report":
        shutil.copy(plain.output / "run.json", tmp_path)
        command = f"report {tmp_path}"
    assert re.search(rf"{line}\S* .*\d:\d\d:\d\d", on_a_terminal(*command.split()))
