"""The parts of an experiment of your own: examples, and the gradients of any implementation."""

import sys
from pathlib import Path

from shared import implementations
from shared.agreement.budget import Problem, loss_and_gradients
from shared.api.common import DATA, given_options, load_data, one_thread
from shared.data import Dataset
from shared.errors import SpecError
from shared.implementations import label
from shared.initial import draw_parameters
from shared.interface import Array, Labels, Parameters
from shared.processes.calls import CallError, side_by_side
from shared.spec import NetworkSpec, TrainingSpec


def dataset(name: str = "auto", *, data_dir: str | Path | None = None, offline: bool = False) -> Dataset:
    """Return training, validation and test images; `.train.arrays("float64")` gives x, (n, 784) from 0 to 1, and y.

    Parameters
    ----------
    name : "mnist", "digits" (bundled: 1,297 training, 250 validation and 250 test images), or "auto": MNIST if it is
        found or can be downloaded, otherwise the digits.
    data_dir : where the files of MNIST are, or are downloaded to; None for `$SAMEGRAD_DATA`, or else `data/`.
    offline : make no connection.

    Raises
    ------
    SpecError, DataError
        If there is no such data set, or if it is not available or damaged.
    """
    return load_data(given_options({"dataset": name, "data_dir": data_dir, "offline": offline}, DATA))


@one_thread
def gradients(
    *names: str,
    spec: NetworkSpec,
    x: Array,
    y: Labels,
    training: TrainingSpec | None = None,
    parameters: Parameters | None = None,
    timeout: float = 120,
) -> dict[str, Parameters]:
    """Return dC/dW_l and dC/db_l of one batch, equations (6) and (7), as each implementation computes them.

    Each runs in its own process, in the dtype of `training`. One whose framework is not installed is left out, and a
    line on stderr says so.

    Parameters
    ----------
    names : implementations, or paths of .py files; by default those that the command runs.
    x, y : (n, n_in) inputs and (n,) labels.
    training : its seed and its initial weights determine the parameters, its dtype the arithmetic.
    parameters : W1, b1, W2, ... instead of those of the seed.
    timeout : seconds that an implementation has for its answer.

    Returns
    -------
    implementation -> W1, b1, W2, ...: the gradient of each, with its shape.

    Raises
    ------
    CallError
        If one of them gives no answer.
    SpecError, UnknownImplementationError
        If the examples do not fit the network, or there is no such implementation.
    """
    training = training or TrainingSpec()
    if x.ndim != 2 or x.shape[1] != spec.n_in or y.shape != x.shape[:1]:
        raise SpecError("x and y", (x.shape, y.shape), f"shapes (n, {spec.n_in}) and (n,)")
    start = draw_parameters(spec, training) if parameters is None else parameters
    start = {name: tensor.astype(training.dtype) for name, tensor in start.items()}
    problem = Problem(spec, training, start, x.astype(training.dtype), y)
    found = {}
    with side_by_side(implementations.locate_all(list(names) or None), timeout=timeout) as processes:
        for process in processes:
            try:
                _, found[label(process.name)] = process.loaded().call(loss_and_gradients, problem)
            except CallError as error:
                if error.kind != "not available":
                    raise
                print(error, file=sys.stderr)
    return found
