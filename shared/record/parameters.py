"""Parameters as npz files, without pickle."""

from pathlib import Path
from typing import Final

import numpy as np

from shared.data import DataError
from shared.interface import Parameters
from shared.record import arrays
from shared.spec import NetworkSpec

REMEDY: Final = "repeat the run, or choose another one"


def save(parameters: Parameters, path: Path) -> None:
    """Write an npz file: W1, b1, W2, ..., each in its own dtype."""
    np.savez(path, allow_pickle=False, **parameters)


def load(path: Path, spec: NetworkSpec, dtype: str) -> Parameters:
    """Read what `save` wrote.

    Raises
    ------
    DataError
        If it is not such a file, if names, shapes or dtypes do not fit the network, or if a number is not finite.
    """
    shapes = spec.parameter_shapes
    what = f"the parameters of {spec} in {dtype}"
    most = np.dtype(dtype).itemsize * spec.parameter_count + arrays.HEADER * len(shapes)
    try:
        found = arrays.read(path, most)
    except arrays.ArraysError as error:
        raise DataError(path, f"no readable parameters: {error}", what, REMEDY) from error
    if set(found) != set(shapes):
        raise DataError(path, f"arrays {', '.join(sorted(found)) or 'none'}", ", ".join(shapes), REMEDY)
    for name, shape in shapes.items():
        array = found[name]
        if array.shape != shape or array.dtype != np.dtype(dtype):
            raise DataError(path, f"{name} {array.shape} in {array.dtype}", f"{shape} in {dtype}", REMEDY)
        if not np.isfinite(array).all():
            raise DataError(path, f"{name} with numbers that are not finite", "finite parameters", REMEDY)
    return {name: found[name] for name in shapes}
