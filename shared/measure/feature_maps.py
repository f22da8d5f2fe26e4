"""What the layers of a trained convolutional network make of one image, for the page of a run."""

import base64
from pathlib import Path
from typing import Final

import numpy as np

from impls.numpy_scratch import Network as Reference
from shared.data import DataError, Dataset
from shared.initial import cast
from shared.interface import Array, Parameters
from shared.layers import Dense
from shared.measure.config import RunConfig
from shared.record import parameters, workers
from shared.record.schema import MapPart, MapsPart

ROUND: Final = 1
IMAGE: Final = 0
"""The index of the test image."""
CHANNELS: Final = 16
"""The most that are shown of a layer."""


def collect(config: RunConfig, dataset: Dataset, folder: Path) -> MapsPart | None:
    """Return the maps in their JSON form: those of the first implementation whose trained parameters are there.

    All implementations train the same network, so the reference computes the maps for any of them. None without such
    parameters, or for a network without convolutions and pools.
    """
    spec = config.spec
    shown = [l for l, layer in enumerate(spec.layers, 1) if not isinstance(layer, Dense)]
    found = trained(config, folder) if shown else None
    if found is None:
        return None
    name, learnt = found
    x, y = dataset.test.first(IMAGE + 1).arrays("float64")
    traced = Reference(spec, config.training, learnt).trace(x[IMAGE:], y[IMAGE:])
    maps = [_layer(f"a{l}: {spec.layers[l - 1].text()}", traced[f"a{l}"].reshape(spec.shapes[l])) for l in shown]
    return {"implementation": name, "index": IMAGE, "label": int(y[IMAGE]), "layers": maps}


def trained(config: RunConfig, folder: Path) -> tuple[str, Parameters] | None:
    """Return the first implementation whose trained parameters are in a folder, and these in float64."""
    for name in config.implementations:
        try:
            path = workers.path(folder, ROUND, name, workers.PARAMETERS)
            return name, cast(parameters.load(path, config.spec, config.training.dtype), "float64")
        except DataError:
            continue
    return None


def _layer(title: str, a: Array) -> MapPart:
    """Return the channels of a layer as bytes: 128 for 0, and 1 and 255 for its largest absolute value."""
    shown = a[:CHANNELS]
    largest = float(np.abs(shown).max()) or 1.0
    levels = (128 + np.rint(127 * shown / largest)).clip(1, 255).astype(np.uint8)
    return {
        "title": title,
        "channels": len(a),
        "shape": list(shown.shape),
        "levels": base64.b64encode(levels.tobytes()).decode("ascii"),
    }
