"""What one worker process has to do, and its files; the parent writes it as JSON."""

import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from shared.implementations import REFERENCE, REFERENCE_LABEL, is_data_parallel, label
from shared.record import workers
from shared.spec import NetworkSpec, TrainingSpec


@dataclass(frozen=True)
class Job:
    """One implementation in one round, or the float64 reference of a round."""

    implementation: str
    """a name, or the absolute path of a .py file"""
    round: int
    """from 1"""
    is_reference: bool
    """observe only, in float64 and with twins; nothing is timed"""
    spec: NetworkSpec
    training: TrainingSpec
    threads: int
    data: str
    """npz file with the bytes of the data set"""
    data_digest: str
    folder: str
    """of the files below"""

    @property
    def label(self) -> str:
        """The implementation's name in tables and file names."""
        return REFERENCE_LABEL if self.is_reference else label(self.implementation)

    @property
    def head(self) -> dict[str, Any]:
        """The keys that identify the worker in every result."""
        return {"implementation": self.label, "round": self.round, "seed": self.training.seed}

    @cached_property
    def workers(self) -> int:
        """How many processes, or devices, share its batches; its file says whether it takes them."""
        asked = self.training.workers
        return asked if asked > 1 and is_data_parallel(self.implementation) else 1

    @property
    def is_on_one_cpu(self) -> bool:
        """Whether one thread computes, so that its process may be bound to a CPU, and its CPU time be taken."""
        return self.threads * self.workers == 1

    @property
    def is_first(self) -> bool:
        """Whether it belongs to the first round, which records more than speed and accuracy."""
        return self.round == 1

    @property
    def reference(self) -> "Job":
        """The float64 reference of this job's round."""
        return replace(self, implementation=REFERENCE, is_reference=True)

    def _path(self, ending: str) -> Path:
        return workers.path(Path(self.folder), self.round, self.label, ending)

    @property
    def job_path(self) -> Path:
        """The job itself, as JSON."""
        return self._path(".job.json")

    @property
    def result_path(self) -> Path:
        """The worker's result, as JSON; written in one piece or not at all."""
        return self._path(".json")

    @property
    def tensors_path(self) -> Path:
        """The worker's `Observation`, as npz."""
        return self._path(".npz")

    @property
    def whole_call_path(self) -> Path:
        """The parameters after one call as long as an epoch, as npz; see `shared.agreement.whole_call`."""
        return self._path(".whole-call.npz")

    @property
    def parameters_path(self) -> Path:
        """The trained parameters, as npz."""
        return self._path(workers.PARAMETERS)

    @property
    def activations_path(self) -> Path:
        """The outputs for every test image, as npz; in the first round."""
        return self._path(workers.ACTIVATIONS)

    @property
    def progress_path(self) -> Path:
        """One JSON line for each finished stage and epoch."""
        return self._path(".progress.jsonl")

    @property
    def stdout_path(self) -> Path:
        """The stdout of the worker."""
        return self._path(".stdout.txt")

    @property
    def stderr_path(self) -> Path:
        """The stderr of the worker and its libraries."""
        return self._path(".stderr.txt")

    @property
    def paths(self) -> tuple[Path, ...]:
        """All of them."""
        logs = self.job_path, self.progress_path, self.stdout_path, self.stderr_path
        return *logs, self.result_path, self.tensors_path, self.parameters_path, self.activations_path

    def write(self) -> None:
        """Write `job_path`."""
        self.job_path.write_text(json.dumps(asdict(self) | {"spec": str(self.spec)}, indent=1), encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> "Job":
        """Read what `write` wrote."""
        fields = json.loads(path.read_text(encoding="utf-8"))
        spec, training = NetworkSpec.parse(fields.pop("spec")), TrainingSpec(**fields.pop("training"))
        return cls(spec=spec, training=training, **fields)
