"""Initial parameters and mini-batch order, drawn from the seed and given to every implementation."""

import hashlib
import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from shared.interface import Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec


def _generators(seed: int) -> tuple[np.random.Generator, np.random.Generator]:
    """Return two independent streams, so that the batches do not depend on the network."""
    weights, batches = np.random.SeedSequence(seed).spawn(2)
    return np.random.default_rng(weights), np.random.default_rng(batches)


def draw_parameters(spec: NetworkSpec, training: TrainingSpec) -> Parameters:
    """Return the initial parameters of `training.seed`, drawn in float64 and rounded to the run's dtype."""
    generator, _ = _generators(training.seed)
    parameters: Parameters = {}
    for l, (layer, input_shape) in enumerate(zip(spec.layers, spec.shapes, strict=False), start=1):
        shapes = layer.parameter_shapes(input_shape)
        drawn = {name: generator.standard_normal(shape) for name, shape in reversed(shapes.items())}  # b before W
        if training.initial == "scaled" and "W" in drawn:
            drawn["W"] /= np.sqrt(math.prod(shapes["W"][1:]))
        parameters |= {f"{name}{l}": drawn[name] for name in shapes}
    return cast(parameters, training.dtype)


def cast(parameters: Parameters, dtype: str) -> Parameters:
    """Return copies of the parameters in another dtype."""
    return {name: tensor.astype(dtype) for name, tensor in parameters.items()}


def draw_orders(training: TrainingSpec, n_examples: int) -> Iterator[NDArray[np.int64]]:
    """Yield a permutation of all examples for each epoch, without end; the mini-batches are its slices."""
    _, generator = _generators(training.seed)
    while True:
        yield generator.permutation(n_examples)


def digest(arrays: Parameters | Labels) -> str:
    """Return the sha256 of the parameters or the order; it shows that two results started from the same."""
    tensors = arrays.values() if isinstance(arrays, dict) else [arrays]
    sha = hashlib.sha256()
    for tensor in tensors:
        sha.update(np.ascontiguousarray(tensor).tobytes())
    return sha.hexdigest()
