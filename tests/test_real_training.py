"""On real MNIST: the accuracies that the article's network is known to reach, and agreement on real pixels."""

from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from impls.numpy_scratch import Network
from shared import data, implementations, initial
from shared.agreement.observation import compare, disagreements, observe
from shared.data import Dataset
from shared.evaluation import accuracy
from shared.processes.calls import CallProcess
from shared.spec import DTYPES, NetworkSpec, TrainingSpec
from tests import calls
from tests.cases import Case, tolerance

pytestmark = pytest.mark.mnist
SPEC, TRAINING = NetworkSpec(), TrainingSpec()


@pytest.fixture(scope="module")
def dataset(mnist_dir: Path) -> Dataset:
    return data.load("mnist", mnist_dir, offline=True)[0]


def test_accuracy_after_3_and_after_30_epochs(dataset: Dataset) -> None:
    x, y = dataset.train.arrays(TRAINING.dtype)
    x_test, y_test = dataset.test.arrays(TRAINING.dtype)
    network = Network(SPEC, TRAINING, initial.draw_parameters(SPEC, TRAINING))
    network.load(x, y)
    reached = []
    for order in islice(initial.draw_orders(TRAINING, len(y)), 30):
        network.train(order)
        reached.append(accuracy(network.predict(x_test), y_test))
    # Measured for seeds 1 to 10: 93.0-93.5 % and 94.6-95.3 %, but 84 % and 86 % for seeds 5 and 6, whose initial
    # weights saturate an output unit that never recovers; so does every implementation.
    assert 0.92 < reached[2] < 0.94
    assert 0.943 < reached[-1] < 0.957


@pytest.mark.parametrize("name", implementations.names())
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_implementation_agrees_on_real_pixels(dataset: Dataset, name: str, dtype: str) -> None:
    training = replace(TRAINING, dtype=dtype)
    x, y = dataset.train.first(1000).arrays(dtype)
    parameters = initial.draw_parameters(SPEC, training)
    order = next(initial.draw_orders(training, len(y)))
    exact = initial.cast(parameters, "float64")
    expected = observe(Network(SPEC, training, exact), exact, x.astype("float64"), y, order, training.batch_size)
    with CallProcess(name).loaded() as network:
        found = network.call(calls.observe, SPEC, training, parameters, x, y, order)
    assert disagreements(compare(found, expected), tolerance(Case(SPEC, training))) == []
