"""What can be made of a data set: fewer examples, standardised inputs; and that a snapshot keeps it."""

from pathlib import Path

import numpy as np
import pytest

from shared import options
from shared.data import LOADERS, digits, snapshot
from shared.errors import SettingError, SpecError
from shared.spec import MEAN, STANDARD_DEVIATION, NetworkSpec

DATASET = digits.load()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_standardised_inputs_are_those_of_the_tutorials(dtype: str) -> None:
    x, y = DATASET.train.arrays(dtype)
    standardised, labels = DATASET.with_standardised_inputs().train.arrays(dtype)
    assert standardised.dtype == np.dtype(dtype)
    assert np.allclose(standardised, (x - MEAN) / STANDARD_DEVIATION, atol=1e-6)
    assert np.array_equal(y, labels)


@pytest.mark.mnist
def test_standardised_mnist_has_mean_0_and_standard_deviation_1(mnist_dir: Path) -> None:
    from shared.data import mnist

    dataset = mnist.load(mnist_dir, offline=True).with_standardised_inputs()
    x = np.concatenate([dataset.train.arrays("float64")[0], dataset.validation.arrays("float64")[0]])
    assert abs(x.mean()) < 1e-3
    assert abs(x.std() - 1) < 1e-3


def test_every_split_is_standardised_and_the_title_and_the_digest_say_so() -> None:
    other = DATASET.with_standardised_inputs()
    assert all(split.standardised for split in (other.train, other.validation, other.test))
    assert ", standardised," in other.title
    assert "standardised" not in DATASET.title
    assert other.digest != DATASET.digest


def test_fewer_examples_are_the_first_and_keep_the_rest() -> None:
    fewer = DATASET.with_standardised_inputs().with_train_size(10).with_test_size(7)
    assert (len(fewer.train), len(fewer.validation), len(fewer.test)) == (10, 7, 7)
    assert fewer.train.standardised
    assert fewer.test.standardised
    assert np.array_equal(fewer.test.images, DATASET.test.images[:7])


def test_a_snapshot_keeps_all_of_it(tmp_path: Path) -> None:
    for dataset in (DATASET, DATASET.with_standardised_inputs().with_test_size(3)):
        snapshot.save(dataset, tmp_path / "data.npz")
        kept = snapshot.load(tmp_path / "data.npz", dataset.digest)
        assert kept.title == dataset.title
        assert (kept.key, kept.epochs, kept.n_in, kept.n_out) == ("digits", 10, 784, 10)


def test_the_command_offers_the_data_sets_that_can_be_loaded() -> None:
    assert ("auto", *LOADERS) == options.DATASETS
    assert DATASET.key in LOADERS


@pytest.mark.parametrize("fitting", ["784-10", "28x28-30tanh-10", "784-5-5-10_nobias"])
def test_a_network_that_fits_is_not_refused(fitting: str) -> None:
    DATASET.check(NetworkSpec.parse(fitting), len(DATASET.train))


@pytest.mark.parametrize("other", ["783-10", "784-30-2", "28x27-10"])
def test_a_network_or_a_batch_that_does_not_fit_is_refused(other: str) -> None:
    with pytest.raises(SpecError, match="expected 784 inputs and 10 outputs, such as 784-30-10"):
        DATASET.check(NetworkSpec.parse(other), 1)
    with pytest.raises(SettingError, match="batch_size: got 1,298, expected at most 1,297"):
        DATASET.check(NetworkSpec(), len(DATASET.train) + 1)
