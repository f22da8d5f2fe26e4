"""One implementation in a process of its own: python -m shared.measure.worker JOB.json SPAWNED_NS PARENT.

start -> import -> load the data -> build -> probe (outputs, loss and gradients) -> first step -> agreement (the
parameters after 1, 10 and 100 steps) -> path (up to 1,000 steps beside the reference, in the first round) -> warm-up
epoch -> reset -> timed epochs -> evaluation -> sections (one more epoch, in the first round, to see which part of the
implementation the time goes to). On the clock of an epoch are `train` and the final read of the parameters, which
forces completion. What disagrees with the float64 reference is not timed.
"""

import faulthandler
import gc
import json
import resource
import signal
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from shared.measure import machine
from shared.measure.job import Job
from shared.measure.noise import Counters, canary_seconds
from shared.processes.signals import die_with
from shared.record import files

if TYPE_CHECKING:
    from shared.agreement.observation import Observation
    from shared.agreement.path import Point
    from shared.data import Dataset
    from shared.interface import Array, Labels, Network, Parameters


class Stopwatch:
    """Seconds of the named stages of a worker, each told to the parent as it ends.

    Parameters
    ----------
    progress_path : where each stage that ends is told.
    started_ns : when the parent started this process, on the clock that all processes share.
    """

    def __init__(self, progress_path: Path, started_ns: int) -> None:
        self.seconds: dict[str, float] = {}
        self._path = progress_path
        self._last = started_ns

    def lap(self, stage: str, **facts: Any) -> float:
        """End a stage that began where the last one ended; stages of one name add up."""
        now = time.monotonic_ns()
        took, self._last = (now - self._last) / 1e9, now
        self.seconds[stage] = self.seconds.get(stage, 0.0) + took
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"stage": stage, "seconds": took, **facts}) + "\n")
        return took


def main(job_path: Path, started_ns: int, parent: int) -> None:
    """Do a job and write its result."""
    die_with(parent)
    faulthandler.register(signal.SIGUSR1)  # the parent's question to a worker that hangs: where?
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a crash is told in the record; a core file helps nobody
    job = Job.read(job_path)
    watch = Stopwatch(job.progress_path, started_ns)
    result: dict[str, Any] = {
        "implementation": job.label,
        "round": job.round,
        "seed": job.training.seed,
        "status": "ok",
    }
    watch.lap("start")
    from shared.implementations import FrameworkNotInstalledError, load_module

    try:
        module = load_module(job.implementation)
    except FrameworkNotInstalledError as error:
        result |= {"status": "not available", "reason": str(error), "remedy": error.remedy}
    else:
        watch.lap("import")
        threads = dict(module.set_threads(job.threads) or {}) if hasattr(module, "set_threads") else {}
        result |= refer(job, module, watch) if job.is_reference else sample(job, module, watch)
        # as they are at the end, when all that could start threads has done so
        result |= {"versions": machine.versions(module), "threads": threads | machine.thread_pools()}
    result |= {"seconds": watch.seconds, "peak_memory_bytes": machine.peak_memory_bytes()}
    files.write_json(job.result_path, result)


def refer(job: Job, module: ModuleType, watch: Stopwatch) -> dict[str, Any]:
    """Observe the float64 reference on the very numbers that the run's dtype has, and its twins."""
    import numpy as np

    from shared import initial
    from shared.agreement.observation import allowed_errors, observe, twins
    from shared.agreement.path import explained
    from shared.agreement.rounding import bounds
    from shared.measure import roofline

    drawn = initial.draw_parameters(job.spec, job.training)
    parameters = initial.cast(drawn, "float64")
    x, y = load(job).train.arrays(job.training.dtype)
    order = next(initial.draw_orders(job.training, len(y)))
    x_64 = x.astype("float64")
    watch.lap("load")

    def observed(theta: "Parameters", x: "Array") -> "Observation":
        network = module.Network(job.spec, replace(job.training, dtype=x.dtype.name), theta)
        return observe(network, theta, x, y, order, job.training.batch_size)

    # Training that diverges overflows; that is what is to be found out here, not a warning.
    with np.errstate(all="ignore"):
        reference = observed(parameters, x_64)
        observed_twins = [observed(twin, x_64) for twin in twins(parameters, job.training.dtype)]
        in_float32 = observed(initial.cast(drawn, "float32"), x.astype("float32"))
    reference.save(job.tensors_path)
    allowed = allowed_errors(reference, observed_twins, in_float32, job.training.dtype)
    batch = order[: job.training.batch_size]
    of_rounding = bounds(job.spec, parameters, x_64[batch], y[batch], job.training.dtype)
    watch.lap("agreement")
    points = []
    if job.is_first:
        with np.errstate(all="ignore"):
            points = explained(module.Network, job.spec, job.training, parameters, x, y, order)
        watch.lap("path")
    seconds = roofline.epoch_seconds(drawn, x, job.training.batch_size)
    watch.lap("limit")
    return {
        "digests": digests(drawn, order),
        "allowed": {stage: files.finite(error) for stage, error in allowed.items()},
        "bounds": {name: files.finite(bound) for name, bound in of_rounding.items()},
        "path": path_of(points),
        "limit_seconds": seconds,
    }


