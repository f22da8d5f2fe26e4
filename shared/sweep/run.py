"""A sweep in progress: every result is on the disk before the next is awaited; what is lost runs again elsewhere."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, TypedDict

from shared.boundary import told
from shared.record.checked import CheckedError, consistent, decoded
from shared.record.schema import Record, Text
from shared.sweep.cluster import RESOURCE, TRIES
from shared.sweep.grid import Cell
from shared.sweep.task import Task, work

if TYPE_CHECKING:
    from distributed import Client, Future

LONGEST: Final = 1 << 26
"""Bytes of an answer."""


class SchedulerLostError(ConnectionError):
    """The scheduler does not answer any more."""


@dataclass
class Progress:
    """What has come of the tasks so far."""

    total: int
    done: int = 0
    failures: dict[Cell, str] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    """address of a worker -> why it is not used"""


class _Answer(TypedDict, total=False):
    """What a task gives back."""

    record: Record
    refused: Text
    """why the worker must not run it"""


def run(
    client: "Client",
    tasks: Iterable[Task],
    keep: Callable[[Cell, Record], None],
    shown: Callable[[Progress], None],
) -> Progress:
    """Run tasks on the workers of a client.

    Parameters
    ----------
    keep : saves a result; called before the next result is awaited.
    shown : called after each change.

    Raises
    ------
    SchedulerLostError
        If the scheduler is gone; what had arrived is kept.
    """
    return _Sweep(client, keep, shown).run(list(tasks))


class _Sweep:
    def __init__(
        self, client: "Client", keep: Callable[[Cell, Record], None], shown: Callable[[Progress], None]
    ) -> None:
        self.client, self.keep, self.shown = client, keep, shown
        self.tasks: dict[str, Task] = {}
        """key of a future -> its task"""
        self.tries = Counter[Cell]()
        self.progress = Progress(0)

    def run(self, tasks: list[Task]) -> Progress:
        from distributed import as_completed

        self.progress.total = len(tasks)
        self.shown(self.progress)
        waiting = as_completed([future for task in tasks if (future := self.submitted(task))], loop=self.client.loop)
        for future in waiting:
            task = self.tasks.pop(future.key)
            if again := self.taken(future, task):
                waiting.add(again)
            future.release()
            self.shown(self.progress)
        return self.progress

    def submitted(self, task: Task) -> "Future[bytes] | None":
        """Submit a task, to workers that are not refused; None if there is none left."""
        how: dict[str, Any] = {"resources": {RESOURCE: 1}} if task.timed else {}
        if self.progress.refused:
            there = self.client.scheduler_info(n_workers=-1)["workers"]
            how["workers"] = [address for address in there if address not in self.progress.refused]
            if not how["workers"]:
                self.progress.failures[task.cell] = "; ".join(dict.fromkeys(self.progress.refused.values()))
                return None
        self.tries[task.cell] += 1
        key = f"{RESOURCE}-{task.cell.name}-{self.tries[task.cell]}-{id(self):x}"
        self.tasks[key] = task
        return self.client.submit(work, task, key=key, pure=False, **how)

    def taken(self, future: "Future[bytes]", task: Task) -> "Future[bytes] | None":
        """Save the result of a task that has ended; return the future of its next try, if it gave none."""
        if future.cancelled():
            raise SchedulerLostError("the scheduler is gone")
        who = self.client.who_has([future]).get(future.key, ()) if future.status == "finished" else ()
        try:
            answer = self.answer(future)
            if "refused" in answer:
                self.progress.refused |= dict.fromkeys(who, answer["refused"])
                return self.submitted(task)
            self.keep(task.cell, answer["record"])
        except Exception as error:  # noqa: BLE001 - of the task, or of the worker that was lost
            if self.client.status != "running":
                raise SchedulerLostError("the scheduler is gone") from None
            if self.tries[task.cell] < TRIES and not lost_too_often(error):
                return self.submitted(task)
            self.progress.failures[task.cell] = told(error)
            return None
        self.progress.done += 1
        return None

    def answer(self, future: "Future[bytes]") -> _Answer:
        """Return an answer, checked by the schema of records."""
        content = future.result()
        if not isinstance(content, bytes) or len(content) > LONGEST:
            raise CheckedError(f"got {type(content).__name__}, expected JSON of at most {LONGEST >> 20} MB")
        answer: _Answer = decoded(content, _Answer)
        if "record" in answer:
            consistent(answer["record"])
        return answer


def lost_too_often(error: Exception) -> bool:
    """Return whether Dask has given a task up since its workers were lost."""
    from distributed import KilledWorker

    return isinstance(error, KilledWorker)
