"""On real MNIST: the accuracies that the article's network is known to reach."""

from itertools import islice
from pathlib import Path

import pytest

from impls.numpy_scratch import Network
from shared import data, initial
from shared.data import Dataset
from shared.evaluation import accuracy
from shared.spec import NetworkSpec, TrainingSpec

pytestmark = pytest.mark.mnist
SPEC, TRAINING = NetworkSpec(), TrainingSpec()


@pytest.fixture(scope="module")
def dataset(mnist_dir: Path) -> Dataset:
    return data.load("mnist", mnist_dir, offline=True)[0]


@pytest.mark.exhaustive_unless(fits=lambda epochs: epochs == 3)
@pytest.mark.parametrize("epochs", [3, 30])
def test_accuracy(dataset: Dataset, epochs: int) -> None:
    x, y = dataset.train.arrays(TRAINING.dtype)
    x_test, y_test = dataset.test.arrays(TRAINING.dtype)
    network = Network(SPEC, TRAINING, initial.draw_parameters(SPEC, TRAINING))
    network.load(x, y)
    reached = []
    for order in islice(initial.draw_orders(TRAINING, len(y)), epochs):
        network.train(order)
        reached.append(accuracy(network.predict(x_test), y_test))
    # Measured for seeds 1 to 10: 93.0-93.5 % and 94.6-95.3 %, but 84 % and 86 % for seeds 5 and 6, whose initial
    # weights saturate an output unit that never recovers; so does every implementation.
    assert 0.92 < reached[2] < 0.94
    if epochs == 30:
        assert 0.943 < reached[-1] < 0.957
