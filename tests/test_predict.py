"""The verb `predict`, as a user runs it."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from shared.data import DataError, digits, photo
from shared.initial import draw_parameters
from shared.record import parameters
from shared.spec import NetworkSpec, TrainingSpec
from tests.command import ROOT, SMALL, Run, inside, run
from tests.data.photos import photograph

SAMPLES = ROOT / "docs" / "digits"
SEVEN, TWO = str(SAMPLES / "seven.png"), str(SAMPLES / "two.png")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run whose parameters are used."""
    found = run(tmp_path_factory.mktemp("run") / "made", *SMALL, "-i", "numpy_scratch", "-i", "minitorch")
    assert found.code == 0
    return found


def predict(*arguments: str | Path) -> Run:
    return inside(None, "predict", *map(str, arguments))


def test_each_implementation_says_what_its_own_parameters_make_of_it(made: Run) -> None:
    found = predict(SEVEN, TWO, "--run", made.output, "--format", "json")
    assert (found.code, found.stderr) == (0, "")
    rows = json.loads(found.stdout)["rows"]
    names = [(Path(r["image"]).stem, r["implementation"]) for r in rows]
    assert names == [(image, name) for image in ("seven", "two") for name in ("numpy_scratch", "minitorch")]
    for one, other in (rows[:2], rows[2:]):
        assert one["digit"] == np.argmax(one["activations"])
        assert np.allclose(one["activations"], other["activations"], atol=1e-4)
    assert not np.allclose(rows[0]["activations"], rows[2]["activations"], atol=1e-3)


def test_it_is_the_trained_network_that_is_asked(made: Run) -> None:
    spec, training = NetworkSpec(), TrainingSpec()
    folder = made.output / "workers"
    learnt = parameters.load(folder / "round-1-numpy_scratch.parameters.npz", spec, "float32")
    drawn = draw_parameters(spec, training)
    assert all(not np.array_equal(learnt[name], drawn[name]) for name in spec.parameter_shapes)


def test_the_table_has_a_line_a_digit_and_says_whether_they_agree(made: Run) -> None:
    found = predict(SEVEN, "--run", made.output, "--show")
    assert re.search(r"^activation +numpy_scratch +minitorch$", found.stdout, re.MULTILINE)
    assert len(re.findall(r"^\d +(?:> )?[01]\.\d{3} +(?:> )?[01]\.\d{3}$", found.stdout, re.MULTILINE)) == 10
    assert len(re.findall(r"> ", found.stdout)) == 2
    assert re.search(r"^all 2 say \d; activations differ by at most \d\.\de-\d\d$", found.stdout, re.MULTILINE)
    assert "each implementation's own, from made: 1 epoch on bundled digits (8x8, resized), seed 1" in found.stdout
    picture = found.stdout.partition("seven.png\n")[2].splitlines()[:14]
    assert sum("#" in line or "@" in line for line in picture) >= 5


def test_without_a_run_numpy_learns_in_seconds_and_says_so(tmp_path: Path) -> None:
    code = "import sys, pathlib, shared.measure.plan as plan, compare; plan.RESULTS = pathlib.Path(sys.argv[1]); "
    code += "sys.exit(compare.main(['predict', *sys.argv[2:]]))"
    options = ["-i", "numpy_scratch", "--dataset", "digits", "--offline"]
    found = run(None, str(tmp_path / "results"), SEVEN, *options, command=[sys.executable, "-c", code])
    assert (found.code, found.stderr) == (0, "")
    assert re.search(r"no run has kept any, so NumPy .* 10 epochs on bundled digits .*, test accuracy \d", found.stdout)
    assert re.search(r"^numpy_scratch says \d$", found.stdout, re.MULTILINE)


def test_an_image_that_is_none_costs_the_others_nothing(made: Run, tmp_path: Path) -> None:
    (tmp_path / "no.png").write_bytes(b"no image")
    found = predict(tmp_path / "no.png", SEVEN, tmp_path / "nowhere.png", "--run", made.output)
    assert found.code == 3
    assert len(re.findall(r"^error: .*, expected .*\n  remedy: .", found.stderr, re.MULTILINE)) == 2
    assert "seven.png" in found.stdout
    alone = predict(tmp_path / "no.png", "--run", made.output)
    assert (alone.code, alone.stdout) == (3, "")


