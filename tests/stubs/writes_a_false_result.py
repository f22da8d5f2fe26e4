"""Crashes: says that all is well, and faster than it was."""

import json
import os
import sys
from pathlib import Path

from impls.numpy_scratch import Network as Scratch
from shared.interface import Labels
from shared.measure.job import Job


class Network(Scratch):
    def train(self, order: Labels) -> None:
        job = Job.read(Path(sys.argv[1]))
        result = {
            "implementation": job.label,
            "round": job.round,
            "seed": job.training.seed,
            "status": "ok",
            "seconds": {"epochs": 1000.0},
            "peak_memory_bytes": 1,
        }
        job.result_path.write_text(json.dumps(result))
        os._exit(0)
