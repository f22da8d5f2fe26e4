"""How files with convolutions are read: sizes of images, arrays that are held twice, modules without a loss."""

from pathlib import Path

import numpy as np
import pytest

from shared.diagnosis import as_written
from shared.diagnosis.facts import Facts, Options, Subject
from shared.diagnosis.operators import OperatorFacts
from shared.reading import choose
from shared.reading.program import UnreadableError

FILES = Path(__file__).parent / "files"


def facts_of(text: str, folder: Path, options: Options | None = None) -> Facts | OperatorFacts:
    """Return what is measured of a text."""
    (folder / "net.py").write_text(text)
    return Subject.load(str(folder / "net.py")).facts(options or Options())


def of_file(name: str) -> str:
    """Return the text of a file."""
    return (FILES / name).read_text()


def test_images_are_small_and_large_enough_for_windows_to_overlap(tmp_path: Path) -> None:
    one = facts_of(of_file("conv_33_all_in_one_class.py"), tmp_path)
    assert isinstance(one, Facts)
    assert one.form.image == (6, 6)
    two = facts_of(of_file("conv_29_two_convolutions.py"), tmp_path)  # with 12 x 12, one place is left of each filter
    assert isinstance(two, Facts)
    assert two.form.image == (1, 16, 16)
    assert two.derivatives.arrays["fc.W"].shape == (10, 24)
    assert "one image at a time, x (1, 16, 16), y labels" in two.words()


def test_what_a_dict_and_a_layer_hold_is_one_parameter(tmp_path: Path) -> None:
    found = facts_of(of_file("conv_27_simple_conv_net.py"), tmp_path)
    assert isinstance(found, Facts)
    assert list(found.derivatives.arrays) == [f"params['{name}']" for name in ("W1", "b1", "W2", "b2", "W3", "b3")]


def test_no_two_pixels_are_equal_and_neighbours_are_alike() -> None:
    x = choose._images(np.random.default_rng(1), (3, 2, 8, 8), 1.0)
    assert len(np.unique(x)) == x.size
    assert np.corrcoef(x[..., :-1].ravel(), x[..., 1:].ravel())[0, 1] > 0.5
    bright = choose._images(np.random.default_rng(1), (3, 8, 8), 255.0)
    assert bright.min() > 0
    assert bright.max() > 100


def test_a_factor_of_a_network_is_no_mistake_of_its_convolution(tmp_path: Path) -> None:
    text = of_file("conv_14_three_layer_net_sum.py").replace("dx_pad[:, :, pad:pad + H", "dx_pad[:, :, :H")
    found = as_written.judge(facts_of(text, tmp_path)).diagnosis  # whose input gradient nobody uses
    assert found is not None
    assert found.name == "missing 1/n"


def test_a_module_without_a_loss_is_not_judged(tmp_path: Path) -> None:
    text = of_file("conv_16_torch_cnn.py").partition("criterion")[0]
    with pytest.raises(UnreadableError, match="net has no criterion"):
        facts_of(text, tmp_path)


def test_an_operator_can_be_chosen_and_one_that_cannot_be_called_is_told(tmp_path: Path) -> None:
    text = of_file("conv_04_naive_layers.py")
    found = facts_of(text, tmp_path, Options(entry="max_pool_backward_naive"))
    assert isinstance(found, OperatorFacts)
    assert as_written.judge(found).network == "max_pool_backward_naive"
    unknown = text.replace("conv_forward_naive(x, w, b, conv_param)", "conv_forward_naive(x, w, b, what, conv_param)")
    verdict = as_written.judge(facts_of(unknown, tmp_path))
    assert "conv_backward_naive: it is not known how it is called" in verdict.not_checked


def test_a_dense_network_with_a_name_of_a_convolution_is_read(tmp_path: Path) -> None:
    text = of_file("06_coursera_planar.py") + "\n\ndef conv_plot(image):\n    return image\n"
    found = facts_of(text, tmp_path)
    assert isinstance(found, Facts)
    assert not found.form.image


def test_a_network_that_raises_is_not_right_because_its_convolutions_are(tmp_path: Path) -> None:
    text = of_file("conv_27_simple_conv_net.py").replace("dx = np.dot(dout, self.W.T)", "dx = np.dot(dout, self.W)")
    with pytest.raises(UnreadableError, match=r"; by themselves, Convolution.backward, Pooling.backward are right"):
        as_written.judge(facts_of(text, tmp_path))


def test_a_convolution_that_is_wrong_and_of_no_effect_is_a_hazard(tmp_path: Path) -> None:
    text = of_file("conv_12_three_layer_net.py").replace("dx_pad[:, :, pad:pad + H", "dx_pad[:, :, :H")
    verdict = as_written.judge(facts_of(text, tmp_path))
    assert verdict.right
    assert any("conv_backward_naive by itself" in hazard and "does not show" in hazard for hazard in verdict.hazards)
