"""The other workers of a data-parallel implementation: they repeat each call, and none outlives the first."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from shared import workers
from shared.measure.system import cpu_of_children_ns, memory_of_children_bytes
from shared.processes.environment import ROOT
from tests.command import SECONDS, still_alive, wait_for


def begin(team: workers.Team, start: int) -> None:
    pass


def begin_badly(team: workers.Team) -> None:
    if team.rank == 2:
        raise ValueError("at its start")
    for link in team.links:  # as where all make themselves known
        link.recv() if team.rank == 0 else link.send(None)


class Counter:
    """An object with copies."""

    team = workers.ALONE

    def __init__(self, size: int, start: int) -> None:
        self.total, team = start, workers.team(size, begin, start)
        with team.repeats(self, "__init__", size, start):
            self.team = team

    @workers.repeated
    def add(self, n: int) -> None:
        self.total += n

    @workers.repeated
    def sums(self) -> list[tuple[int, int, int]]:
        """(rank, process, total) of each worker"""
        mine = (self.team.rank, os.getpid(), self.total)
        if self.team.rank:
            self.team.links[0].send(mine)
        return [mine, *(link.recv() for link in self.team.links)] if self.team.rank == 0 else []

    @workers.repeated
    def fail(self, rank: int) -> None:
        if self.team.rank == rank:
            raise ValueError("so it is")
        self.reduce()

    @workers.repeated
    def refuse(self, value: int) -> None:
        time.sleep(0 if self.team.rank else 0.2)  # the others are the first to raise it
        raise ValueError(f"not {value}")

    @workers.repeated
    def end(self, rank: int) -> None:
        if self.team.rank == rank:
            os.kill(os.getpid(), signal.SIGKILL)
        self.reduce()

    def reduce(self) -> None:
        """As in an all-reduce: the first hears all others, and they wait for its answer, which does not come."""
        for link in self.team.links:
            if self.team.rank:
                link.send("part")
            link.recv()


@pytest.fixture
def counter() -> Iterator[Counter]:
    found = Counter(3, 10)
    yield found
    found.team.close()


def children() -> list[int]:
    """The workers that this process has started."""
    return [p.pid for p in psutil.Process().children() if "spawn_main" in " ".join(p.cmdline())]


def test_every_worker_repeats_each_call(counter: Counter) -> None:
    counter.add(5)
    other = Counter(3, 100)
    counter.add(1)
    other.add(1)
    assert [(rank, total) for rank, _, total in counter.sums()] == [(0, 16), (1, 16), (2, 16)]
    assert [(rank, total) for rank, _, total in other.sums()] == [(0, 101), (1, 101), (2, 101)]
    processes = {process for _, process, _ in counter.sums()}
    assert processes == {process for _, process, _ in other.sums()}, "one team for all objects"
    assert len(processes) == 3
    assert os.getpid() in processes


def test_one_worker_starts_no_process() -> None:
    before = children()
    alone = Counter(1, 10)
    alone.add(5)
    assert alone.sums() == [(0, os.getpid(), 15)]
    assert children() == before


def test_another_number_of_workers_ends_those_before(counter: Counter) -> None:
    before = [process for rank, process, _ in counter.sums() if rank]
    other = Counter(2, 1)
    assert still_alive(before) == []
    with pytest.raises(workers.WorkerError, match="have been ended, as others were asked for since"):
        counter.add(1)
    assert len(other.sums()) == 2
    other.team.close()
    assert children() == []


def test_an_error_of_a_worker_is_raised_with_its_traceback_and_all_end(counter: Counter) -> None:
    others = [process for rank, process, _ in counter.sums() if rank]
    with pytest.raises(workers.WorkerError, match=r"(?s)worker 2 failed:.*in fail\n.*ValueError: so it is"):
        counter.fail(2)
    assert still_alive(others) == []
    with pytest.raises(workers.WorkerError, match="so it is"):
        counter.add(1)
    again = Counter(3, 1)
    assert len(again.sums()) == 3
    again.team.close()


def test_an_error_at_the_start_of_a_worker_is_raised_and_all_end() -> None:
    with pytest.raises(workers.WorkerError, match=r"(?s)worker 2 failed:.*ValueError: at its start"):
        workers.team(3, begin_badly)
    assert children() == []


def test_the_end_of_a_worker_is_raised_and_all_end(counter: Counter) -> None:
    others = [process for rank, process, _ in counter.sums() if rank]
    with pytest.raises(workers.WorkerError, match="worker 1 was killed by SIGKILL"):
        counter.end(1)
    assert still_alive(others) == []


def test_an_error_of_the_first_is_its_own_and_the_others_end(counter: Counter) -> None:
    others = [process for rank, process, _ in counter.sums() if rank]
    with pytest.raises(ValueError, match="so it is"):
        counter.fail(0)
    assert still_alive(others) == []
    with pytest.raises(workers.WorkerError, match="ended after ValueError"):
        counter.add(1)


def test_what_all_refuse_is_no_workers_fault(counter: Counter) -> None:
    with pytest.raises(ValueError, match=r"^not 7$"):
        counter.refuse(7)


def test_the_memory_and_the_cpu_time_of_workers_are_counted(counter: Counter) -> None:
    others = [psutil.Process(process) for rank, process, _ in counter.sums() if rank]
    memory, times = sum(each.memory_info().rss for each in others), [each.cpu_times() for each in others]
    assert len(others) == 2
    assert memory_of_children_bytes() >= memory > 0
    assert cpu_of_children_ns() >= round(1e9 * sum(each.user + each.system for each in times)) > 0


def test_what_is_forgotten_here_is_forgotten_there(counter: Counter) -> None:
    for _ in range(3):
        Counter(3, 1)
    assert counter.team._forgotten != []
    counter.add(1)
    assert counter.team._forgotten == []


SCRIPT = """
import os, signal, sys, time
if __name__ == "__main__":
    from tests.test_workers import Counter
    counter = Counter(3, 1)
    print(*(process for _, process, _ in counter.sums()), flush=True)
    {then}
"""


@pytest.mark.exhaustive_unless(fits=lambda then: "sleep" in then or "raise" in then)
@pytest.mark.parametrize(
    "then",
    ["pass", "raise ValueError", "os._exit(3)", "os.kill(os.getpid(), signal.SIGKILL)", "time.sleep(1_000_000)"],
)
def test_no_worker_outlives_the_first(then: str, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT.format(then=then))
    env: dict[str, Any] = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, str(script)], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as p:
        assert p.stdout is not None
        processes = [int(word) for word in p.stdout.readline().split()]
        assert len(processes) == 3
        if "sleep" in then:
            p.kill()
        p.wait(SECONDS)
    assert still_alive(processes) == []


def test_a_worker_that_computes_ends_with_the_first() -> None:
    """Not only when it looks at its pipe again."""
    team = workers.team(2, begin, 0)
    assert team.size == 2
    (worker,) = team._processes
    team._pipes[0].send_bytes(pickle.dumps((0, [], Endless, "__init__", (), {})))
    wait_for(lambda: worker.is_alive())
    team.close()
    assert not worker.is_alive()
    assert worker.exitcode == 0, "it was not necessary to kill it"


class Endless:
    """As `workers._Named`, of a class whose objects are never made."""

    @staticmethod
    def load() -> Any:
        while True:
            time.sleep(0)
