"""A network in a process of its own, so that no process of the tests ever imports two frameworks."""

import multiprocessing
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from shared.agreement.observation import Observation
from shared.interface import Array, Labels, Parameters
from shared.measure import machine
from shared.spec import NetworkSpec, TrainingSpec

FRAMEWORKS = ("torch", "tensorflow", "jax")
SECONDS = 120


class RemoteError(Exception):
    """What an implementation raised, with its traceback."""


class Remote:
    """Runs functions of this module in one worker process; each gets the implementation's class first."""

    def __init__(self, name: str) -> None:
        self.name = name
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe()
        with _environment():
            self._process = context.Process(target=_serve, args=(theirs, name), daemon=True)
            self._process.start()
        theirs.close()

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        self._connection.send((function, arguments))
        if not self._connection.poll(SECONDS):
            raise RemoteError(f"{self.name}: no answer within {SECONDS} s")
        try:
            succeeded, answer = self._connection.recv()
        except EOFError:
            raise RemoteError(f"{self.name}: the process is gone") from None
        if not succeeded:
            raise RemoteError(answer)
        return answer

    def close(self) -> None:
        self._connection.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process.close()


@contextmanager
def _environment() -> Iterator[None]:
    """Give the process that is started the environment of a real worker."""
    before = dict(os.environ)
    os.environ.update(machine.worker_environment(threads=1))
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _serve(connection: Connection, name: str) -> None:
    import impls

    network_class = impls.load(name)
    while True:
        try:
            function, arguments = connection.recv()
        except EOFError:
            return
        try:
            answer = function(network_class, *arguments)
        except Exception:  # noqa: BLE001 - whatever it is, the test that asked is told
            connection.send((False, traceback.format_exc()))
        else:
            connection.send((True, answer))


# ---- What can be asked ---------------------------------------------------------------------------------
# (network class, ...) -> answer; each builds a network of its own.


def observe(
    network_class: Any,
    spec: NetworkSpec,
    training: TrainingSpec,
    parameters: Parameters,
    x: Array,
    y: Labels,
    order: Labels,
) -> Observation:
    from shared.agreement import observation

    network = network_class(spec, training, parameters)
    return observation.observe(network, parameters, x, y, order, training.batch_size)


def predict(network_class: Any, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters, x: Array) -> Array:
    answer: Array = network_class(spec, training, parameters).predict(x)
    return answer


def loss_and_gradients(
    network_class: Any, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters, x: Array, y: Labels
) -> tuple[float, Parameters]:
    answer: tuple[float, Parameters] = network_class(spec, training, parameters).loss_and_gradients(x, y)
    return answer


def frameworks_imported(network_class: Any) -> list[str]:
    return [name for name in FRAMEWORKS if name in sys.modules]


def behaviour(
    network_class: Any,
    spec: NetworkSpec,
    training: TrainingSpec,
    parameters: Parameters,
    x: Array,
    y: Labels,
    order: Labels,
) -> dict[str, bool]:
    """Check what the contract says beside the numbers; the name of each check says what must hold."""
    import numpy as np

    from shared.agreement.metrics import worst
    from shared.agreement.tolerances import TOLERANCES
    from shared.interface import named, tensors_of

    def same(a: Parameters, b: Parameters) -> bool:
        pairs = zip(tensors_of(a), tensors_of(b), strict=True)
        return all(p.dtype == q.dtype and np.array_equal(p, q) for p, q in pairs)

    def copy(given: Parameters) -> Parameters:
        return tuple(type(layer)(*(tensor.copy() for tensor in layer)) for layer in given)

    x_0, y_0, order_0, parameters_0 = x.copy(), y.copy(), order.copy(), copy(parameters)
    network = network_class(spec, training, parameters)
    at_start = network.parameters()
    loss, gradients = network.loss_and_gradients(x, y)
    gradients_0 = copy(gradients)
    after_gradients = network.parameters()
    kept = network.parameters()
    kept_0 = copy(kept)
    network.train(x, y, order)
    trained = network.parameters()
    twin = network_class(spec, training, parameters)
    step = training.batch_size
    for start in range(0, len(order), step):
        twin.train(x, y, order[start : start + step])
    network.train(x, y, order)
    network.reset(parameters)
    at_reset = network.parameters()
    network.train(x, y, order)
    prediction = network.predict(x)
    tensors_of(trained)[0][:] = 0
    return {
        "starts from the given parameters": same(at_start, parameters_0),
        "computing gradients changes no parameter": same(after_gradients, parameters_0),
        "parameters() returns copies": same(kept, kept_0),
        "gradients returned are copies": same(gradients, gradients_0),
        "training changes every tensor": all(
            not np.array_equal(p, q)
            for p, q in zip(tensors_of(twin.parameters()), tensors_of(parameters_0), strict=True)
        ),
        "an epoch is its batches, one by one": worst(named(twin.parameters()), named(network.parameters())).error
        <= TOLERANCES[training.dtype].limit,
        "reset() goes back to the given parameters": same(at_reset, parameters_0),
        "inputs are left alone": np.array_equal(x, x_0)
        and np.array_equal(y, y_0)
        and np.array_equal(order, order_0)
        and same(parameters, parameters_0),
        "loss is a Python float": type(loss) is float,
        "predict returns (n, n_out) in the dtype": prediction.shape == (len(x), spec.sizes[-1])
        and prediction.dtype == np.dtype(training.dtype),
        "gradients have the parameters' shapes and dtype": all(
            g.shape == p.shape and g.dtype == p.dtype
            for g, p in zip(tensors_of(gradients), tensors_of(parameters), strict=True)
        ),
    }
