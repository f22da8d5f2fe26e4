"""One implementation in its own process: python -m shared.measure.worker JOB.json SPAWNED_NS.

The stages are those of `schema.STAGES`: start, import, data (reading the data set), build, load (handing over the
training set), gradients (with outputs and loss), first step, agreement (the parameters after 1, 10 and 100 steps),
path (up to 1,000 steps beside the reference, in the first round), data (for the evaluation), warm-up (one call as long
as an epoch, which is compared with the reference), reset,
the timed epochs, each followed by its evaluation, and sections (one more epoch in the first round, to find which part
of the implementation takes the time). The time of an epoch covers `train` and the final read of the parameters, which
waits for the device. An implementation that disagrees with the float64 reference is not timed.
"""

import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from shared.measure import machine, system
from shared.measure.job import Job
from shared.measure.stopwatch import Stopwatch
from shared.processes.child import begin
from shared.record import files
from shared.record.schema import NOT_AVAILABLE, OK, PathPoint

if TYPE_CHECKING:  # NumPy belongs to the stage "import"
    from shared.agreement.observation import Observation
    from shared.agreement.path import Point
    from shared.interface import Array, Network, Parameters
    from shared.measure.start import Start


def main(job_path: Path, started_ns: int) -> None:
    """Run a job and write its result."""
    job = Job.read(job_path)
    watch = Stopwatch(job.progress_path, started_ns)
    result: dict[str, Any] = job.head | {"status": OK}
    watch.lap("start")
    from shared.implementations import ContractError, FrameworkNotInstalledError, load_module, network_class

    try:
        module = load_module(job.implementation)
        network_class(module)
    except FrameworkNotInstalledError as error:
        result |= {"status": NOT_AVAILABLE, "reason": str(error), "remedy": error.remedy}
    except ContractError as error:
        result |= {"status": NOT_AVAILABLE, "reason": f"{job.label}: {error}", "remedy": "see shared/interface.py"}
    else:
        watch.lap("import")
        threads = dict(module.set_threads(job.threads) or {}) if hasattr(module, "set_threads") else {}
        result |= refer(job, module, watch) if job.is_reference else sample(job, module, watch)
        # read at the end, when everything that can start threads has started them
        result |= {"versions": machine.versions(module), "threads": threads | machine.thread_pools()}
    peak = system.peak_memory_bytes()
    if peak is not None and job.workers > 1:
        peak += system.memory_of_children_bytes()
    result |= {"seconds": watch.seconds, "peak_memory_bytes": peak}
    files.write_json(job.result_path, result)


# ---- The reference --------------------------------------------------------------------------------------


def refer(job: Job, module: ModuleType, watch: Stopwatch) -> dict[str, Any]:
    """Observe the float64 reference on exactly the numbers of the run's dtype, and compute what rounding explains."""
    import numpy as np

    from shared.agreement import whole_call
    from shared.agreement.path import explained
    from shared.agreement.rounding import bounds
    from shared.initial import cast
    from shared.measure import roofline
    from shared.measure.epochs import warming
    from shared.measure.start import Start

    start = Start.of(job)
    parameters, batch = cast(start.parameters, "float64"), start.order[: job.training.batch_size]
    watch.lap("data")
    # Training that diverges overflows; here this is a result, not a reason for a warning.
    with np.errstate(all="ignore"):
        allowed = _observe_with_twins(job, module, start)
    x = start.x[batch].astype("float64")
    of_rounding = bounds(job.spec, parameters, x, start.y[batch], job.training.dtype)
    watch.lap("agreement")
    points: list[Point] = []
    if job.is_first:
        with np.errstate(all="ignore"):
            points = explained(module.Network, job.spec, job.training, parameters, start.x, start.y, start.order)
        watch.lap("path")
    with np.errstate(all="ignore"):
        order = warming(job, start.order)
        given = (job.spec, job.training, start.parameters, start.x, start.y, order)
        reference, most = whole_call.expected(module.Network, *given)
    reference.save(job.whole_call_path)
    watch.lap("agreement")
    limit = roofline.limit(job.spec, start.x, job.training.batch_size)
    watch.lap("limit")
    return {
        "digests": start.digests,
        "allowed": {stage: files.finite(error) for stage, error in allowed.items()},
        "bounds": {name: files.finite(bound) for name, bound in of_rounding.items()},
        "path": _path(points),
        "limit_seconds": limit.seconds,
        "least_seconds": limit.least / job.threads,
        "whole_call_allowed": files.finite(most),
    }


