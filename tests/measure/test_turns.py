"""Two processes that take turns, and every way in which one of them can fail."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest

from shared.measure import blocks, turns
from shared.measure.blocks import Block, Length, nearest
from shared.measure.job import Job
from shared.measure.start import Start
from shared.measure.turns import Plan, planned, take_turns
from tests import patience
from tests.command import SECONDS, still_alive
from tests.measure.jobs import STUBS, job

STUB = str(STUBS / "misbehaves_in_turns.py")
SAMPLE: Any = {"implementation": "misbehaves_in_turns", "steps_per_epoch": 10, "peak_memory_bytes": 1}


class Pair(NamedTuple):
    own: Job
    baseline: Job


@pytest.fixture
def pair(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """A stub and numpy_scratch, on so few images that a block is an epoch of them."""
    monkeypatch.setattr(turns, "TURNS_SECONDS", 0.2)
    own = job(tmp_path, STUB, train_size=500)
    return Pair(own, replace(own, implementation="numpy_scratch"))


def taken(pair: Pair, timeout: float = SECONDS, least_seconds: float = 0.0) -> dict[str, Any]:
    return take_turns(*pair, sample=SAMPLE, least_seconds=least_seconds, timeout=timeout)


# ---- Turns that go well --------------------------------------------------------------------------------


def test_each_block_lies_between_blocks_of_the_baseline(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[str, str]] = []
    call = turns._Live.call

    def noted(side: turns._Live, function: Callable[..., Any] | None = None) -> Any:
        if function in (blocks.take, blocks.rebuild):
            calls.append((side.job.label, "took" if function is blocks.take else "built"))
        return call(side, function)

    monkeypatch.setattr(turns._Live, "call", noted)
    before = set(psutil.Process().children(recursive=True))
    found = taken(pair)
    assert found["status"] == "ok", found
    n, gap = len(found["blocks"]), len(found["gaps"][0])
    assert 3 <= n <= 100
    assert {len(each) for each in found["gaps"]} == {gap}
    between, own = [("numpy_scratch", "took")] * gap, ("misbehaves_in_turns", "took")
    layouts, rebuilt = found["layouts"], [("numpy_scratch", "built"), ("misbehaves_in_turns", "built")]
    part = between + n // layouts * [own, *between]
    assert [call for call in calls if call[1] == "took"] == layouts * part
    assert calls in (layouts * part, part + (layouts - 1) * (rebuilt + part)), "what is built quickly is built anew"
    assert min(wall for block in (found["blocks"], *found["gaps"]) for wall, _ in block) > 0
    assert found["threads"] == {"openblas": 1} or set(found["threads"].values()) == {1}
    assert 0 < found["share"] <= 1
    assert json.loads(json.dumps(found)) == found
    assert set(psutil.Process().children(recursive=True)) <= before


def test_a_block_is_as_long_as_the_noise_allows_and_a_call_is_a_hundredth_of_it(tmp_path: Path) -> None:
    work = job(tmp_path, train_size=1000)
    seconds = {1: 0.011, 64: 0.011 + 63 * 0.001, 100: 0.11}

    class Slow:
        """A call costs 10 ms, and a step 1 ms."""

        def load(self, x: Any, y: Any) -> None:
            now[0] += int(0.2e9)

        def reset(self, parameters: Any) -> None: ...

        def parameters(self) -> None: ...

        def train(self, order: Any) -> None:
            now[0] += int(1e9 * (0.010 + 0.001 * len(order) / 10))

    now = [1]
    start = Start.of(work)
    side = blocks.Side(blocks, Slow(), work, start, {})  # type: ignore[arg-type]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("shared.measure.blocks.network_class", lambda _: lambda *_: Slow())
        patch.setattr("shared.measure.blocks.time.perf_counter_ns", lambda: now[0])
        patch.setattr("shared.measure.blocks.time.process_time_ns", lambda: now[0] // 2)
        found = blocks.prepare(side)
    assert found.call == pytest.approx(0.010)
    assert found.steps == 100  # 1,000 would be needed, and an epoch has no more
    assert found.seconds == pytest.approx(seconds[100])
    assert found.share == pytest.approx(0.5, abs=1e-6)
    assert not found.can_rebuild, "to load the data takes too long"


def test_blocks_have_equal_lengths_and_follow_the_orders_of_the_seed(tmp_path: Path) -> None:
    work, seen = job(tmp_path, train_size=95), list[list[int]]()

    class Notes:
        def reset(self, parameters: Any) -> None: ...

        def parameters(self) -> None: ...

        def train(self, order: Any) -> None:
            seen.append(order.tolist())

    start = Start.of(work)
    side = blocks.Side(blocks, Notes(), work, start, {})  # type: ignore[arg-type]
    side.restart(4)
    for _ in range(3):
        blocks.take(side)
    first = start.order.tolist()
    assert seen[::2] == [first[:10]] * 3, "a step before each block, which does not count"
    assert seen[1:4:2] == [first[:40], first[40:80]]
    assert len(seen[5]) == 40
    assert seen[5] != first[:40], "of the next epoch: the 15 images that are left make no block"
    side.restart(10)
    blocks.take(side)
    assert seen[-1] == first, "an epoch, with its smaller last batch"


@pytest.mark.parametrize(
    ("steps", "expected"), [(0.2, 1), (1, 1), (1.3, 1), (1.5, 2), (190, 200), (256, 200), (330, 500), (800, 1000)]
)
def test_the_same_code_has_the_same_blocks(steps: float, expected: int) -> None:
    assert nearest(steps) == expected


@pytest.mark.parametrize(
    ("own", "baseline", "expected"),
    [
        (0.01, 0.01, Plan(75, 1)),
        (0.001, 0.001, Plan(100, 1)),
        (3.0, 0.01, Plan(3, 20)),
        (0.01, 3.0, Plan(3, 1)),
        (0.2, 0.01, Plan(12, 4)),
        (0.5, 0.01, Plan(6, 10)),
    ],
)
def test_long_blocks_are_few_and_have_more_of_the_baseline_beside_them(
    own: float, baseline: float, expected: Plan
) -> None:
    assert planned(Length(1, own, 0.0, 1.0, True), Length(1, baseline, 0.0, 1.0, True)) == expected


# ---- Turns that do not ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "status", "reason"),
    [
        ("crashes", "crashed", "in its turns with numpy_scratch: .*the process was killed by SIGSEGV"),
        ("raises at once", "crashed", "in its turns with numpy_scratch: RuntimeError: planted exception"),
        ("says other threads", "rejected", "in its turns: 1 thread requested, but it ran library with 4"),
    ],
)
def test_what_fails_in_its_turns_says_how(
    mode: str, status: str, reason: str, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMEGRAD_TEST_TURNS", mode)
    before = set(psutil.Process().children(recursive=True))
    found = taken(pair)
    assert found["status"] == status
    assert re.fullmatch(reason, found["reason"])
    assert still_alive([p.pid for p in set(psutil.Process().children(recursive=True)) - before]) == []


def test_what_hangs_in_its_turns_is_ended_and_says_where_it_was(
    pair: Pair, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAMEGRAD_TEST_TURNS", "hangs")
    monkeypatch.setenv(patience.MARKER, str(tmp_path / "hangs"))
    patience.install(patience.Clock(tmp_path / "hangs"), monkeypatch.setattr)
    found = taken(pair, timeout=patience.LIMIT)
    assert found["status"] == "timed out"
    assert "no answer within 420 s" in found["reason"]
    assert any("in train" in line for line in found["stderr"])


def test_times_that_cannot_be_are_not_believed(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEGRAD_TEST_TURNS", "does nothing")
    found = taken(pair, least_seconds=3600.0)
    assert found["status"] == "implausible"
    assert "in its turns: an epoch in" in found["reason"]


def test_a_baseline_that_fails_is_not_the_fault_of_the_other(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEGRAD_TEST_TURNS", "crashes")
    found = taken(Pair(pair.baseline, pair.own))
    assert found["status"] == "not compared"
    assert found["reason"].startswith("the baseline failed in its turns: ")
    assert found["implementation"] == "numpy_scratch"


@pytest.mark.parametrize("culprit", ["misbehaves_in_turns", "numpy_scratch"])
@pytest.mark.parametrize("late", [False, True], ids=["before its turns", "during its turns"])
def test_what_uses_a_cpu_while_it_waits_takes_no_turns(
    culprit: str, late: bool, pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = dict.fromkeys(("misbehaves_in_turns", "numpy_scratch"), 0)

    def cpu_seconds(side: turns._Live) -> float:
        """The CPU time of its blocks, and after so many looks an hour more."""
        looks[side.job.label] += 1
        spins = side.job.label == culprit and looks[culprit] > (3 if late else 1)
        return sum(block.cpu_ns for block in side.blocks) / 1e9 + 3600 * spins

    monkeypatch.setattr(turns._Live, "cpu_seconds", cpu_seconds)
    found = taken(pair)
    assert found["status"] == "alone"
    assert found["reason"].startswith(f"{culprit} uses ")
    assert found["reason"].endswith(" % of a CPU while it waits, and disturbs others")


def test_those_that_do_not_fit_into_the_memory_say_what_they_need(monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory(NamedTuple):
        available: int

    monkeypatch.setattr("shared.measure.turns.psutil.virtual_memory", lambda: Memory(3 * 10**9))
    samples: list[Any] = [{**SAMPLE, "peak_memory_bytes": 2 * 10**9}, {**SAMPLE, "peak_memory_bytes": 10**9}]
    assert turns.lack_of_memory(*samples) is None
    samples[0]["peak_memory_bytes"] = 21 * 10**8
    found = turns.lack_of_memory(*samples)
    assert found is not None
    assert "together need 3.1 GB of memory, and 3.0 GB are free" in found
    samples[0]["peak_memory_bytes"] = None  # this system does not say
    assert turns.lack_of_memory(*samples) is None


def test_the_block_of_a_stranger_is_checked(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a process answers has the type of a block, or it is no answer."""
    from shared.processes import messages

    with pytest.raises(messages.MessageError):
        messages.decode(messages._encode(("answer", [0, -1])), messages.returned_by(blocks.take))
    kind, found = messages.decode(messages._encode(("answer", Block(5, 4))), messages.returned_by(blocks.take))
    assert (kind, Block(*found)) == ("answer", Block(5, 4))
