"""The workers of a data-parallel implementation: further processes that hold the same objects and repeat each call.

This process is the worker of rank 0; those of rank 1 to K - 1 are started here. What an implementation does between
them, such as an all-reduce, it does itself. A worker ends when its pipe to this process closes, however that happens.
"""

import importlib.util
import inspect
import os
import pickle
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from itertools import count
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from queue import SimpleQueue
from threading import Thread
from typing import Any, Concatenate, Final, ParamSpec, TypeAlias, TypeVar, cast
from weakref import WeakKeyDictionary, finalize

P = ParamSpec("P")
T = TypeVar("T")
Pipe: TypeAlias = "Connection[Any, Any]"

LINES: Final = 20
"""The most lines of a worker's traceback that are shown."""
END_SECONDS: Final = 5.0
"""How long a worker whose pipe is closed may take to end before it is killed."""
WORDS_SECONDS: Final = 1.0
"""How long to wait for what the others say, once something has failed: who is to blame may not be the first."""


class WorkerError(RuntimeError):
    """A worker has failed; the message says which one, and how."""


class Team:
    """The K workers of an implementation, as one of them sees it.

    Parameters
    ----------
    rank : 0 to K - 1; 0 is the process that was asked, and that starts the others.
    size : K.
    links : pipes for what an implementation sends: in rank 0, to each of the others in order; in these, to rank 0.
    """

    def __init__(self, rank: int = 0, size: int = 1, links: list[Pipe] | None = None) -> None:
        self.rank, self.size, self.links = rank, size, links or []
        self.failure = ""
        self._processes: list[BaseProcess] = []
        self._pipes: list[Pipe] = []
        self._keys: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
        self._numbers, self._forgotten = count(), list[int]()
        self._failed: dict[str, tuple[float, str]] = {}  # who, when and how

    def start(self, begin: Callable[..., None], *arguments: Any) -> None:
        """Start the other workers, each of which calls begin(its team, *arguments) first, as this one does."""
        context = get_context("spawn")
        try:
            for rank in range(1, self.size):
                (pipe, its_pipe), (link, its_link) = context.Pipe(), context.Pipe()
                given = (rank, self.size, its_pipe, its_link, _Named.of(begin), arguments)
                process = context.Process(target=_work, args=given, name=f"worker {rank}", daemon=True)
                process.start()
                its_pipe.close()  # else it would not close when the worker ends
                its_link.close()
                self._processes.append(process)
                self._pipes.append(pipe)
                self.links.append(link)
            begin(self, *arguments)
        except BaseException as error:
            self._end(error)
            raise

    @contextmanager
    def repeats(self, original: Any, method: str, *arguments: Any, **more: Any) -> Iterator[None]:
        """Let the other workers do to their copies what the block does to the original; "__init__" makes the copies.

        Raises
        ------
        WorkerError
            If one of them fails or ends. The others are ended then.
        """
        if self.failure:
            raise WorkerError(self.failure)
        if not self._processes:  # alone, or one of the others
            yield
            return
        if method == "__init__":
            self._keys[original] = next(self._numbers)
            finalize(original, self._forgotten.append, self._keys[original])
        forgotten, self._forgotten[:] = self._forgotten[:], []
        call = pickle.dumps((self._keys[original], forgotten, _Named.of(type(original)), method, arguments, more))
        try:
            for pipe in self._pipes:
                pipe.send_bytes(call)
            yield
            self._await()
        except BaseException as error:
            self._end(error)
            raise

    def close(self) -> None:
        """End the other workers, if there are any."""
        if not self._processes:
            return
        self.failure = self.failure or "its workers have been ended, as others were asked for since"
        for pipe in (*self._pipes, *self.links):
            pipe.close()
        deadline = time.monotonic() + END_SECONDS
        for process in self._processes:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()

    def _await(self) -> None:
        """Wait until each of the others has said that it has done the same; WorkerError if one has not."""
        waiting = dict(zip(self._pipes, self._processes, strict=True))
        while waiting:
            for pipe in wait(list(waiting)):
                process = waiting.pop(cast(Pipe, pipe))
                if self._words(cast(Pipe, pipe), process):
                    raise WorkerError

    def _words(self, pipe: Pipe, process: BaseProcess) -> bool:
        """Read what a worker says; return whether it has failed, and note how and when."""
        try:
            words = pipe.recv()
        except (EOFError, OSError):
            words = (0.0, _ending(process))  # it did not come to say it: before all errors that follow from its end
        if words:
            self._failed.setdefault(process.name, words)  # it may have ended after it has said why
        return bool(words)

    def _end(self, error: BaseException) -> None:
        """End the others; raise WorkerError if one of them is to blame for what has failed here."""
        begun, whose = time.monotonic(), dict(zip(self._pipes, self._processes, strict=True))
        is_last = False
        while not is_last and (left := begun + WORDS_SECONDS - time.monotonic()) > 0:
            is_last = bool(self._failed)  # whoever failed before that has said so by now
            for pipe in wait(list(whose), 0 if is_last else left):
                self._words(cast(Pipe, pipe), whose[cast(Pipe, pipe)])
        own = (begun, f"its workers ended after {type(error).__name__}")
        when, self.failure = min([*self._failed.values(), own])
        self.close()
        same = "".join(traceback.format_exception_only(error)).strip()
        if when < begun and not self.failure.endswith(same):  # what all refuse is no worker's fault
            raise WorkerError(self.failure) from None if isinstance(error, WorkerError) else error