def _observe_with_twins(job: Job, module: ModuleType, start: "Start") -> dict[str, float]:
    """Save the reference's observation for the samples; return the errors that its twins allow them."""
    from shared.agreement.observation import allowed_errors, observe, twins
    from shared.initial import cast

    def observed(parameters: "Parameters", x: "Array") -> "Observation":
        network = module.Network(job.spec, replace(job.training, dtype=x.dtype.name), parameters)
        return observe(network, parameters, x, start.y, start.order, job.training.batch_size)

    exact, x = cast(start.parameters, "float64"), start.x.astype("float64")
    reference = observed(exact, x)
    reference.save(job.tensors_path)
    observed_twins = [observed(twin, x) for twin in twins(exact, job.training.dtype)]
    in_float32 = observed(cast(start.parameters, "float32"), start.x.astype("float32"))
    return allowed_errors(reference, observed_twins, in_float32, job.training.dtype)


# ---- A sample -------------------------------------------------------------------------------------------


def sample(job: Job, module: ModuleType, watch: Stopwatch) -> dict[str, Any]:
    """Observe one implementation; if it agrees with the reference, train and time it."""
    from shared.agreement.judgement import judge
    from shared.agreement.observation import Observation
    from shared.agreement.several_ways import late_departures
    from shared.measure.epochs import timed
    from shared.measure.start import Start

    start = Start.of(job)
    reference = Observation.load(job.reference.tensors_path, job.spec)
    of_reference = json.loads(job.reference.result_path.read_text(encoding="utf-8"))
    watch.lap("data")
    network: Network = module.Network(job.spec, job.training, start.parameters)
    network.parameters()
    watch.lap("build")
    network.load(start.x, start.y)
    watch.lap("load")
    observation = _observe(job, network, start, watch)
    observation.save(job.tensors_path)
    status = judge(observation, reference, of_reference["allowed"])["status"]
    watch.lap("agreement")
    result: dict[str, Any] = {"digests": start.digests, "status": status}
    # the parent may find that rounding sends training several ways
    if status != OK and not late_departures(job.spec, observation, reference, of_reference["allowed"]):
        return result
    if job.is_first:
        steps = [point["step"] for point in of_reference.get("path", [])]
        result["path"] = _path(_beside_the_reference(job, network, start, steps))
        watch.lap("path")
    return result | timed(job, network, start, watch)


def _observe(job: Job, network: "Network", start: "Start", watch: Stopwatch) -> "Observation":
    """Observe a loaded network as `observe` does, stage by stage."""
    from shared.agreement.observation import Observation, at_start, take_steps

    size = job.training.batch_size
    stages = at_start(network, start.parameters, start.x, start.y, start.order, size)
    watch.lap("gradients")
    network.reset(start.parameters)
    network.train(start.order[:size])
    network.parameters()
    watch.lap("first step")
    return Observation(stages | take_steps(network, start.parameters, start.order, size))


def _beside_the_reference(job: Job, network: "Network", start: "Start", steps: list[int]) -> "list[Point]":
    """Return the errors of a loaded network against the float64 reference after these numbers of steps."""
    import numpy as np

    from impls.numpy_scratch import Network as Reference
    from shared.agreement.path import deviations
    from shared.initial import cast

    reference = Reference(job.spec, replace(job.training, dtype="float64"), cast(start.parameters, "float64"))
    size = job.training.batch_size
    with np.errstate(all="ignore"):
        return deviations(network, reference, start.parameters, start.x, start.y, start.order, size, steps)


def _path(points: "list[Point]") -> list[PathPoint]:
    """Return the points in their JSON form."""
    return [{"step": p.step, "values": {name: files.finite(v) for name, v in p.values.items()}} for p in points]


if __name__ == "__main__":
    begin()
    main(Path(sys.argv[1]), int(sys.argv[2]))
