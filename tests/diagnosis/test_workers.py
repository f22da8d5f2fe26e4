"""Shared batches: each mistake of workers and of micro-batches has its name, and what is right is never accused."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import samegrad
from impls.numpy_scratch import Network as Scratch
from shared.diagnosis import weights
from shared.diagnosis.diagnose import Verdict
from shared.diagnosis.mistakes import parallel
from shared.diagnosis.share_verdict import extend
from shared.diagnosis.shares import Shared, batch_size
from shared.diagnosis.subject import Subject
from shared.interface import Parameters
from shared.spec import NetworkSpec, TrainingSpec, shares
from tests.diagnosis import workers
from tests.diagnosis.workers import InTrainOnly, Network

SPECS = (
    "12-6-4",
    "12-7relu-5tanh-4, cross_entropy",
    "9-6-5, binary_cross_entropy",
    "8x8-conv3-pool-conv4-pool-5",
    "20-4",
)
LONG = ("784-30-10", "6-5leaky_relu-4identity", "5-4-3")
HOW_MANY = (2, 3, 4, 7)
Planted = list[tuple[str, type[Network]]]


def how_many(spec: str) -> tuple[int, ...]:
    """Return all numbers of workers for the first network, and for each other one half or the other."""
    return HOW_MANY if spec == SPECS[0] else HOW_MANY[(SPECS + LONG).index(spec) % 2 :: 2]


PLANTED: Planted = [(name, network) for name, networks in workers.WORKERS.items() for network in networks]
ACCUMULATED: Planted = [(name, network) for name, networks in workers.MICRO_BATCHES.items() for network in networks]


def checked(network: Any, spec: str, k: int = 1, m: int = 1, lines: tuple[str, ...] = ()) -> Verdict:
    """Check what is added to the verdict on a network that is right alone."""
    verdict, subject = Verdict(NetworkSpec.parse(spec), {}), Subject(network)
    extend(verdict, lambda function, *given, **options: function(subject, *given, **options), k, m, list(lines))
    return verdict


def named(network: Any, spec: str, k: int = 1, m: int = 1) -> str:
    """Return the name of its mistake."""
    found = checked(network, spec, k, m).diagnosis
    return found.name if found else "right"


def in_train(network: type[Network]) -> type[Network]:
    """Return a network whose mistake only training shows."""
    return type(f"{network.__name__}InTrainOnly", (InTrainOnly, network), {})


@pytest.mark.exhaustive_unless(fits=lambda spec: spec == SPECS[0])
@pytest.mark.parametrize("spec", SPECS + LONG)
@pytest.mark.parametrize("network", workers.RIGHT, ids=lambda n: n.__name__)
def test_what_is_right_is_not_accused(network: type[Network], spec: str) -> None:
    each = how_many(spec)
    for k, m in [(k, 1) for k in each] + [(1, m) for m in each] + [(3, 2), (2, 5), (8, 8), (1, 100)][:: 4 // len(each)]:
        found = checked(network, spec, k, m)
        assert found.right, (k, m, found.diagnosis, found.checks)
        assert not [name for name, each in found.checks.items() if each is None]


@pytest.mark.exhaustive_unless(fits=lambda spec: spec == SPECS[0])
@pytest.mark.parametrize("spec", SPECS + LONG[:2])
@pytest.mark.parametrize(("name", "network"), PLANTED, ids=lambda value: getattr(value, "__name__", None))
def test_a_mistake_of_workers_has_its_name(name: str, network: type[Network], spec: str) -> None:
    for k in how_many(spec):
        if (network, k) != (workers.OnlyWorker0, HOW_MANY[0]):
            assert named(network, spec, k) == name, k


@pytest.mark.exhaustive_unless(fits=lambda spec: spec == SPECS[0])
@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(("name", "network"), PLANTED, ids=lambda value: getattr(value, "__name__", None))
def test_a_mistake_that_only_training_shows_has_its_name(name: str, network: type[Network], spec: str) -> None:
    if network is workers.LossOfWorker0:
        return  # training has no loss
    assert named(in_train(network), spec, 3) == name


@pytest.mark.exhaustive_unless(fits=lambda spec: spec == SPECS[0])
@pytest.mark.parametrize("spec", SPECS + LONG[:2])
@pytest.mark.parametrize(("name", "network"), ACCUMULATED, ids=lambda value: getattr(value, "__name__", None))
def test_a_mistake_of_micro_batches_has_its_name(name: str, network: type[Network], spec: str) -> None:
    for m in how_many(spec):
        assert named(network, spec, 1, m) == name, m
        assert named(in_train(network), spec, 1, m) == name, m


@pytest.mark.exhaustive_unless(fits=lambda spec: spec == SPECS[0])
@pytest.mark.parametrize("spec", SPECS)
@pytest.mark.parametrize(("name", "network"), PLANTED + ACCUMULATED, ids=lambda value: getattr(value, "__name__", None))
def test_with_workers_and_micro_batches_a_mistake_of_either_has_its_name(
    name: str, network: type[Network], spec: str
) -> None:
    assert name in named(network, spec, 3, 4)


def test_two_mistakes_at_once_are_both_named() -> None:
    class Both(workers.MeanOfParts, workers.LastMicroBatch):
        pass

    assert named(Both, SPECS[0], 3, 4) == f"{parallel.DIVIDED_TWICE}; and {parallel.LAST_ONLY}"


def test_a_mistake_of_another_kind_is_not_called_right_and_not_misnamed() -> None:
    class Strange(Network):
        def all_reduce(self, parts: Any) -> Any:
            loss, g = super().all_reduce(parts)
            return loss, np.sin(7 * g) if self.K > 1 else g

    assert named(Strange, SPECS[0], 3) == "a mistake that is not in the catalogue"


def test_training_with_strange_weights_is_not_called_shuffling() -> None:
    """Each example of later batches counts half, and those of the first batch make up for it."""

    class Strange(Network):
        def train(self, order: Any) -> None:
            n = self.training.batch_size
            super().train(order[:n])
            for first in range(n, len(order), n):
                _, g = self.whole(self.x, self.y, order[first : first + n])
                _, h = self.whole(self.x, self.y, order[:n])
                g += (g + h) / 3 * (self.K > 1)
                for optimizer in self.optimizers:
                    optimizer.step(g.copy())

    assert named(Strange, SPECS[0], 3) == "a mistake that is not in the catalogue"


@pytest.mark.parametrize(
    ("sizes", "name"), [((1, 2), parallel.EMPTY), ((1, 2, 3), "an exception"), ((1,), "an exception")]
)
def test_a_small_batch_that_goes_wrong_for_another_reason_is_not_blamed_on_empty_shares(
    sizes: tuple[int, ...], name: str
) -> None:
    """Three workers have an example each of a batch of 3, and a batch of 2 leaves one of them without."""

    class Raises(Network):
        def assign(self, i: Any) -> Any:
            if self.K > 1 and len(i) in sizes:
                raise ValueError(f"a batch of {len(i)}")
            return super().assign(i)

    assert named(Raises, SPECS[0], 3) == name


def test_an_exception_with_workers_is_told() -> None:
    class Raises(Network):
        def reset(self, parameters: Parameters) -> None:
            if self.K > 2:
                raise RuntimeError("no such rank")
            super().reset(parameters)

    found = checked(Raises, SPECS[0], 3).diagnosis
    assert found is not None
    assert (found.name, found.description) == ("an exception", "with 3 workers: RuntimeError: no such rank")
    assert checked(Raises, SPECS[0], 2).right


@pytest.mark.parametrize(
    ("change", "name", "said"),
    [
        (lambda b: None, "a missing {}", "b2 is missing"),
        (lambda b: b[None, None], "a wrong shape", "b2: shape (1, 1, 4), expected (4,)"),
        (lambda b: np.append(b, 0), "a wrong shape", "b2: shape (5,), expected (4,)"),
        (lambda b: b.astype(str), "a wrong dtype", "b2: dtype <U32"),
    ],
    ids=["missing", "axes", "longer", "text"],
)
@pytest.mark.parametrize("what", ["gradient", "parameter"])
def test_a_tensor_that_does_not_fit_is_told(what: str, change: Any, name: str, said: str) -> None:
    class Odd(Scratch):
        def loss_and_gradients(self, x: Any, y: Any) -> Any:
            loss, g = super().loss_and_gradients(x, y)
            return loss, odd(g) if self.training.workers > 1 and what == "gradient" else g

        def parameters(self) -> Any:
            p = super().parameters()
            return odd(p) if self.training.workers > 1 and what == "parameter" else p

    def odd(tensors: Any) -> Any:
        b2 = change(np.array(tensors["b2"]))
        return {key: b2 if key == "b2" else tensor for key, tensor in tensors.items() if key != "b2" or b2 is not None}

    if what == "gradient" and said.startswith("b2: shape (1"):
        assert named(Odd, SPECS[0], 3) == "right"  # as it is with one worker
        return
    found = checked(Odd, SPECS[0], 3).diagnosis
    assert found is not None
    assert found.name == name.format(what)
    assert said in found.description


@pytest.mark.parametrize("loss", [np.array([]), [0.5, 0.5], "none", np.nan])
def test_a_loss_that_is_no_number_is_told(loss: Any) -> None:
    class Odd(Scratch):
        def loss_and_gradients(self, x: Any, y: Any) -> Any:
            found, g = super().loss_and_gradients(x, y)
            return loss if self.training.workers > 1 else found, g

    assert named(Odd, SPECS[0], 3) == "wrong loss"


def test_a_network_without_adam_is_checked_with_momentum_or_without_a_state() -> None:
    class NoAdam(workers.StateNotReset):
        def optimizer(self, k: int) -> Any:
            if self.training.optimizer == "adam":
                raise ValueError("adam")
            return super().optimizer(k)

    class PlainOnly(Network):
        def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
            if training.optimizer != "sgd":
                raise ValueError(training.optimizer)
            super().__init__(spec, training, parameters)

    assert named(NoAdam, SPECS[0], 3) == parallel.STATE
    found = checked(PlainOnly, SPECS[0], 3)
    assert found.right
    assert found.checks["shared: optimizer"] is None
    assert found.notes == ["with one worker it has none of adam, momentum as in (8): no optimizer's state was checked"]


def test_a_file_that_never_mentions_workers_gets_a_note() -> None:
    assert "uses one only" in checked(Network, SPECS[0], 3, 1, ("x = 1",)).notes[0]
    assert not checked(Network, SPECS[0], 3, 1, ("K = training.workers",)).notes


def test_weights_are_told_with_their_share() -> None:
    found = checked(workers.MeanOfMeans, SPECS[0], 3).diagnosis
    assert found is not None
    assert found.measured == (
        "as built: the gradient is sum_i c_i g_i over the 10 examples, and n c_i, which should be 1, is "
        "1.111 in worker 0 (3), 1.111 in worker 1 (3), 0.8333 in worker 2 (4)"
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 8), st.integers(1, 100))
def test_the_shares_of_a_batch_have_several_sizes(k: int, m: int) -> None:
    n = batch_size(k, m)
    assert 10 <= n <= 61
    assert k == 1 or len({len(range(n)[share]) for share in shares(n, k)}) == 2
    found = Shared.of(NetworkSpec.parse("5-4-3"), k, m)
    assert 1 <= found.few <= found.n < found.n_all <= found.inputs.n_many
    assert (k * m > n) or (k * m == 1) or found.few < k * m


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 40), st.integers(0, 10**6))
def test_weights_are_found_and_those_of_other_gradients_do_not_fit(n: int, seed: int) -> None:
    generator = np.random.default_rng(seed)
    gradients, c = generator.normal(size=(n, 3 * n)), generator.normal(size=n)
    found = weights.weights(gradients, c @ gradients, n)
    assert found.fits
    np.testing.assert_allclose(found.values, n * c, rtol=1e-9, atol=1e-9)
    assert not weights.weights(gradients, generator.normal(size=3 * n), n).fits
    assert not weights.weights(np.concatenate([gradients, gradients]), c @ gradients, n).fits


@pytest.mark.parametrize(("k", "m"), [(3, 1), (1, 3)])
def test_the_weights_of_one_mistake_are_read_as_that_mistake(k: int, m: int) -> None:
    """Several mistakes may give the same weights: then what is read predicts what every one of them does."""
    n, names = batch_size(k, m), set()
    readings = list(weights.readings(n, k, m))
    assert weights.read(np.ones(n), k, m) is None
    for reading in readings:
        if np.abs(reading.values - 1).max() > weights.SAME and len(reading.names) == 1:
            found = weights.read(reading.values * (1 + 1e-4), k, m)
            assert found is not None
            assert len(found.names) == 1
            same = next(each for each in readings if np.allclose(each.values, reading.values, atol=1e-9))
            assert found.names == same.names
            names |= {found.names}
    expected = {parallel.MEAN_OF_MEANS, parallel.DIVIDED_TWICE, parallel.DROPPED, parallel.REMAINDER}
    assert expected <= {name for (name,) in names}


@pytest.mark.parametrize("seed", range(20))
def test_weights_that_no_mistake_makes_have_no_name(seed: int) -> None:
    n = batch_size(3, 1)
    generator = np.random.default_rng(seed)
    for found in (generator.uniform(0, 2, n), generator.dirichlet(np.ones(n)) * n, 0.7 * np.ones(n)):
        assert weights.read(found, 3, 1) is None
        assert not weights.is_shuffled(found, [n, n, 2], 3)
        assert not weights.is_shuffled(np.concatenate([found, np.zeros(n)]), [n], 3)


def test_a_file_that_starts_processes_is_right_by_its_path() -> None:
    """Its workers load it by its path, as this process does: by its name it cannot be imported."""
    assert samegrad.check("impls/numpy_workers.py", workers=3).verdict.right


@pytest.mark.exhaustive
def test_what_fixes_its_devices_at_the_start_is_right_too() -> None:
    """With one worker JAX starts with one device; what is shared is asked in a process of its own."""
    assert samegrad.check("impls/jax_sharded.py", workers=3).verdict.right
