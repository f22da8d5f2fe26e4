"""The forms in which files have their images and their targets."""

from typing import Any

import numpy as np

from shared.adapters.stand_ins import Rows, UnfollowedError
from shared.interface import Array


def one_hot_like(labels: Array, sizes: tuple[int, ...], n_out: int, is_known: bool) -> Array:
    """Return labels in the form that the file's own have: (n,), (n, 1) or rows."""
    if is_known and sizes == (1,):
        return labels.reshape(-1, 1)
    if is_known and n_out > 1 and sizes == (n_out,):
        return np.asarray(np.eye(n_out)[labels.astype(int)])
    return labels.astype(np.int64) if n_out > 1 else labels


def form_of(targets: Array, n_out: int) -> tuple[str, tuple[float, float]]:
    """Return the form of targets, one of `port.FORMS`, and the numbers of other classes and of the right one.

    Raises
    ------
    UnfollowedError
        If they are neither labels nor rows.
    """
    if targets.ndim == 2 and targets.shape[1] == n_out > 1:
        return "rows", (float(targets.min()), float(targets.max()))
    if targets.ndim == 2 and targets.shape[1] == 1 == n_out:
        return "column", (0.0, 1.0)
    if targets.ndim == 1:
        return "numbers" if n_out == 1 else "labels", (0.0, 1.0)
    raise UnfollowedError(f"its targets become {targets.shape}")


def labels_of(targets: Array, n_out: int) -> Array:
    """Return the labels, or the numbers, that targets are."""
    if targets.ndim == 2 and targets.shape[1] == n_out > 1:
        return np.asarray(targets.argmax(1), float)
    return targets.reshape(len(targets)).astype(float)


def as_rows(values: Array, is_torch: bool, dtype: str) -> Any:
    """Return an array as the file has its own: a tensor, or an array with what a data frame has."""
    values = values if values.dtype.kind in "iu" else values.astype(dtype)
    return __import__("torch").from_numpy(values.copy()) if is_torch else values.copy().view(Rows)