class _Named:
    """A class or a function that is unpickled also where the file of a user's own is not imported by name."""

    def __init__(self, module: str, name: str, path: str) -> None:
        self.module, self.name, self.path = module, name, path

    @classmethod
    def of(cls, found: Any) -> "_Named":
        return cls(found.__module__, found.__qualname__, inspect.getfile(found))

    def load(self) -> Any:
        if self.module not in sys.modules:
            spec = importlib.util.find_spec(self.module) if not self.module.startswith("_own_file_") else None
            spec = spec or importlib.util.spec_from_file_location(self.module, self.path)
            assert spec is not None
            assert spec.loader is not None
            sys.modules[self.module] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules[self.module])
        found: Any = sys.modules[self.module]
        for name in self.name.split("."):
            found = getattr(found, name)
        return found


ALONE: Final = Team()
"""Of an implementation with one worker: no process is started."""
_teams: dict[Callable[..., None], Team] = {}


def team(size: int, begin: Callable[..., None], *arguments: Any) -> Team:
    """Return the workers of an implementation, which are started when they are first asked for.

    One implementation has one team at a time, which all its objects share: starting a process takes seconds.

    Parameters
    ----------
    size : K; with 1, no process is started.
    begin : a function of a module, called in each process as begin(team, *arguments) before anything else.
    """
    known = _teams.get(begin)
    if size == 1 or (known and known.size == size and not known.failure):
        return known if known and size > 1 else ALONE
    if known:
        known.close()
    _teams[begin] = Team(0, size)
    _teams[begin].start(begin, *arguments)
    return _teams[begin]


def repeated(method: Callable[Concatenate[Any, P], T]) -> Callable[Concatenate[Any, P], T]:
    """Let all workers of `self.team` do what a method does; its errors are `Team.repeats`'s."""

    @wraps(method)
    def everywhere(self: Any, /, *arguments: P.args, **more: P.kwargs) -> T:
        with self.team.repeats(self, method.__name__, *arguments, **more):
            return method(self, *arguments, **more)

    return everywhere


def _ending(process: BaseProcess) -> str:
    process.join(WORDS_SECONDS)
    status = process.exitcode
    if status is not None and status < 0:
        name = next((s.name for s in signal.Signals if s == -status), f"signal {-status}")
        return f"{process.name} was killed by {name}"
    return f"{process.name} ended with exit status {status}"


# ---- In a worker ----------------------------------------------------------------------------------------


def _work(
    rank: int,
    size: int,
    pipe: Pipe,
    link: Pipe,
    named: _Named,
    arguments: tuple[Any, ...],
) -> None:
    """Repeat calls until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C at a terminal goes to all; rank 0 ends the others
    calls: SimpleQueue[bytes] = SimpleQueue()
    Thread(target=_listen, args=(pipe, calls), daemon=True).start()
    objects: dict[int, Any] = {}
    try:
        begin = named.load()
        _teams[begin] = Team(rank, size, [link])
        begin(_teams[begin], *arguments)
        while True:
            key, forgotten, which, method, given, more = pickle.loads(calls.get())
            for each in forgotten:
                objects.pop(each, None)
            if method == "__init__":
                objects[key] = which.load()(*given, **more)
            else:
                getattr(objects[key], method)(*given, **more)
            pipe.send(None)
    except BaseException:  # noqa: BLE001 - whatever it is, rank 0 raises it
        lines = traceback.format_exc().splitlines()[-LINES:]
        with suppress(OSError):
            pipe.send((time.monotonic(), "\n".join([f"worker {rank} failed:", *lines])))
        os._exit(1)  # the pipes close, so that nobody waits for it


def _listen(pipe: Pipe, calls: "SimpleQueue[bytes]") -> None:
    """Take over the calls until the pipe closes; then end the process, whatever it is doing."""
    with suppress(EOFError, OSError):
        while True:
            calls.put(pipe.recv_bytes())
    os._exit(0)
