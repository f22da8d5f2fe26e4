"""What every worker of a round starts from, including the reference: data, initial parameters, mini-batches."""

from dataclasses import dataclass
from pathlib import Path

from shared import initial
from shared.data import Dataset, snapshot
from shared.interface import Array, Labels, Parameters
from shared.measure.job import Job


@dataclass(frozen=True)
class Start:
    """Data, initial parameters and mini-batches in the dtype of the run."""

    dataset: Dataset
    x: Array
    """(n, n_in), the training set"""
    y: Labels
    """(n,)"""
    parameters: Parameters
    order: Labels
    """(n,), for the first epoch"""
    digests: dict[str, str]
    """proof that all implementations of a round started alike; computed before any of them can change an array"""

    @classmethod
    def of(cls, job: Job) -> "Start":
        """Read the data set that the parent saved, check its digest, and draw the rest."""
        dataset = snapshot.load(Path(job.data), job.data_digest)
        x, y = dataset.train.arrays(job.training.dtype)
        order = next(initial.draw_orders(job.training, len(y)))
        parameters = initial.draw_parameters(job.spec, job.training)
        digests = {"parameters": initial.digest(parameters), "first_order": initial.digest(order)}
        return cls(dataset, x, y, parameters, order, digests)