def test_what_is_doubtful_is_said_on_stderr_and_in_the_answer(made: Run, tmp_path: Path) -> None:
    ink = np.asarray(digits.load().test.images[:2], float).reshape(2, 28, 28) / 255
    for name, kind in (("two.png", "two digits"), ("none.png", "empty gradient")):
        photograph(kind, ink[0], ink[1], seed=0).save(tmp_path / name)
    remark = photo.SEVERAL.format(2)
    found = predict(tmp_path / "two.png", "--run", made.output, "--show")
    assert (found.code, found.stderr) == (0, f"warning: {tmp_path / 'two.png'}: {remark}\n")
    assert f"! {tmp_path / 'two.png'}: {remark}\n" in found.stdout
    answer = json.loads(predict(tmp_path / "two.png", "--run", made.output, "--format", "json").stdout)
    assert answer["remarks"] == [f"{tmp_path / 'two.png'}: {remark}"]
    found = predict(tmp_path / "none.png", "--run", made.output)
    assert (found.code, found.stdout) == (3, "")
    assert "none.png: found no digit" in found.stderr


def test_wrong_usage_says_what_is_expected(made: Run, tmp_path: Path) -> None:
    for arguments, message in (
        ([], "the following arguments are required: IMAGE"),
        ([SEVEN, "--run", str(tmp_path)], "no run"),
        (
            [SEVEN, "--run", str(made.output), "-i", "pytorch"],
            "-i: got pytorch, expected one of numpy_scratch, minitorch",
        ),
    ):
        found = predict(*arguments)
        assert found.code == 2
        assert message in found.stderr


def test_a_network_with_an_activation_for_each_layer_is_asked_for_its_own(tmp_path: Path) -> None:
    made = inside(tmp_path / "made", *SMALL, "--network", "784-20tanh-10identity", "-i", "numpy_scratch")
    assert made.code == 0, made.stdout + made.stderr
    found = predict(SEVEN, "--run", made.output)
    assert found.code == 0, found.stderr
    assert found.stdout.startswith("784-20tanh-10identity, quadratic\n")


SPEC = NetworkSpec.dense((5, 3, 2))
ARRAYS = draw_parameters(SPEC, TrainingSpec())


def test_parameters_come_back_as_they_were(tmp_path: Path) -> None:
    parameters.save(ARRAYS, tmp_path / "p.npz")
    found = parameters.load(tmp_path / "p.npz", SPEC, "float32")
    assert list(found) == list(ARRAYS)
    assert all(np.array_equal(found[name], array) for name, array in ARRAYS.items())


def test_parameters_without_biases_come_back_as_they_were(tmp_path: Path) -> None:
    spec = NetworkSpec.parse("5-3_nobias-2_nobias")
    parameters.save(draw_parameters(spec, TrainingSpec()), tmp_path / "p.npz")
    assert list(parameters.load(tmp_path / "p.npz", spec, "float32")) == ["W1", "W2"]
    with pytest.raises(DataError, match="arrays W1, W2, expected W1, b1, W2, b2"):
        parameters.load(tmp_path / "p.npz", SPEC, "float32")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"W1": np.zeros((3, 4), "f4")}, r"W1 \(3, 4\) in float32, expected \(3, 5\)"),
        ({"W1": ARRAYS["W1"].T}, r"W1 \(5, 3\)"),
        ({"b2": ARRAYS["b2"].astype("i4")}, "b2 .* in int32"),
        ({"b2": np.array([1, np.nan], "f4")}, "b2 with numbers that are not finite"),
        ({"W2": np.full((2, 3), np.inf, "f4")}, "W2 with numbers that are not finite"),
        ({"W3": np.zeros((1, 1), "f4")}, "arrays W1, W2, W3, b1, b2, expected W1, b1, W2, b2"),
        ({"W1": np.zeros((900, 900), "f4")}, "bytes, expected at most"),
        ({"W1": np.array([[object()] * 5] * 3)}, "no readable parameters"),
    ],
)
def test_other_parameters_are_refused(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    np.savez(tmp_path / "p.npz", **(ARRAYS | changes))  # type: ignore[arg-type]
    with pytest.raises(DataError, match=message):
        parameters.load(tmp_path / "p.npz", SPEC, "float32")


@pytest.mark.parametrize("cut", [0, 1, 30, 400, 700])
def test_a_torn_file_of_parameters_is_refused(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "p.npz"
    parameters.save(ARRAYS, path)
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(DataError, match="no readable parameters"):
        parameters.load(path, SPEC, "float32")


def test_damaged_parameters_of_a_run_end_with_3(made: Run, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(made.output, copy)
    (copy / "workers" / "round-1-minitorch.parameters.npz").write_bytes(b"PK")
    found = predict(SEVEN, "--run", copy)
    assert (found.code, found.stdout) == (3, "")
    assert "round-1-minitorch.parameters.npz: found no readable parameters" in found.stderr
