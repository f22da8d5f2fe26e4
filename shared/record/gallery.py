"""What the trained networks see, for the page of a run: hard images with their activations, and hidden weights.

The workers of the first round save their activations and parameters beside their results. When the run ends, the part
that the page shows is copied into the record, so that the page can be drawn from the record alone.
"""

import base64
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shared.data import Dataset
from shared.interface import Array
from shared.record import workers
from shared.record.arrays import ArraysError, read
from shared.record.files import finite
from shared.record.schema import GalleryPart, ImagePart, Record, Sample, WeightsPart
from shared.spec import NetworkSpec

ROUND: Final = 1
IMAGES: Final = 12
"""The most of each kind."""
LARGEST: Final = 1 << 31
"""Bytes of a worker's file."""
NEURONS: Final = 30
"""The most of the first layer with weights."""


def collect(record: Record, dataset: Dataset, folder: Path) -> GalleryPart:
    """Return labels, images and weights in their JSON form.

    Of files that are missing from this folder, what the record already has is kept.
    """
    before = record.get("gallery")
    labels = dataset.test.labels
    usable = [s for s in record["samples"] if len(s.get("predictions", "")) == len(labels)]
    first = {s["implementation"]: s for s in usable if s["round"] == ROUND}
    n_out = NetworkSpec.parse(record["network"]["title"]).n_out
    read_outputs = _read(folder, first, workers.ACTIVATIONS, lambda file: file["a_L"])
    activations = {name: a for name, a in read_outputs if a.shape == (len(labels), n_out)}
    known = {image["index"]: image["activations"] for image in (*before["hard"], *before["split"])} if before else {}
    read_weights = _read(folder, first, workers.PARAMETERS, _first_weights)
    weights = {name: W for name, W in read_weights if W.ndim == 2 and W.size}
    wrong = Counter[int]()
    for sample in usable:
        wrong.update(np.flatnonzero(_digits(sample) != labels).tolist())
    hard = [k for k, n in sorted(wrong.items(), key=lambda item: (-item[1], item[0])) if 2 * n > len(usable)]
    split = _split([_digits(sample) for sample in first.values()])

    def shown(indices: list[int]) -> list[ImagePart]:
        return [_image(k, dataset, known.get(k, {}), activations, wrong[k]) for k in indices[:IMAGES]]

    found: GalleryPart = {
        "labels": "".join(map(str, labels)),
        "timed": len(usable),
        "hard": shown(hard),
        "hard_count": len(hard),
        "split": shown(split),
        "split_count": len(split),
        "weights": {name: _levels(W[:NEURONS]) for name, W in weights.items()},
    }
    if before:
        found["weights"] = before["weights"] | found["weights"]
        if "maps" in before:
            found["maps"] = before["maps"]
        if "steps" in before:
            found["steps"] = before["steps"]
    return found


def _image(
    k: int, dataset: Dataset, known: dict[str, list[float | None]], activations: Mapping[str, Array], wrong: int
) -> ImagePart:
    return {
        "index": k,
        "label": int(dataset.test.labels[k]),
        "pixels": _base64(dataset.test.images[k]),
        "activations": known
        | {name: [finite(round(float(a), 4)) for a in each[k]] for name, each in activations.items()},
        "wrong": wrong,
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
        with suppress(ArraysError, KeyError, StopIteration, ValueError, IndexError):  # the page omits what is damaged
            yield name, take(read(workers.path(folder, ROUND, name, ending), LARGEST))


def _first_weights(file: Mapping[str, Array]) -> Array:
    """Return the weights of the first layer that has any, (neurons, inputs); a kernel for each channel is one row."""
    W = file[next(name for name in file if name[0] == "W")]
    return W.reshape(-1, math.prod(W.shape[2:])) if W.ndim == 4 else W


def _levels(W: Array) -> WeightsPart:
    """Return each neuron's weights as bytes: 128 for 0, and 1 and 255 for the largest absolute weight of the neuron."""
    largest = np.abs(W).max(axis=1, keepdims=True)
    with np.errstate(all="ignore"):
        levels = np.nan_to_num(128 + np.rint(127 * W / np.where(largest > 0, largest, 1)), nan=128)
    return {"neurons": len(W), "levels": _base64(levels.clip(1, 255).astype(np.uint8))}


def _base64(array: NDArray[np.uint8]) -> str:
    return base64.b64encode(np.ascontiguousarray(array).tobytes()).decode("ascii")
