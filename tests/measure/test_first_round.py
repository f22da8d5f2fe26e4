"""What the first round records in addition to speed: sections, path, limit, gallery."""

import base64
import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impls.numpy_scratch import Network as Reference
from shared import initial
from shared.agreement.path import MOST_STEPS, deviations, explained, stretches
from shared.data import Dataset
from shared.data.dataset import Split
from shared.interface import Labels
from shared.measure import profile, roofline
from shared.record import gallery
from shared.spec import NetworkSpec, TrainingSpec
from tests.cases import case
from tests.command import wait_for
from tests.report.records import record, sample

# ---- Sections -------------------------------------------------------------------------------------------


class Network:
    """Spends its time where it says."""

    # ---- Forward (1)-(2) ----

    def forward(self) -> None:
        spend(9)

    # ---- Update (8) ----

    def step(self) -> None:
        self.forward()
        spend(3)

    def train(self, order: Labels) -> None:
        self.step()


def spend(ticks: int) -> None:
    """Let time pass; it stands in no section, so that it counts for the one that calls it."""
    for _ in range(ticks):
        signal.raise_signal(signal.SIGALRM)


@pytest.fixture
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time be what `spend` makes of it: each tick of the timer comes from there, a second after the last."""
    monkeypatch.setattr(signal, "setitimer", lambda *_: None)
    seconds = count(100)
    monkeypatch.setattr(profile, "perf_counter", lambda: float(next(seconds)))


@pytest.mark.usefixtures("by_hand")
def test_time_counts_for_the_innermost_section() -> None:
    network: Any = Network()
    with profile.sampled(network) as seconds:
        network.train(None)
    assert seconds == {"Forward (1)-(2)": 9.0, "Update (8)": 3.0}


@pytest.mark.usefixtures("by_hand")
def test_what_is_done_elsewhere_counts_for_the_section_that_calls() -> None:
    network: Any = Network()
    network.forward = lambda: spend(5)
    with profile.sampled(network) as seconds:
        network.train(None)
    assert seconds == {"Update (8)": 8.0}


@pytest.mark.usefixtures("by_hand")
def test_a_network_without_sections_has_no_shares() -> None:
    class Plain:
        def train(self) -> None:
            spend(10)

    plain: Any = Plain()
    with profile.sampled(plain) as seconds:
        plain.train()
    assert seconds == {}


def test_a_timer_interrupts_the_training_and_no_longer() -> None:
    network: Any = Network()
    with profile.sampled(network) as seconds:
        network.forward = lambda: wait_for(lambda: sum(seconds.values()) > 0)
        network.train(None)
    assert seconds.keys() == {"Update (8)"}
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


# ---- Path -----------------------------------------------------------------------------------------------


def test_stretches_are_of_three_lengths_and_leave_nothing_out() -> None:
    found = list(stretches(MOST_STEPS))
    assert {end - first for first, end in found} == {1, 10, 100}
    assert [first for first, _ in found[1:]] == [end for _, end in found[:-1]]
    assert (found[0][0], found[-1][1]) == (0, MOST_STEPS)
    assert list(stretches(25))[-1] == (10, 20)
    assert list(stretches(0)) == []


@pytest.mark.parametrize(("optimizer", "rate"), [("sgd", 3.0), ("momentum", 0.3), ("adam", 0.01)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_right_network_stays_within_what_rounding_explains(dtype: str, optimizer: str, rate: float) -> None:
    found, allowed = path_of(Reference, dtype, optimizer=optimizer, learning_rate=rate)
    assert [point.step for point in found] == [point.step for point in allowed]
    assert allowed[-1].step == 95 // 10 * 10 // 10
    for point, limits in zip(found, allowed, strict=True):
        assert all(point.values[name] <= limits.values[name] for name in limits.values)
    assert all(b.values[name] >= 0 for _, b in pairwise(allowed) for name in b.values)


def test_a_learning_rate_that_is_off_leaves_it() -> None:
    class TooFast(Reference):
        def __init__(self, spec: Any, training: TrainingSpec, parameters: Any) -> None:
            super().__init__(spec, replace(training, learning_rate=training.learning_rate * 1.0001), parameters)

    found, allowed = path_of(TooFast, "float64")
    assert any(found[0].values[name] > allowed[0].values[name] for name in allowed[0].values)


def path_of(network_class: Any, dtype: str, **training: Any) -> Any:
    c = case(dtype=dtype, **training)
    x, y, order = c.data()
    start = c.parameters()
    allowed = explained(Reference, c.spec, c.training, initial.cast(start, "float64"), x, y, order)
    reference = Reference(c.spec, replace(c.training, dtype="float64"), initial.cast(start, "float64"))
    network = network_class(c.spec, c.training, start)
    network.load(x, y)
    return deviations(network, reference, start, x, y, order, 10, [point.step for point in allowed]), allowed


# ---- Limit ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sizes", [(784, 10), (784, 30, 10), (784, 30, 20, 10)])
def test_the_limit_makes_the_products_of_every_layer(sizes: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    spec, made = NetworkSpec.dense(sizes), []
    monkeypatch.setattr(np, "dot", lambda a, b, out: made.append((a.shape, b.shape, out.shape)))
    roofline.products(spec, np.dtype("float32"), 10)(np.zeros((10, 784), np.float32))
    assert len(made) == 3 * len(spec.layers) - 1
    for n_in, n_out in pairwise(sizes):
        assert ((10, n_in), (n_in, n_out), (10, n_out)) in made, "(1)"
        assert ((n_out, 10), (10, n_in), (n_out, n_in)) in made, "(6)"


def test_the_limit_of_a_convolution_is_that_of_its_patches(monkeypatch: pytest.MonkeyPatch) -> None:
    spec, made = NetworkSpec.parse("4x4-pool-conv3-conv5k5-pool-7-2"), []
    monkeypatch.setattr(np, "dot", lambda a, b, out: made.append((a.shape, b.shape, out.shape)))
    roofline.products(spec, np.dtype("float32"), 10)(np.zeros((10, 16), np.float32))
    places = 10 * 2 * 2
    forward = [(places, 1 * 9, 3), (places, 3 * 25, 5), (10, 5, 7), (10, 7, 2)]
    weights = [(columns, rows, inner) for rows, inner, columns in forward]
    back = [(places, 5 * 25, 3), (10, 7, 5), (10, 2, 7)]  # not to the pool of the input
    expected = [((rows, inner), (inner, columns), (rows, columns)) for rows, inner, columns in forward + weights + back]
    assert sorted(made) == sorted(expected)


@pytest.mark.parametrize(("longest", "batches"), [(1000, 4), (12, 3)])
def test_the_limit_is_that_of_a_whole_epoch(longest: float, batches: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(range(0, 1000, 5))
    monkeypatch.setattr(roofline, "perf_counter", lambda: next(ticks))
    monkeypatch.setattr(roofline, "SECONDS", longest)
    used = iter([0, 9, 10, 13, 20, 28, 30, 37])
    monkeypatch.setattr(roofline, "process_time", lambda: next(used))
    found = roofline.limit(NetworkSpec(), np.zeros((45, 784), np.float32), 10)
    assert found.seconds == 5 * 45 / (10 * batches)
    assert found.least == 3 * 45 / (10 * batches)


# ---- Gallery --------------------------------------------------------------------------------------------


@pytest.fixture
def dataset() -> Dataset:
    images = np.arange(10, dtype=np.uint8)[:, None].repeat(784, axis=1)
    split = Split(images, np.arange(10, dtype=np.uint8))
    return Dataset("ten", split, split, split)


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[Path]:
    for name in ("a", "b"):
        np.savez(tmp_path / f"round-1-{name}.activations.npz", a_L=np.eye(10, dtype=np.float32))
        W = np.zeros((40, 784), np.float32)
        W[:, 0], W[:, 1] = -2, 1
        np.savez(tmp_path / f"round-1-{name}.parameters.npz", W1=W)
    return iter([tmp_path])


def test_what_most_get_wrong_and_what_they_differ_on(dataset: Dataset, workers: Iterator[Path]) -> None:
    folder = next(workers)
    kept: Any = record(
        *(sample("a", r, predictions="0123456780") for r in (1, 2)),
        *(sample("b", r, predictions="0123456680") for r in (1, 2)),
    )
    found = gallery.collect(kept, dataset, folder)
    assert json.loads(json.dumps(found)) == found
    assert (found["labels"], found["timed"]) == ("0123456789", 4)
    assert [(image["index"], image["label"], image["wrong"]) for image in found["hard"]] == [(9, 9, 4)]
    assert [image["index"] for image in found["split"]] == [7]
    assert base64.b64decode(found["split"][0]["pixels"]) == bytes([7]) * 784
    assert found["split"][0]["activations"]["b"][7] == 1
    levels = np.frombuffer(base64.b64decode(found["weights"]["a"]["levels"]), np.uint8)
    assert found["weights"]["a"]["neurons"] == gallery.NEURONS
    assert levels.reshape(-1, 784)[0, :3].tolist() == [1, 192, 128]


def test_activations_that_are_no_numbers_are_kept_as_none(dataset: Dataset, workers: Iterator[Path]) -> None:
    folder = next(workers)
    np.savez(folder / "round-1-a.activations.npz", a_L=np.full((10, 10), np.nan, np.float32))
    np.savez(folder / "round-1-a.parameters.npz", W1=np.full((3, 784), np.inf, np.float32))
    kept: Any = record(sample("a", predictions="0" * 10))
    found = gallery.collect(kept, dataset, folder)
    assert found["hard"][0]["activations"] == {"a": [None] * 10}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize("shape", [(), (10,), (0, 784), (10, 3), (10, 10, 1)])
def test_arrays_of_another_shape_cost_their_part_only(
    shape: tuple[int, ...], dataset: Dataset, workers: Iterator[Path]
) -> None:
    folder = next(workers)
    np.savez(folder / "round-1-a.activations.npz", a_L=np.ones(shape))
    np.savez(folder / "round-1-a.parameters.npz", W1=np.ones(shape))
    kept: Any = record(sample("a", predictions="1123456789"), sample("b", predictions="1123456789"))
    found = gallery.collect(kept, dataset, folder)
    assert set(found["hard"][0]["activations"]) == {"b"}
    assert set(found["weights"]) == ({"a", "b"} if shape == (10, 3) else {"b"})


def test_files_that_are_gone_or_torn_cost_their_part_only(dataset: Dataset, workers: Iterator[Path]) -> None:
    folder = next(workers)
    (folder / "round-1-a.activations.npz").write_bytes(b"PK\x03\x04 torn")
    (folder / "round-1-b.parameters.npz").write_bytes(b"")
    kept: Any = record(sample("a", predictions="1123456789"), sample("b", predictions="1123456789"))
    found = gallery.collect(kept, dataset, folder)
    assert set(found["weights"]) == {"a"}
    assert set(found["hard"][0]["activations"]) == {"b"}
    kept = record(kept["samples"][0] | {"predictions": "0" * 10})
    assert gallery.collect(kept, dataset, folder)["split"] == []
