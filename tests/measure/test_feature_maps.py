"""The feature maps of a run, and the pictures that the page makes of them."""

import base64
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from impls.numpy_scratch import Network as Reference
from shared import initial
from shared.data import digits
from shared.initial import cast
from shared.measure import feature_maps
from shared.measure.config import RunConfig
from shared.record import gallery, parameters
from shared.report.page import gallery as pictures
from shared.spec import NetworkSpec, TrainingSpec
from tests.report.records import record

TRAINING = TrainingSpec(initial="scaled")


def config(network: str) -> RunConfig:
    return RunConfig(("missing", "numpy_scratch"), NetworkSpec.parse(network), TRAINING, 1, threads=1, command=())


def saved(of: RunConfig, folder: Path) -> Path:
    """Save parameters as the worker of the first round does."""
    path = folder / "round-1-numpy_scratch.parameters.npz"
    parameters.save(initial.draw_parameters(of.spec, of.training), path)
    return folder


def test_they_are_what_the_layers_make_of_the_first_test_image(tmp_path: Path) -> None:
    of, dataset = config("28x28-conv20tanh-pool-conv3-10"), digits.load()
    found: Any = feature_maps.collect(of, dataset, saved(of, tmp_path))
    assert json.loads(json.dumps(found)) == found
    assert (found["implementation"], found["index"], found["label"]) == ("numpy_scratch", 0, dataset.test.labels[0])
    assert [layer["title"] for layer in found["layers"]] == ["a1: conv20tanh", "a2: pool", "a3: conv3relu"]
    assert [layer["channels"] for layer in found["layers"]] == [20, 20, 3]
    x, y = dataset.test.first(1).arrays("float64")
    learnt = cast(initial.draw_parameters(of.spec, of.training), "float64")
    traced = Reference(of.spec, replace(TRAINING, dtype="float64"), learnt).trace(x, y)
    for l, layer in enumerate(found["layers"], 1):
        levels = np.frombuffer(base64.b64decode(layer["levels"]), np.uint8).reshape(layer["shape"])
        exact = traced[f"a{l}"].reshape(of.spec.shapes[l])[: feature_maps.CHANNELS]
        assert levels.shape == exact.shape
        np.testing.assert_allclose((levels - 128.0) / 127, exact / np.abs(exact).max(), atol=0.5 / 127 + 1e-9)


@pytest.mark.parametrize("network", ["784-30-10", "28x28-30-10"])
def test_a_network_without_images_has_none(network: str, tmp_path: Path) -> None:
    of = config(network)
    assert feature_maps.collect(of, digits.load(), saved(of, tmp_path)) is None


def test_without_trained_parameters_there_are_none(tmp_path: Path) -> None:
    of = config("28x28-conv2-10")
    assert feature_maps.collect(of, digits.load(), tmp_path) is None
    (saved(of, tmp_path) / "round-1-numpy_scratch.parameters.npz").write_bytes(b"torn")
    assert feature_maps.collect(of, digits.load(), tmp_path) is None


def test_each_layer_is_one_picture_on_the_page(tmp_path: Path) -> None:
    of = config("28x28-conv20tanh-pool-conv3-10")
    kept: Any = record() | {"gallery": {"maps": feature_maps.collect(of, digits.load(), saved(of, tmp_path))}}
    found = pictures.maps(kept)
    assert [(layer.shown, layer.channels) for layer in found] == [(16, 20), (16, 20), (3, 3)]
    assert all(layer.source.startswith("data:image/png;base64,") for layer in found)
    assert pictures.maps(record()) == []


def test_kernels_are_enlarged_to_the_squares_of_neurons(tmp_path: Path) -> None:
    of = config("28x28-conv4-10")
    with np.load(saved(of, tmp_path) / "round-1-numpy_scratch.parameters.npz") as file:
        rows = gallery._first_weights(file)
        assert np.array_equal(rows, file["W1"].reshape(4, 9))
    levels = np.arange(1, 37, dtype=np.uint8)
    picture = np.asarray(pictures.sheet(levels, 4))
    assert picture.shape == (30, 4 * 30)
    for k in range(4):
        square = picture[1:29, 1 + 30 * k : 29 + 30 * k]
        assert [square[0, 0], square[0, 27], square[27, 27]] == [9 * k + 1, 9 * k + 3, 9 * k + 9]
