"""Initial parameters and mini-batch order, drawn once per seed and given to every implementation."""

import hashlib
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from shared.interface import Labels, Layer, Parameters, tensors_of
from shared.spec import NetworkSpec, TrainingSpec


def _generators(seed: int) -> tuple[np.random.Generator, np.random.Generator]:
    """Return two independent streams, so that another network draws no other batches."""
    weights, batches = np.random.SeedSequence(seed).spawn(2)
    return np.random.default_rng(weights), np.random.default_rng(batches)


def draw_parameters(spec: NetworkSpec, training: TrainingSpec) -> Parameters:
    """Return the initial parameters of `training.seed`, drawn in float64 and rounded to the run's dtype."""
    generator, _ = _generators(training.seed)
    layers = []
    for n_out, n_in in spec.shapes:
        b = generator.standard_normal(n_out)
        W = generator.standard_normal((n_out, n_in))
        if training.initial == "scaled":
            W /= np.sqrt(n_in)
        layers.append(Layer(W, b))
    return cast(tuple(layers), training.dtype)


def cast(parameters: Parameters, dtype: str) -> Parameters:
    """Return copies of the parameters in another dtype."""
    return tuple(Layer(W.astype(dtype), b.astype(dtype)) for W, b in parameters)


def draw_orders(training: TrainingSpec, n_examples: int) -> Iterator[NDArray[np.int64]]:
    """Yield for each epoch, without end, a permutation of all examples: the mini-batches are its slices."""
    _, generator = _generators(training.seed)
    while True:
        yield generator.permutation(n_examples)


def digest(arrays: Parameters | Labels) -> str:
    """Return the sha256 of the parameters or the order, so that results can prove that they started alike."""
    tensors = tensors_of(arrays) if isinstance(arrays, tuple) else [arrays]
    sha = hashlib.sha256()
    for tensor in tensors:
        sha.update(np.ascontiguousarray(tensor).tobytes())
    return sha.hexdigest()
