"""`import samegrad`: every example of its docstring runs, results print themselves, and what is wrong is refused."""

import doctest
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import samegrad
from shared.processes.environment import ROOT
from tests import command, patience


@pytest.fixture
def at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Run in the project's folder, with runs elsewhere."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr("shared.measure.plan.RESULTS", tmp_path)
    patience.wait_long(monkeypatch.setattr)


@pytest.mark.exhaustive
@pytest.mark.usefixtures("at_home")
def test_every_example_runs(capsys: pytest.CaptureFixture[str]) -> None:
    found = doctest.testmod(samegrad)
    assert found.attempted >= 12
    assert found.failed == 0, capsys.readouterr().out


def test_everything_public_is_documented() -> None:
    for name in samegrad.__all__:
        assert getattr(samegrad, name).__doc__, name


@pytest.mark.usefixtures("at_home")
def test_a_result_prints_itself_as_text_and_as_tables_of_a_notebook() -> None:
    found = samegrad.agree("numpy_scratch", dataset="digits")
    assert "784-30-10, sigmoid, quadratic; batch 10" in repr(found)
    assert max(map(len, repr(found).splitlines())) <= 100
    shown = found._repr_html_()
    assert shown.count("<table>") == 2
    assert re.search(r"<td[^>]*>\s*W1\s*</td>", shown)


@pytest.mark.usefixtures("at_home")
def test_what_a_file_says_is_text_in_a_notebook(tmp_path: Path) -> None:
    path = tmp_path / "<b>mine.py"
    fails = "    raise ValueError('<script>alert(1)</script>')\n"
    path.write_text(f"def forward(p, x):\n{fails}\n\ndef gradients(p, x, y):\n{fails}")
    found = samegrad.check(path)
    assert not found.ok
    assert "<script>" not in found._repr_html_()
    assert "<b>" not in found._repr_html_()


@pytest.mark.usefixtures("at_home")
def test_what_cannot_be_asked_is_refused() -> None:
    with pytest.raises(TypeError, match=r"got .batchsize., expected one of .*; did you mean batch_size\?"):
        samegrad.agree(batchsize=10)
    with pytest.raises(TypeError, match="got 'epochs', expected one of network"):
        samegrad.check("shared/diagnosis/example.py", epochs=3)
    with pytest.raises(samegrad.SpecError, match="did you mean sigmoid"):
        samegrad.compare(network="784-30sigmoyd-10", dataset="digits")
    with pytest.raises(samegrad.UnknownImplementationError, match="did you mean pytorch"):
        samegrad.compare("pytorhc", dataset="digits")
    with pytest.raises(samegrad.SettingError, match="batch_size: got 1,000,000, expected at most"):
        samegrad.lockstep("numpy_per_example", batch_size=1_000_000, dataset="digits")
    with pytest.raises(samegrad.SettingError, match="steps: got 0"):
        samegrad.lockstep("numpy_per_example", steps=0)
    with pytest.raises(samegrad.SettingError, match="which does not exist"):
        samegrad.check("nothing.py")
    with pytest.raises(samegrad.RunError, match=r"found no run\.json"):
        samegrad.Run.open(os.devnull + "-not")


@pytest.mark.usefixtures("at_home")
def test_an_option_is_used_or_refused() -> None:
    for wrong in ({"preset": "artcle"}, {"effort": "quik"}, {"inputs": "standardized"}, {"dataset": "mnits"}):
        options: dict[str, Any] = {"dataset": "digits"} | wrong
        with pytest.raises(samegrad.SpecError, match="did you mean"):
            samegrad.compare("numpy_scratch", **options)
    with pytest.raises(TypeError, match="got 'epochs'"):
        samegrad.agree(epochs=3)
    with pytest.raises(TypeError, match="got 'rounds'"):
        samegrad.lockstep("numpy_per_example", rounds=3)
    with pytest.raises(TypeError, match="got 'implementation'"):
        samegrad.compare("numpy_scratch", implementation=["minitorch"])
    with pytest.raises(samegrad.SettingError, match="together with sizes"):
        samegrad.agree(network="784-30-10", sizes=(784, 30, 10), dataset="digits")


@pytest.mark.usefixtures("at_home")
def test_the_functions_work_in_another_thread_than_the_main_one(tmp_path: Path) -> None:
    """As in a notebook's server or a window: signals, and who handles them, are the main thread's."""
    small: dict[str, Any] = {"dataset": "digits", "train_size": 100, "epochs": 1, "rounds": 1}
    with ThreadPoolExecutor(1) as pool:
        steps = pool.submit(samegrad.lockstep, "minitorch", steps=5, dataset="digits")
        run = pool.submit(samegrad.compare, "minitorch", output=tmp_path / "out", **small)
        assert (steps.result().ok, run.result().ok) == (True, True)


@pytest.mark.usefixtures("at_home")
def test_a_spec_is_a_network() -> None:
    assert samegrad.agree("numpy_scratch", network=samegrad.NetworkSpec(), dataset="digits").ok


@pytest.mark.usefixtures("at_home")
def test_gradients_are_those_of_each_implementation() -> None:
    x, y = samegrad.dataset("digits").train.first(5).arrays("float64")
    spec, training = samegrad.NetworkSpec.parse("784-30-10"), samegrad.TrainingSpec(dtype="float64", seed=2)
    start = samegrad.draw_parameters(spec, training)
    exact = samegrad.load("numpy_scratch")(spec, training, start).loss_and_gradients(x, y)[1]
    given: dict[str, Any] = {"spec": spec, "training": training, "x": x, "y": y, "timeout": command.SECONDS}
    for found in (
        samegrad.gradients("numpy_scratch", "minitorch", **given),
        samegrad.gradients("numpy_scratch", "minitorch", **given, parameters=start),
    ):
        assert list(found) == ["numpy_scratch", "minitorch"]
        for gradients in found.values():
            assert all(abs(gradients[name] - exact[name]).max() < 1e-14 for name in exact)
    other = samegrad.gradients("minitorch", **given | {"training": samegrad.TrainingSpec()})["minitorch"]
    assert other["W1"].dtype == "float32"


@pytest.mark.usefixtures("at_home")
def test_examples_that_do_not_fit_are_refused() -> None:
    with pytest.raises(samegrad.SpecError, match="dataset: got 'digit', expected one of"):
        samegrad.dataset("digit")
    x, y = samegrad.dataset("digits").train.first(5).arrays("float64")
    spec = samegrad.NetworkSpec.parse("784-30-10")
    for inputs, labels in ((x[:, :700], y), (x, y[:4]), (x[0], y)):
        with pytest.raises(samegrad.SpecError, match=r"expected shapes \(n, 784\) and \(n,\)"):
            samegrad.gradients("numpy_scratch", spec=spec, x=inputs, y=labels)
