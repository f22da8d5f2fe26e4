"""A data set as one file, with which the parent process passes the same bytes to every worker."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from shared.data.dataset import Dataset, Split
from shared.data.errors import DataError

_SPLITS: Final = ("train", "validation", "test")
_FACTS: Final = ("key", "epochs", "n_out")


def save(dataset: Dataset, path: Path) -> None:
    """Write an uncompressed npz file without pickle."""
    arrays: dict[str, NDArray[Any]] = {fact: np.array(getattr(dataset, fact)) for fact in _FACTS}
    arrays |= {"name": np.array(dataset.name), "standardised": np.array(dataset.train.standardised)}
    for name in _SPLITS:
        split: Split = getattr(dataset, name)
        arrays |= {f"{name}/images": split.images, f"{name}/labels": split.labels}
    np.savez(path, allow_pickle=False, **arrays)


def load(path: Path, digest: str) -> Dataset:
    """Read what `save` wrote; raise `DataError` if it has another digest."""
    with np.load(path, allow_pickle=False) as arrays:
        is_standardised = bool(arrays["standardised"])
        splits = [Split(arrays[f"{name}/images"], arrays[f"{name}/labels"], is_standardised) for name in _SPLITS]
        facts: dict[str, Any] = {fact: arrays[fact].item() for fact in _FACTS}
        dataset = Dataset(str(arrays["name"]), *splits, **facts)
    if dataset.digest != digest:
        raise DataError(path, f"data with sha256 {dataset.digest[:12]}...", f"{digest[:12]}...", "run again")
    return dataset
