"""How long each stage of a worker takes, reported to the parent as it ends."""

import json
import time
from pathlib import Path
from typing import Any

from shared.processes.child import still_at_work
from shared.record.schema import Stage


class Stopwatch:
    """Seconds of the named stages of a worker.

    Parameters
    ----------
    progress_path : gets a JSON line for each stage that ends.
    started_ns : when the parent started this process, on `time.perf_counter`, which all processes of a system share.
    """

    def __init__(self, progress_path: Path, started_ns: int) -> None:
        self.seconds: dict[Stage, float] = {}
        self._path = progress_path
        self._last = started_ns

    def lap(self, stage: Stage, **facts: Any) -> None:
        """End a stage that began where the last one ended; stages of one name add up."""
        now = time.perf_counter_ns()
        took, self._last = (now - self._last) / 1e9, now
        self.seconds[stage] = self.seconds.get(stage, 0.0) + took
        with self._path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps({"stage": stage, "seconds": took, **facts}) + "\n")
        still_at_work()
