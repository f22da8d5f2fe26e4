"""An implementation in a process of its own that answers calls: for proofs, which ask much and time nothing.

The process is python -m shared.processes.calls FILE_DESCRIPTOR. What it is asked are functions of our modules, which
travel by name; each gets first what `loader(name)` returned there.
"""

import pickle
import resource
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Any, Final

from shared import implementations
from shared.processes.child import Child, begin

SECONDS: Final = 120.0
DETAIL: Final = 1 << 14
"""Of the end of what a process printed, at most so many characters."""
LARGEST_FILE: Final = 1 << 28
"""Bytes that a process may write into a file, such as that of its stderr: one that prints without end is ended."""


class CallError(Exception):
    """The process has no answer; the message says why.

    Parameters
    ----------
    kind : "not available" (a framework is missing), "raised", "ended" (the process is gone) or "timed out".
    message : in one line.
    detail : traceback or the end of stderr.
    """

    def __init__(self, kind: str, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.kind, self.detail = kind, detail


class CallProcess:
    """One implementation, loaded in a process that leads a group of its own; nobody of it outlives `close`.

    Parameters
    ----------
    name : as `implementations.locate` takes it.
    loader : a function of ours that turns the name into what is asked.
    timeout : seconds that loading, and each answer, may take.
    threads : for every numerical library there.

    `deadline`, of `time.monotonic`, may be set: then all answers together have only until then.
    """

    def __init__(
        self,
        name: str,
        loader: Callable[[str], Any] = implementations.load,
        *,
        timeout: float = SECONDS,
        threads: int = 1,
    ) -> None:
        self.name, self._timeout = name, timeout
        self.deadline = float("inf")
        self._connection, theirs = Pipe()
        file = theirs.fileno()
        self._child = Child("shared.processes.calls", str(file), threads=threads, pass_fds=[file])
        theirs.close()
        self.ask(loader, name)

    def __enter__(self) -> "CallProcess":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def ask(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Send a call whose answer `answer` waits for, one at a time: an answer nobody reads may block both ends."""
        with suppress(BrokenPipeError, ConnectionResetError):  # `answer` says what became of the process
            self._connection.send_bytes(pickle.dumps((function, arguments)))

    def answer(self) -> Any:
        """Return the next answer; CallError where there is none."""
        try:
            if not self._connection.poll(min(self._timeout, max(0.0, self.deadline - time.monotonic()))):
                self._child.say_where()
                raise CallError("timed out", f"{self.name}: no answer within {self._timeout:g} s", self._detail())
            kind, answer = self._connection.recv()
        except (EOFError, ConnectionResetError):
            how = "was" if self._child.wait() < 0 else "ended with"
            raise CallError("ended", f"{self.name}: the process {how} {self._child.ending()}", self._detail()) from None
        if kind != "answer":
            raise CallError(kind, *answer)
        return answer

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return function(what was loaded, *arguments), computed there; CallError where there is no answer."""
        self.ask(function, *arguments)
        return self.answer()

    def loaded(self) -> "CallProcess":
        """Wait until it has been loaded, which is the first answer; CallError where it cannot be."""
        self.answer()
        return self

    def close(self) -> None:
        """End the process and all that it started."""
        self._connection.close()
        self._child.close()

    def _detail(self) -> str:
        return self._child.stderr()[-DETAIL:]


@contextmanager
def side_by_side(
    names: Sequence[str], loader: Callable[[str], Any] = implementations.load, *, timeout: float = SECONDS
) -> Iterator[list[CallProcess]]:
    """Start implementations at the same time, each in its process; they load while the caller does something else."""
    with ExitStack() as stack:
        yield [stack.enter_context(CallProcess(name, loader, timeout=timeout)) for name in names]


def serve(connection: Connection) -> None:
    """Load what the first message asks for, and answer calls until the connection is closed."""
    loaded: Any = None
    for number in range(sys.maxsize):
        try:
            function, arguments = pickle.loads(connection.recv_bytes())
        except EOFError:
            return
        try:
            if number == 0:
                loaded, answer = function(*arguments), None
            else:
                answer = function(loaded, *arguments)
        except implementations.FrameworkNotInstalledError as error:
            connection.send(("not available", (str(error),)))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            connection.send(("raised", (f"{type(error).__name__}: {error}", traceback.format_exc())))
        else:
            connection.send(("answer", answer))


if __name__ == "__main__":
    begin()
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    # a module that is run as __main__ is another than the one that is imported by name
    from shared.processes.calls import serve as serve_calls

    serve_calls(Connection(int(sys.argv[1])))