def sample(job: Job, module: ModuleType, watch: Stopwatch) -> dict[str, Any]:
    """Observe one implementation; if it agrees with the reference, train and time it."""
    from shared import initial
    from shared.agreement.judgement import judge
    from shared.agreement.observation import Observation, probe, take_steps

    training = job.training
    dataset = load(job)
    x, y = dataset.train.arrays(training.dtype)
    parameters = initial.draw_parameters(job.spec, training)
    order = next(initial.draw_orders(training, len(y)))
    result: dict[str, Any] = {"digests": digests(parameters, order)}
    reference = Observation.load(job.reference.tensors_path)
    told = json.loads(job.reference.result_path.read_text(encoding="utf-8"))
    watch.lap("load")
    network: Network = module.Network(job.spec, training, parameters)
    network.parameters()
    watch.lap("build")
    stages = probe(network, parameters, x, y, order, training.batch_size)
    watch.lap("probe")
    network.reset(parameters)
    network.train(x, y, order[: training.batch_size])
    network.parameters()
    watch.lap("first step")
    stages |= take_steps(network, parameters, x, y, order, training.batch_size)
    observation = Observation(stages)
    observation.save(job.tensors_path)
    verdict = judge(observation, reference, told["allowed"])
    watch.lap("agreement")
    if job.is_first and verdict["status"] == "ok":
        result["path"] = path_of(walk(job, network, parameters, x, y, order, [p["step"] for p in told.get("path", [])]))
        watch.lap("path")
    return result | (
        {"status": verdict["status"]} if verdict["status"] != "ok" else timed(job, network, x, y, dataset, watch)
    )


def walk(
    job: Job, network: "Network", parameters: "Parameters", x: "Array", y: "Labels", order: "Labels", steps: list[int]
) -> "list[Point]":
    """Take these steps beside the float64 reference."""
    import numpy as np

    from impls.numpy_scratch import Network as Reference
    from shared import initial
    from shared.agreement.path import walked

    reference = Reference(job.spec, replace(job.training, dtype="float64"), initial.cast(parameters, "float64"))
    with np.errstate(all="ignore"):
        return walked(network, reference, parameters, x, y, order, job.training.batch_size, steps)


def path_of(points: "list[Point]") -> list[dict[str, Any]]:
    """Return the points as JSON has them."""
    return [{"step": p.step, "values": {name: files.finite(v) for name, v in p.values.items()}} for p in points]


def timed(
    job: Job, network: "Network", x: "Array", y: "Labels", dataset: "Dataset", watch: Stopwatch
) -> dict[str, Any]:
    """Warm up for an epoch, start anew, and time the epochs one by one; x and y are the training set."""
    import numpy as np

    from shared import evaluation, initial
    from shared.measure import profile
    from shared.record import trained

    parameters = initial.draw_parameters(job.spec, job.training)
    x_validation, y_validation = dataset.validation.arrays(job.training.dtype)
    x_test, y_test = dataset.test.arrays(job.training.dtype)
    loss = evaluation.LOSSES[job.spec.loss]
    orders = initial.draw_orders(job.training, len(y))
    order = next(orders)
    watch.lap("load")
    network.train(x, y, order)
    network.parameters()
    watch.lap("warm-up")
    network.reset(parameters)
    gc.collect()
    gc.freeze()
    watch.lap("reset")
    canary, before = [canary_seconds()], Counters.now()
    watch.lap("canary")

    epochs: list[dict[str, Any]] = []
    for epoch in range(1, job.training.epochs + 1):
        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        network.train(x, y, order)
        network.parameters()  # returns when the device is done
        cpu, wall = time.process_time_ns() - cpu, time.perf_counter_ns() - wall
        watch.lap("epochs")
        order = next(orders)
        activations = network.predict(x_validation)
        facts = {
            "epoch": epoch,
            "validation_accuracy": evaluation.accuracy(activations, y_validation),
            "validation_loss": files.finite(loss(activations, y_validation)),
        }
        epochs.append({**facts, "wall_ns": wall, "cpu_ns": cpu})
        watch.lap("evaluation", **facts)

    noise = Counters.now().since(before)
    canary.append(canary_seconds())
    watch.lap("canary")
    activations = network.predict(x_test)
    learnt = network.parameters()
    trained.save(learnt, job.parameters_path)
    result = {
        "noise": {**noise, "canary_seconds": canary},
        "parameter_count": sum(W.size + b.size for W, b in learnt),
        "finite": all(bool(np.isfinite(W).all() and np.isfinite(b).all()) for W, b in learnt),
        "test_loss": files.finite(loss(activations, y_test)),
        "steps_per_epoch": -(-len(y) // job.training.batch_size),
        "examples_per_epoch": len(y),
        "epochs": epochs,
        "predictions": "".join(map(str, evaluation.predicted_digits(activations))),
    }
    watch.lap("evaluation")
    if job.is_first:
        with suppress(OSError):  # the page does without; what has been timed is worth more
            np.savez(job.activations_path, allow_pickle=False, a_L=activations.astype("float32"))
        with profile.sampled(network) as seconds:
            network.train(x, y, order)
            network.parameters()
        result["sections"] = dict(seconds)
        watch.lap("sections")
    return result


def digests(parameters: "Parameters", order: "Labels") -> dict[str, str]:
    """Return what proves that all implementations of a round started alike."""
    from shared import initial

    return {"parameters": initial.digest(parameters), "first_order": initial.digest(order)}


def load(job: Job) -> "Dataset":
    """Return the data set that the parent left, and make sure that it is the one that was meant."""
    from shared.data import snapshot

    return snapshot.load(Path(job.data), job.data_digest)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
