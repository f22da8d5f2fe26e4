"""What a worker is asked to do reaches it as it was meant."""

from dataclasses import replace
from pathlib import Path

from shared.layers import Dense
from shared.measure import blocks
from shared.measure.job import Job
from shared.record.schema import WALL
from shared.spec import NetworkSpec, TrainingSpec

JOB = Job(
    implementation="/somewhere/else/mine.py",
    round=2,
    is_reference=False,
    spec=NetworkSpec(
        (28, 28), (Dense(12, "tanh"), Dense(30, "relu", bias=False), Dense(10, "softmax")), "cross_entropy"
    ),
    training=TrainingSpec(learning_rate=0.1, batch_size=7, epochs=4, seed=2**40 + 1, initial="scaled", dtype="float64"),
    threads=2,
    data="/tmp/data.npz",
    data_digest="0" * 64,
    folder="",
)


def test_a_job_that_is_written_and_read_is_the_same_job(tmp_path: Path) -> None:
    job = replace(JOB, folder=str(tmp_path))
    job.write()
    assert Job.read(job.job_path) == job


def test_every_file_of_every_worker_has_a_name_of_its_own() -> None:
    reference = replace(JOB, implementation="numpy_scratch", is_reference=True)
    scratch = replace(JOB, implementation="numpy_scratch")
    jobs = [JOB, replace(JOB, round=1), reference, scratch]
    kinds = [name for name in vars(Job) if name.endswith("_path") and name != "_path"]
    paths = {getattr(job, kind) for job in jobs for kind in kinds}
    assert len(kinds) >= 6
    assert len(paths) == len(jobs) * len(kinds)


def test_an_implementation_given_by_its_path_goes_by_its_name() -> None:
    assert (JOB.label, replace(JOB, is_reference=True).label) == ("mine", "float64-reference")


def test_only_what_takes_workers_is_not_on_one_cpu() -> None:
    """Then it is not bound to one, and the wall clock counts; beside it, the others stay as they are."""
    job = replace(JOB, implementation="jax_sharded", threads=1, training=TrainingSpec(workers=3))
    assert (job.workers, job.is_on_one_cpu, blocks.clock(job)) == (3, False, WALL)
    other = replace(job, implementation="numpy_scratch")
    assert (other.workers, other.is_on_one_cpu) == (1, True)
    assert replace(job, training=TrainingSpec()).is_on_one_cpu
    assert not replace(other, threads=2).is_on_one_cpu
