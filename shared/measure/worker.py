"""One implementation in a process of its own: python -m shared.measure.worker JOB.json.

import -> load the data -> build -> first step -> observe (agreement) -> reset -> timed epochs -> predictions. On the
clock of an epoch are `train` and the final read of the parameters, which forces completion; evaluation is off it.
"""

import gc
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from shared.measure import files, machine
from shared.measure.job import Job

if TYPE_CHECKING:
    from shared.agreement.observation import Observation
    from shared.data import Dataset
    from shared.interface import Array, Labels, Network, Parameters


class Stopwatch:
    """Seconds of the named stages of a worker, each told to the parent as it ends."""

    def __init__(self, progress_path: Path) -> None:
        self.seconds: dict[str, float] = {}
        self._path = progress_path
        self._last = time.perf_counter()

    def lap(self, stage: str, **facts: Any) -> float:
        """End a stage that began where the last one ended; stages of one name add up."""
        now = time.perf_counter()
        took, self._last = now - self._last, now
        self.seconds[stage] = self.seconds.get(stage, 0.0) + took
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"stage": stage, "seconds": took, **facts}) + "\n")
        return took


def main(job_path: Path) -> None:
    """Do a job and write its result."""
    job = Job.read(job_path)
    watch = Stopwatch(job.progress_path)
    result: dict[str, Any] = {
        "implementation": job.label,
        "round": job.round,
        "seed": job.training.seed,
        "status": "ok",
    }
    from impls import FrameworkNotInstalledError, load_module

    try:
        module = load_module(job.implementation)
    except FrameworkNotInstalledError as error:
        result |= {"status": "not available", "reason": str(error), "remedy": error.remedy}
    else:
        watch.lap("import")
        threads = dict(module.set_threads(job.threads) or {}) if hasattr(module, "set_threads") else {}
        result |= {"versions": machine.versions(module), "threads": threads}
        result |= refer(job, module, watch) if job.is_reference else sample(job, module, watch)
    result |= {"seconds": watch.seconds, "peak_memory_bytes": machine.peak_memory_bytes()}
    files.write_json(job.result_path, result)


def refer(job: Job, module: ModuleType, watch: Stopwatch) -> dict[str, Any]:
    """Observe the float64 reference on the very numbers that the run's dtype has, and its twins."""
    import numpy as np

    from shared import initial
    from shared.agreement.observation import allowed_errors, observe, twins

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
    watch.lap("observe")
    return {
        "digests": digests(drawn, order),
        "allowed": {stage: files.finite(error) for stage, error in allowed.items()},
    }


def sample(job: Job, module: ModuleType, watch: Stopwatch) -> dict[str, Any]:
    """Observe, train and time one implementation."""
    import numpy as np

    from shared import evaluation, initial
    from shared.agreement.observation import observe

    training = job.training
    dataset = load(job)
    x, y = dataset.train.arrays(training.dtype)
    x_validation, y_validation = dataset.validation.arrays(training.dtype)
    x_test, y_test = dataset.test.arrays(training.dtype)
    parameters = initial.draw_parameters(job.spec, training)
    orders = initial.draw_orders(training, len(y))
    order = next(orders)
    start = digests(parameters, order)
    watch.lap("load")
    network: Network = module.Network(job.spec, training, parameters)
    network.parameters()
    watch.lap("build")
    network.train(x, y, order[: training.batch_size])
    network.parameters()
    watch.lap("first step")
    observe(network, parameters, x, y, order, training.batch_size).save(job.tensors_path)
    watch.lap("observe")
    network.reset(parameters)
    gc.collect()
    gc.freeze()
    watch.lap("reset")

    epochs: list[dict[str, Any]] = []
    for epoch in range(1, training.epochs + 1):
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
            "validation_loss": files.finite(evaluation.LOSSES[job.spec.loss](activations, y_validation)),
        }
        epochs.append({**facts, "wall_ns": wall, "cpu_ns": cpu})
        watch.lap("evaluation", **facts)

    activations = network.predict(x_test)
    digits = evaluation.predicted_digits(activations)
    np.savez(job.predictions_path, digits=digits)
    trained = network.parameters()
    result = {
        "digests": start,
        "parameter_count": sum(W.size + b.size for W, b in trained),
        "finite": all(bool(np.isfinite(W).all() and np.isfinite(b).all()) for W, b in trained),
        "test_accuracy": evaluation.accuracy(activations, y_test),
        "test_loss": files.finite(evaluation.LOSSES[job.spec.loss](activations, y_test)),
        "steps_per_epoch": -(-len(y) // training.batch_size),
        "examples_per_epoch": len(y),
        "epochs": epochs,
    }
    watch.lap("evaluation")
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
    main(Path(sys.argv[1]))
