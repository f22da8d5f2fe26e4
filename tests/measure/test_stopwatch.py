"""The stages of a worker, each from where the last one ended."""

import json
from pathlib import Path

import pytest

from shared.measure.stopwatch import Stopwatch


def test_stages_follow_one_another_without_a_gap_and_those_of_one_name_add_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = iter(seconds * 10**9 for seconds in (13, 20, 21, 25))
    monkeypatch.setattr("shared.measure.stopwatch.time.perf_counter_ns", lambda: next(now))
    watch = Stopwatch(tmp_path / "progress", started_ns=10 * 10**9)
    watch.lap("start")
    watch.lap("import")
    watch.lap("data")
    watch.lap("import", epoch=1)
    assert watch.seconds == {"start": 3.0, "import": 11.0, "data": 1.0}
    events = [json.loads(line) for line in (tmp_path / "progress").read_text().splitlines()]
    assert [event["seconds"] for event in events] == [3.0, 7.0, 1.0, 4.0]
    assert events[-1] == {"stage": "import", "seconds": 4.0, "epoch": 1}
