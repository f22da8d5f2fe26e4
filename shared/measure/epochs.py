"""The timed part of a worker: warm up, reset, and train epoch by epoch."""

import gc
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from typing import Any, Final

import numpy as np

from shared import evaluation, initial
from shared.agreement import whole_call
from shared.interface import Array, Labels, Network, Parameters
from shared.measure import profile
from shared.measure.job import Job
from shared.measure.noise import Counters, canary_seconds
from shared.measure.start import Start
from shared.measure.stopwatch import Stopwatch
from shared.measure.system import cpu_of_children_ns
from shared.record import files, parameters
from shared.record.schema import Epoch

EXCERPT: Final = 50
"""Batches with which a network with convolutions is warmed up, and its sections are timed."""


def timed(job: Job, network: Network, start: Start, watch: Stopwatch) -> dict[str, Any]:
    """Time a network that has been loaded, and evaluate it."""
    x_validation, y_validation = start.dataset.validation.arrays(job.training.dtype)
    x_test, y_test = start.dataset.test.arrays(job.training.dtype)
    drawn = initial.draw_orders(job.training, len(start.y))
    first = next(drawn)
    orders = chain([first], drawn)  # the first order is drawn before the clock starts
    given = initial.draw_parameters(job.spec, job.training)  # again, as the order: a network may change its own
    watch.lap("data")
    whole_call.observe(network, initial.draw_parameters(job.spec, job.training), warming(job, first)).save(
        job.whole_call_path
    )
    watch.lap("warm-up")
    _settle(network, given, watch)
    canary, before = [canary_seconds()], Counters.now()
    watch.lap("canary")
    epochs = list(_epochs(job, network, orders, x_validation, y_validation, watch))
    noise = Counters.now().since(before)
    canary.append(canary_seconds())
    watch.lap("canary")
    activations = evaluation.outputs(network, x_test)
    result = {
        "noise": {**noise, "canary_seconds": canary},
        "steps_per_epoch": -(-len(start.y) // job.training.batch_size),
        "examples_per_epoch": len(start.y),
        "epochs": epochs,
        **_learnt(job, network, activations, y_test),
    }
    watch.lap("evaluation")
    if job.is_first:
        _keep(job, activations)
        result["sections"] = _sections(network, start.order, _excerpt(job, start.order))
        watch.lap("sections")
    return result


def warming(job: Job, order: Labels) -> Labels:
    """Return the order of the warm-up: as long as an epoch, so that everything is compiled, loaded and allocated."""
    return whole_call.order_of(_excerpt(job, order), job.training.batch_size)


def _settle(network: Network, given: Parameters, watch: Stopwatch) -> None:
    """Reset the network, and leave nothing for the garbage collector."""
    network.reset(given)
    gc.collect()
    gc.freeze()
    watch.lap("reset")


def _epochs(
    job: Job, network: Network, orders: Iterator[Labels], x: Array, y: Labels, watch: Stopwatch
) -> Iterator[Epoch]:
    """Train and evaluate epoch by epoch; x and y are for validation."""
    loss = evaluation.LOSSES[job.spec.loss]
    others = cpu_of_children_ns if job.workers > 1 else int  # whose workers may be processes
    order = next(orders)
    for epoch in range(1, job.training.epochs + 1):
        of_workers = others()
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        network.train(order)
        network.parameters()  # returns when the device has finished
        cpu, wall = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
        cpu += others() - of_workers
        watch.lap("epochs")
        order = next(orders)
        activations = evaluation.outputs(network, x)
        accuracy, lost = evaluation.accuracy(activations, y), files.finite(loss(activations, y))
        watch.lap("evaluation", epoch=epoch, validation_accuracy=accuracy, validation_loss=lost)
        yield {
            "epoch": epoch,
            "validation_accuracy": accuracy,
            "validation_loss": lost,
            "wall_ns": wall,
            "cpu_ns": cpu,
        }


def _learnt(job: Job, network: Network, activations: Array, y: Labels) -> dict[str, Any]:
    """Save the trained parameters, and evaluate them; the activations are those of the test set."""
    learnt = network.parameters()
    parameters.save(learnt, job.parameters_path)
    return {
        "parameter_count": sum(tensor.size for tensor in learnt.values()),
        "finite": all(bool(np.isfinite(tensor).all()) for tensor in learnt.values()),
        "test_loss": files.finite(evaluation.LOSSES[job.spec.loss](activations, y)),
        "predictions": "".join(map(str, evaluation.predicted_digits(activations))),
    }


def _keep(job: Job, activations: Array) -> None:
    """Save the activations of the test set for the page; a failure does not affect the timed result."""
    with suppress(OSError):
        np.savez(job.activations_path, allow_pickle=False, a_L=activations.astype("float32"))


def _sections(network: Network, order: Labels, part: Labels) -> dict[str, float]:
    """Return the seconds that each section of the implementation takes in one more epoch, as measured on a part."""
    with profile.sampled(network) as seconds:
        network.train(part)
        network.parameters()
    return {title: spent * len(order) / len(part) for title, spent in seconds.items()}


def _excerpt(job: Job, order: Labels) -> Labels:
    """Return the whole order, which some implementations compile, or with convolutions its last batches.

    A step of a convolution takes so long that no implementation compiles more than one: their loops are Python's.
    """
    if not job.spec.has_convolutions:
        return order
    size = job.training.batch_size
    return order[max(0, -(-len(order) // size) - EXCERPT) * size :]
