"""One image's forward and backward pass in a trained network, and a step with it, for the page of a run."""

import base64
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from impls.numpy_scratch import Network as Reference
from shared.data import Dataset
from shared.interface import Array
from shared.layers import Dense
from shared.measure.config import RunConfig
from shared.measure.feature_maps import IMAGE, trained
from shared.record.schema import StepPart, StepsPart

MOST_LAYERS: Final = 5
MOST_UNITS: Final = 128
"""Of a layer: more bars cannot be told apart."""
SHOWN: Final = 30
"""The most rows of dC/dW_l that are kept."""
DIGITS: Final = 6


def collect(config: RunConfig, dataset: Dataset, folder: Path) -> StepsPart | None:
    """Return the values of every quantity, in the order in which they are computed.

    They are those of the first implementation whose trained parameters are there; the reference computes them. None
    without such parameters, for a network with convolutions or one too large to show, or if a value is not finite.
    """
    spec = config.spec
    is_shown = all(isinstance(layer, Dense) for layer in spec.layers) and max(spec.sizes[1:]) <= MOST_UNITS
    found = trained(config, folder) if is_shown and len(spec.layers) <= MOST_LAYERS else None
    if found is None:
        return None
    name, learnt = found
    x, y = dataset.test.take(np.array([IMAGE])).arrays("float64")
    network = Reference(spec, replace(config.training, batch_size=1, dtype="float64"), learnt)
    traced = network.trace(x, y)
    cost, gradients = network.loss_and_gradients(x, y)
    network.load(x, y)
    network.train(np.zeros(1, np.int64))
    after, _ = network.loss_and_gradients(x, y)

    steps = [_matrix("a0", "", dataset.test.images[IMAGE].reshape(dataset.image_shape).astype(np.float64))]
    for l in range(1, len(spec.layers) + 1):
        steps += [_vector(f"z{l}", "(1)", traced[f"z{l}"][0]), _vector(f"a{l}", "(2)", traced[f"a{l}"][0])]
    steps.append(_vector("C", "(3)", np.array([cost])))
    for l in reversed(range(1, len(spec.layers) + 1)):
        steps.append(_vector(f"d{l}", "(4)" if l == len(spec.layers) else "(5)", traced[f"d{l}"][0]))
        steps.append(_matrix(f"dW{l}", "(6)", gradients[f"W{l}"]))
        if f"b{l}" in gradients:
            steps.append(_vector(f"db{l}", "(7)", gradients[f"b{l}"]))
    steps.append(_vector("C after", "(8)", np.array([after])))
    if not np.isfinite([step[end] for step in steps for end in ("smallest", "largest")]).all():
        return None
    return {"implementation": name, "index": IMAGE, "label": int(y[0]), "steps": steps}


def _vector(quantity: str, equation: str, values: Array) -> StepPart:
    rounded = [float(f"{value:.{DIGITS}g}") for value in values]
    return {
        "quantity": quantity, "equation": equation, "shape": [len(values)], "values": rounded,
        "smallest": float(values.min()), "largest": float(values.max()),
    }  # fmt: skip


def _matrix(quantity: str, equation: str, values: Array) -> StepPart:
    """Return the first rows as bytes: 128 for 0, and 1 and 255 for the largest absolute value that is shown."""
    shown = values[:SHOWN]
    scale = float(np.abs(shown).max()) or 1.0
    levels = (128 + np.rint(127 * np.nan_to_num(shown / scale))).clip(1, 255).astype(np.uint8)
    return {
        "quantity": quantity, "equation": equation, "shape": list(values.shape), "values": [],
        "smallest": float(values.min()), "largest": float(values.max()), "rows": len(shown),
        "levels": base64.b64encode(levels.tobytes()).decode("ascii"),
    }  # fmt: skip
