"""What tests ask of an implementation, in a process of its own so that none of theirs ever imports two frameworks.

Each takes the class first, and builds a network of its own.
"""

import re
import sys
from typing import Any

from shared import implementations
from shared.agreement.observation import Observation
from shared.diagnosis.answers import Answers
from shared.interface import Array, Labels, Parameters
from shared.spec import MOST_WORKERS, NetworkSpec, TrainingSpec

FRAMEWORKS = ("torch", "tensorflow", "jax")


STEPS_A_CALL = 2
"""Of one that compiles several steps into a call, instead of ten: compiling takes a third of the time."""


def load(name: str) -> Any:
    """Return the class of an implementation, as `implementations.load`."""
    module = implementations.load_module(name)
    if hasattr(module, "STEPS_A_CALL"):
        vars(module)["STEPS_A_CALL"] = STEPS_A_CALL
    if name == "jax_sharded":  # one process for every number of workers
        module.jax.config.update("jax_num_cpu_devices", MOST_WORKERS)
    return module.Network


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


def loss_and_gradients(
    network_class: Any, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters, x: Array, y: Labels
) -> tuple[float, Parameters]:
    answer: tuple[float, Parameters] = network_class(spec, training, parameters).loss_and_gradients(x, y)
    return answer


def ask_all(network_class: Any, spec: NetworkSpec) -> Answers:
    """Return its answers in all scenes of the diagnosis."""
    from shared.diagnosis import scenes
    from shared.diagnosis.subject import Subject

    return scenes.ask_all(Subject(network_class), spec)


def steps(
    network_class: Any,
    spec: NetworkSpec,
    training: TrainingSpec,
    parameters: Parameters,
    x: Array,
    y: Labels,
    order: Labels,
) -> Parameters:
    """Return the parameters after an epoch."""
    network = network_class(spec, training, parameters)
    network.load(x, y)
    network.train(order)
    found: Parameters = network.parameters()
    return found


def frameworks_imported(network_class: Any) -> list[str]:
    return [name for name in FRAMEWORKS if sys.modules.get(name)]


def behaviour(
    network_class: Any,
    spec: NetworkSpec,
    training: TrainingSpec,
    parameters: Parameters,
    x: Array,
    y: Labels,
    order: Labels,
) -> dict[str, bool]:
    """Check the rest of the contract, apart from the numbers; the name of each check says what must hold."""
    import numpy as np

    from shared.agreement.metrics import worst
    from shared.agreement.tolerances import TOLERANCES

    def same(a: Parameters, b: Parameters) -> bool:
        same_names = list(a) == list(b)
        return same_names and all(a[n].dtype == b[n].dtype and np.array_equal(a[n], b[n]) for n in a)

    def copy(given: Parameters) -> Parameters:
        return {name: tensor.copy() for name, tensor in given.items()}

    x_0, y_0, order_0, parameters_0 = x.copy(), y.copy(), order.copy(), copy(parameters)
    network = network_class(spec, training, parameters)
    at_start = network.parameters()
    loss, gradients = network.loss_and_gradients(x, y)
    gradients_0 = copy(gradients)
    after_gradients = network.parameters()
    kept = network.parameters()
    kept_0 = copy(kept)
    network.load(x, y)
    network.train(order)
    trained = network.parameters()
    twin = network_class(spec, training, parameters)
    twin.load(x, y)
    step = training.batch_size
    for start in range(0, len(order), step):
        twin.train(order[start : start + step])
    network.train(order)
    network.reset(parameters)
    at_reset = network.parameters()
    network.train(order)
    prediction = network.predict(x)
    after_epoch = network.parameters()
    network.load(x[:step], y[:step])
    network.reset(parameters)
    network.train(np.arange(step))
    other = network_class(spec, training, parameters)
    other.load(x[:step], y[:step])
    other.train(np.arange(step))
    trained["W1"][:] = 0
    return {
        "starts from the given parameters": same(at_start, parameters_0),
        "computing gradients changes no parameter": same(after_gradients, parameters_0),
        "parameters() returns copies": same(kept, kept_0),
        "gradients returned are copies": same(gradients, gradients_0),
        "training changes every tensor": all(
            not np.array_equal(tensor, parameters_0[name]) for name, tensor in twin.parameters().items()
        ),
        "an epoch is its batches, one by one": worst(twin.parameters(), after_epoch).error
        <= TOLERANCES[training.dtype].limit,
        "load() takes another training set": worst(network.parameters(), other.parameters()).error
        <= TOLERANCES[training.dtype].limit,
        "reset() goes back to the given parameters": same(at_reset, parameters_0),
        "inputs are left alone": np.array_equal(x, x_0)
        and np.array_equal(y, y_0)
        and np.array_equal(order, order_0)
        and same(parameters, parameters_0),
        "loss is a Python float": type(loss) is float,
        "predict returns (n, n_out) in the dtype": prediction.shape == (len(x), spec.n_out)
        and prediction.dtype == np.dtype(training.dtype),
        "gradients have the parameters' shapes and dtype": all(
            g.shape == parameters[name].shape and g.dtype == parameters[name].dtype for name, g in gradients.items()
        )
        and list(gradients) == list(parameters),
    }


def sizes_of_forward(
    network_class: Any, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters, x: Array, y: Labels
) -> list[int]:
    """Return the number of examples of each call of `forward` for the gradients of a batch."""
    network = network_class(spec, training, parameters)
    forward, found = network.forward, list[int]()

    def counted(x: Any) -> Any:
        found.append(len(x))
        return forward(x)

    network.forward = counted
    network.loss_and_gradients(x, y)
    return found


def threads_of_workers(
    network_class: Any, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters, threads: int
) -> list[int]:
    """Return with how many threads the other workers compute, where this process was told to use so many."""
    sys.modules[network_class.__module__].set_threads(threads)
    network, probe = network_class(spec, training, parameters), object.__new__(Probe)
    with network.team.repeats(probe, "__init__"):
        return [link.recv() for link in network.team.links]


def rows_of_devices(
    network_class: Any, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters, x: Array, y: Labels
) -> list[int]:
    """Return of how many examples each device computes the gradients, as the compiled program has it."""
    network = network_class(spec, training, parameters)
    if tensorflow := sys.modules.get("tensorflow"):
        traced = network.gradients.get_concrete_function(tensorflow.convert_to_tensor(x), network.one_hot(y), len(y))
        called = [each for each in traced.graph.get_operations() if each.type == "StatefulPartitionedCall"]
        return [each.inputs[0].shape[0] for each in sorted(called, key=lambda each: str(each.device))]
    compiled = type(network).gradients.lower(network, network.theta, x, network.one_hot(y), len(y)).compile()
    hidden = re.findall(rf"f64\[(\d+),{len(parameters['W1'])}\]\S* (?:dot|fusion|custom-call)", compiled.as_text())
    return sorted({int(rows) for rows in hidden} - {spec.n_out})  # dW of the last layer is as wide


class Probe:
    """Made in each of the other workers, where it tells the first with how many threads it computes."""

    def __init__(self) -> None:
        from threadpoolctl import threadpool_info

        from shared import workers

        (team,) = workers._teams.values()
        torch = sys.modules.get("torch")
        pools = [torch.get_num_threads()] if torch else [pool["num_threads"] for pool in threadpool_info()]
        team.links[0].send(max(pools))
