"""Convolutions and pools by themselves: right by their own forward pass, named only where a prediction is met."""

import re
from pathlib import Path

import pytest

from shared.diagnosis import as_written, operators
from shared.diagnosis.operators import OperatorFacts
from shared.diagnosis.predicted import Canonical, mistakes
from shared.reading import trials as reading
from shared.reading.program import UnreadableError
from shared.reading.source import Source

FILES = Path(__file__).parents[1] / "learners" / "files"
NAIVE = (FILES / "conv_04_naive_layers.py").read_text()
FUNCTIONS = (FILES / "conv_37_functions_mean.py").read_text().replace(" / len(X)", "")
LAYER = (FILES / "conv_22_layer_alone.py").read_text()
PLACE = "i * stride:i * stride + HH, j * stride:j * stride + WW"
CUT = "dx_pad[:, :, pad:pad + H, pad:pad + W]"
WINDOW = f"window = x_pad[n, :, {PLACE}]\n                    dw"


def verdict_of(text: str) -> as_written.OwnVerdict:
    """Return the verdict on a text."""
    source = Source(FILES / "net.py", text=text)
    source.load()
    found, failures = reading.trials(source)
    return as_written.judge(OperatorFacts(found, text, "", failures))


@pytest.mark.parametrize("text", [NAIVE, FUNCTIONS, LAYER])
def test_right_operators_are_right(text: str) -> None:
    verdict = verdict_of(text)
    assert verdict.right, verdict.diagnosis
    assert "the whole network not checked" in verdict.headline


@pytest.mark.exhaustive_unless(
    fits=lambda name: re.match("kernel not|padding|stride.*in the$|bias.*axes|.*every", name)
)
@pytest.mark.parametrize(
    ("text", "old", "new", "name", "line"),
    [
        (NAIVE, "+= w[f] *", "+= w[f, :, ::-1, ::-1] *", "kernel not turned on the way back", "::-1"),
        (NAIVE, CUT, "dx_pad[:, :, 2*pad:, 2*pad:]", "padding forgotten when", "2*"),
        (NAIVE, CUT, "dx_pad", "padding not cut off", ""),
        (NAIVE, f"dx_pad[n, :, {PLACE}] +=", f"dx_pad[n, :, {PLACE}] =", "input gradient overwritten", "] = w[f]"),
        (NAIVE, f"dx_pad[n, :, {PLACE}]", "dx_pad[n, :, i:i + HH, j:j + WW]", "stride ignored in the", "i:i + HH"),
        (NAIVE, WINDOW, WINDOW.replace(" * stride", ""), "stride ignored in the kernel", ""),
        (NAIVE, "dw[f] += window", "dw[f] += window[:, ::-1, ::-1]", "kernel gradient turned", ""),
        (NAIVE, "dw[f] += window", "dw[f] = window", "kernel gradient overwritten", "dw[f] = window"),
        (NAIVE, "dw[f] += window", "dw[f] += window ** 2", operators.UNNAMED_OPERATOR, ""),
        (NAIVE, "axis=(0, 2, 3))", "axis=(0, 2))", "bias gradient summed over the wrong axes", "axis=(0, 2)"),
        (NAIVE, "np.sum(dout, axis=(0, 2, 3))", "np.sum(dout)", "bias gradient is one number", "np.sum(dout)"),
        (NAIVE, "return dx, dw, db", "return dx, -dw, db", "wrong sign", ""),
        (NAIVE, "return dx, dw, db", "return dx, dw / N, db", "a mean in place of a sum", ""),
        (NAIVE, "i * stride + r, j * stride + s] +=", "i + r, j + s] +=", "stride ignored in the gradient of", ""),
        (FUNCTIONS, "return up * (X == m)", "return up", "the gradient of a max pool goes to every place", ""),
        (FUNCTIONS, "return up * (X == m)", "return up / size ** 2", "the gradient of a max pool is spread", ""),
        (LAYER, "grad.sum(axis=(0, 2, 3))", "2 * grad.sum(axis=(0, 2, 3))", "a stray factor", "self.db = 2"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_and_its_line_only_where_no_other_can_hold_it(
    text: str, old: str, new: str, name: str, line: str
) -> None:
    assert old in text
    head, _, back = text.partition("backward")
    verdict = verdict_of(head + "backward" + back.replace(old, new, 1))
    assert verdict.diagnosis is not None
    assert verdict.diagnosis.name.startswith(name), verdict.diagnosis
    assert [line in text for _, text in verdict.diagnosis.lines] == [True] * bool(line), verdict.diagnosis.lines


def test_a_line_that_takes_what_was_computed_before_is_not_accused() -> None:
    moved = NAIVE.replace("dw[f] += window", "w_i = window[:, ::-1, ::-1]\n                    dw[f] += w_i")
    found = verdict_of(moved).diagnosis
    assert found is not None
    assert (found.name, found.lines) == ("kernel gradient turned", ())


def test_what_a_file_need_not_be_written_for_is_a_hazard() -> None:
    cut = NAIVE.replace(CUT, "dx_pad[:, :, pad:-pad, pad:-pad]")
    verdict = verdict_of(cut)
    assert verdict.right
    assert any(
        "with stride 1, padding 0, the gradient of x has the shape (3, 2, 0, 0)" in each for each in verdict.hazards
    )
    overlapping = NAIVE.replace("j * stride + s] +=", "j * stride + s] =")
    assert any("windows of 3 at stride 2" in hazard for hazard in verdict_of(overlapping).hazards)


def test_equal_maxima_are_a_hazard_where_each_gets_all() -> None:
    assert any("equal maxima" in hazard for hazard in verdict_of(FUNCTIONS).hazards)
    assert not verdict_of(NAIVE).hazards


def test_means_of_all_parameters_are_a_convention_and_of_one_a_mistake() -> None:
    both = FUNCTIONS.replace("return dX, dK, db", "return dX, dK / len(X), db / len(X)")
    verdict = verdict_of(both)
    assert verdict.right
    assert "means over the examples" in verdict.conventions[0]
    assert not verdict_of(both.replace("dK / len(X)", "dK")).right


def test_gradients_in_another_order_and_without_names_are_found_by_their_shapes() -> None:
    text = FUNCTIONS.replace("    return dX, dK, db", "    p, q, r = dX, dK, db\n    return q, r, p")
    assert verdict_of(text).right


def test_a_backward_pass_that_raises_or_fits_nothing_is_not_judged() -> None:
    raises = FUNCTIONS.replace("dX = dXp[", "dX = missing[")
    verdict = verdict_of(raises)
    assert "conv2d_backward not checked" in verdict.headline
    assert any("NameError" in each for each in verdict.not_checked)
    strange = FUNCTIONS.replace("return dX, dK, db", "return dX ** 2, dK ** 2, db ** 2").partition("def maxpool")[0]
    with pytest.raises(UnreadableError, match="none of its gradients"):
        verdict_of(strange)


def test_the_right_gradients_are_no_predicted_mistake() -> None:
    source = Source(FILES / "net.py", text=NAIVE)
    source.load()
    every = [trial for trials in reading.trials(source)[0] for trial in trials]
    for trial in every:
        c = Canonical(trial)
        assert c.is_plain()
        for name in (c.x_name, *([c.w_name] if c.w_name else [])):
            right = c.ordered(trial.derivatives.run.gradients[name], *c.axes_of(name))
            made = list(mistakes(c, name))
            assert made
            overlaps = trial.setting.size > trial.setting.stride or not trial.is_pool
            assert all(
                abs(each.gradient - right).max() > 1e-3 for each in made if overlaps or "overlap" not in each.name
            )
