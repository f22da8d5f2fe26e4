"""The seconds of each stage of a worker, reported to the parent when the stage ends."""

import json
import time
from pathlib import Path
from typing import Any

from shared.processes.child import still_at_work
from shared.record.schema import Stage


class Stopwatch:
    """The seconds of the named stages of a worker.

    Parameters
    ----------
    progress_path : file that gets a JSON line for each finished stage.
    started_ns : when the parent started this process, by `time.perf_counter_ns`, a clock that all processes share.
    """

    def __init__(self, progress_path: Path, started_ns: int) -> None:
        self.seconds: dict[Stage, float] = {}
        self._path = progress_path
        self._last = started_ns

    def lap(self, stage: Stage, **facts: Any) -> None:
        """End a stage that began when the last one ended; stages of the same name add up."""
        now = time.perf_counter_ns()
        took, self._last = (now - self._last) / 1e9, now
        self.seconds[stage] = self.seconds.get(stage, 0.0) + took
        with self._path.open("a", encoding="utf-8", newline="\n") as file:
            file.write(json.dumps({"stage": stage, "seconds": took, **facts}) + "\n")
        still_at_work()
