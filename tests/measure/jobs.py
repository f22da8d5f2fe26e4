"""Small jobs."""

from pathlib import Path

from shared.data import digits, snapshot
from shared.measure.job import Job
from shared.measure.sample import run_worker
from shared.spec import NetworkSpec, TrainingSpec
from tests.command import SECONDS

STUBS = Path(__file__).resolve().parents[1] / "stubs"


def job(
    folder: Path, implementation: str = "numpy_scratch", *, threads: int = 1, train_size: int = 100, **how: int
) -> Job:
    """Return a job on the first digits, which are saved next to its folder."""
    dataset = digits.load().with_train_size(train_size)
    data = folder / "data.npz"
    snapshot.save(dataset, data)
    workers = folder / "workers"
    workers.mkdir(exist_ok=True)
    return Job(
        implementation=implementation,
        round=1,
        is_reference=False,
        spec=NetworkSpec(),
        training=TrainingSpec(**how),  # type: ignore[arg-type]
        threads=threads,
        data=str(data),
        data_digest=dataset.digest,
        folder=str(workers),
    )


def ready(folder: Path, implementation: str = "numpy_scratch", **how: int) -> Job:
    """Return a job whose float64 reference has been made."""
    made = job(folder, implementation, **how)
    assert run_worker(made.reference, lambda event: None, timeout=SECONDS)["status"] == "ok"
    return made
