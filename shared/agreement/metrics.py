"""The difference of two tensors, or two sets of parameters or gradients, computed in float64.

A cosine alone proves little: it does not detect a missing 1/n. The relative L2 error per tensor decides.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.interface import Array


@dataclass(frozen=True)
class TensorError:
    """The difference between one tensor and its reference."""

    relative_l2: float
    """|c - r| / |r|"""
    scaled_max: float
    """max |c - r| / max |r|"""
    cosine: float
    """<c, r> / (|c| |r|)"""
    norm_ratio: float
    """|c| / |r|"""
    ulps: float
    """max |c - r|, in units in the last place of max |r| in the dtype of c"""


class Worst(NamedTuple):
    """The largest relative L2 error of the tensors of a network, and its tensor."""

    error: float
    tensor: str


def norm(a: NDArray[np.float64]) -> float:
    """Return the Euclidean norm, scaled so that squares neither overflow nor underflow.

    Like the cosine, it is the same to the last bit however many threads the BLAS has, which therefore does not add up.
    """
    scale = float(np.abs(a).max(initial=0.0))
    return scale * math.sqrt(np.square(a / scale).sum()) if 0 < scale < np.inf else scale


def _ratio(part: float, whole: float) -> float:
    """Return part / whole; 0 / 0 is 0, and anything else divided by 0 is inf."""
    if whole == 0:
        return 0.0 if part == 0 else float("inf")
    return part / whole


def tensor_error(candidate: Array, reference: Array) -> TensorError:
    """Compare a tensor with its reference of the same shape; values that are not finite give nan or inf.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if candidate.shape != reference.shape:
        raise ValueError(f"tensor: got shape {candidate.shape}, expected {reference.shape}")
    c, r = candidate.astype(np.float64).ravel(), reference.astype(np.float64).ravel()
    if not (np.isfinite(c).all() and np.isfinite(r).all()):
        return TensorError(*[float("nan")] * 5)
    difference, norm_c, norm_r = c - r, norm(c), norm(r)
    off, most = float(np.abs(difference).max()), float(np.abs(r).max())
    one_is_zero = norm_c == 0 or norm_r == 0
    cosine = float(norm_c == norm_r) if one_is_zero else float((c / norm_c * (r / norm_r)).sum())
    with np.errstate(over="ignore"):
        last_place = float(np.spacing(candidate.dtype.type(most)))
    return TensorError(
        relative_l2=_ratio(norm(difference), norm_r),
        scaled_max=_ratio(off, most),
        cosine=cosine,
        norm_ratio=_ratio(norm_c, norm_r) if norm_c != norm_r else 1.0,
        ulps=_ratio(off, last_place),
    )


def errors(candidate: Mapping[str, Array], reference: Mapping[str, Array]) -> dict[str, TensorError]:
    """Compare tensor by tensor; the keys are the names of the tensors.

    Raises
    ------
    ValueError
        If the names or shapes differ.
    """
    if candidate.keys() != reference.keys():
        raise ValueError(f"tensors: got {', '.join(candidate)}, expected {', '.join(reference)}")
    return {name: tensor_error(candidate[name], tensor) for name, tensor in reference.items()}


def largest(found: Mapping[str, TensorError]) -> Worst:
    """Return the largest relative L2 error of all tensors; nan counts as the largest, and of equals the first."""
    every = (Worst(error.relative_l2, name) for name, error in found.items())
    return max(every, key=lambda worst: (np.isnan(worst.error), rounded(worst.error)))


def rounded(error: float) -> float:
    """Return an error by which equals are equal on every machine, whose last digits differ."""
    return float(f"{error:.9g}")


def worst(candidate: Mapping[str, Array], reference: Mapping[str, Array]) -> Worst:
    """Return the largest relative L2 error of all tensors; ValueError as `errors`."""
    return largest(errors(candidate, reference))
