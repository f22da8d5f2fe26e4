"""What the trained networks see, for the page of a run: hard images with their activations, and hidden weights.

The workers of the first round save their activations and parameters beside their results. When the run ends, the part
that the page shows is copied into the record, so that the page can be drawn from the record alone.
"""

import base64
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shared.data import Dataset
from shared.interface import Array
from shared.record import workers
from shared.record.files import finite
from shared.record.parameters import DAMAGED
from shared.record.schema import Record, Sample

ROUND: Final = 1
IMAGES: Final = 12
"""The most of each kind."""
NEURONS: Final = 30
"""The most of the first layer with weights."""


def collect(record: Record, dataset: Dataset, folder: Path) -> dict[str, Any]:
    """Return labels, images and weights in their JSON form; files missing from this folder are left out."""
    labels = dataset.test.labels
    usable = [s for s in record["samples"] if len(s.get("predictions", "")) == len(labels)]
    first = {s["implementation"]: s for s in usable if s["round"] == ROUND}
    activations = dict(_read(folder, first, workers.ACTIVATIONS, lambda file: file["a_L"]))
    weights = dict(_read(folder, first, workers.PARAMETERS, _first_weights))
    wrong = Counter[int]()
    for sample in usable:
        wrong.update(np.flatnonzero(_digits(sample) != labels).tolist())
    hard = [k for k, n in sorted(wrong.items(), key=lambda item: (-item[1], item[0])) if 2 * n > len(usable)]
    split = _split([_digits(sample) for sample in first.values()])

    def shown(indices: list[int]) -> list[dict[str, Any]]:
        return [_image(k, dataset, activations) | {"wrong": wrong[k]} for k in indices[:IMAGES]]

    return {
        "labels": "".join(map(str, labels)),
        "timed": len(usable),
        "hard": shown(hard),
        "hard_count": len(hard),
        "split": shown(split),
        "split_count": len(split),
        "weights": {name: _levels(W[:NEURONS]) for name, W in weights.items()},
    }


def _image(k: int, dataset: Dataset, activations: Mapping[str, Array]) -> dict[str, Any]:
    return {
        "index": k,
        "label": int(dataset.test.labels[k]),
        "pixels": _base64(dataset.test.images[k]),
        "activations": {name: [finite(round(float(a), 4)) for a in each[k]] for name, each in activations.items()},
    }


def _digits(sample: Sample) -> NDArray[np.uint8]:
    return np.frombuffer(sample["predictions"].encode(), np.uint8) - ord("0")


def _split(predictions: list[NDArray[np.uint8]]) -> list[int]:
    """Return the images that the implementations classify differently, the most evenly divided first."""
    if len(predictions) < 2:
        return []
    votes = np.stack(predictions)
    most = np.stack([(votes == digit).sum(axis=0) for digit in range(10)]).max(axis=0)
    differing = np.flatnonzero(most < len(votes))
    return [int(k) for k in differing[np.argsort(most[differing], kind="stable")]]


def _read(folder: Path, names: Iterable[str], ending: str, take: Callable[[Any], Array]) -> Iterator[tuple[str, Array]]:
    for name in names:
        try:
            # NumPy does not close a file that it opened and cannot read
            path = workers.path(folder, ROUND, name, ending)
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                yield name, take(file)
        except DAMAGED:  # damaged or missing: the page omits it
            continue


def _first_weights(file: Mapping[str, Array]) -> Array:
    """Return the weights of the first layer that has any, (neurons, inputs); a kernel for each channel is one row."""
    W = file[next(name for name in file if name[0] == "W")]
    return W.reshape(-1, math.prod(W.shape[2:])) if W.ndim == 4 else W


def _levels(W: Array) -> dict[str, Any]:
    """Return each neuron's weights as bytes: 128 for 0, and 1 and 255 for the largest absolute weight of the neuron."""
    largest = np.abs(W).max(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        levels = np.nan_to_num(128 + np.rint(127 * W / np.where(largest > 0, largest, 1)), nan=128)
    return {"neurons": len(W), "levels": _base64(levels.clip(1, 255).astype(np.uint8))}


def _base64(array: NDArray[np.uint8]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
