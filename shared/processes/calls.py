"""An implementation in its own process that answers calls: for proofs, which need many answers and no timing.

The process is python -m shared.processes.calls. It reads pickled calls from stdin and writes its answers to stdout as
data (`shared.processes.messages`): whoever's code runs there, none of it runs here. This works on every system, and no
other process can connect to it. A call names a function of this project's modules; its first argument is what
`loader(name)` returned in that process.
"""

import os
import pickle
import sys
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, BinaryIO, Final

from shared import implementations
from shared.boundary import LONGEST_MESSAGE, safe, told
from shared.processes import messages
from shared.processes.child import Child, at_rest, begin, still_at_work
from shared.processes.system import limit_files

SECONDS: Final = 120.0
DETAIL: Final = 1 << 14
"""The most characters of the end of a process's output, or of a traceback, that an error shows."""
MOST_PRINTED: Final = 1 << 28
"""Bytes; a process that prints more is ended. Where the system can, it lets the process write no file twice as long."""
END_SECONDS: Final = 10.0
"""How long a process whose pipe is closed may take to end."""
POLL_SECONDS: Final = 0.1
"""The longest single wait; on Windows, Ctrl-C takes effect only between two waits."""


class CallError(Exception):
    """The process gave no answer; the message says why.

    Parameters
    ----------
    kind : "not available" (a framework is missing), "raised", "ended" (the process is gone), "timed out", "printed"
        (too much) or "garbled" (its bytes are no answer, or another than was asked for).
    message : one line.
    detail : the traceback, or the end of stderr.
    """

    def __init__(self, kind: str, message: str, detail: str = "") -> None:
        super().__init__(safe(message))
        self.kind, self.detail = kind, safe(detail)


class CallProcess:
    """One implementation, loaded in its own process group; no process of the group is left after `close`.

    Parameters
    ----------
    name : as `implementations.locate` takes it.
    loader : a function of this project that turns the name into the object to call.
    timeout : seconds that loading, and each answer, may take.
    threads : for every numerical library in the process.

    If `deadline` is set, a time of `time.monotonic`, all answers together must arrive by that time.
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
        self._child = Child("shared.processes.calls", threads=threads, timeout=timeout, piped=True)
        self._requests, self._pipe = self._child.pipes
        self._answers: SimpleQueue[tuple[str, Any]] = SimpleQueue()
        self._expected: deque[Any] = deque()
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()
        self._ask(None, loader, name)

    def __enter__(self) -> "CallProcess":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    @property
    def process_id(self) -> int:
        """The number by which the system knows the process."""
        return self._child.process_id

    def ask(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Send a call; `answer` waits for its result, which has the type that the function's annotations say."""
        self._ask(messages.returned_by(function), function, *arguments)

    def _ask(self, expected: Any, function: Callable[..., Any], *arguments: Any) -> None:
        self._expected.append(expected)
        with suppress(OSError):  # the process is gone: `answer` says how it ended
            self._requests.write(pickle.dumps((function, arguments, self._left())))
            self._requests.flush()

    def answer(self) -> Any:
        """Return the next answer; CallError if there is none."""
        kind, found = self._next()
        if kind == "said":
            try:
                kind, found = messages.decode(found, self._expected.popleft())
            except messages.MessageError as error:
                kind, found = "garbled", f"the process gave another answer than was asked for: {error}"
        if kind == "answer":
            return found
        if kind in ("raised", "not available"):
            message, detail = found
            raise CallError(kind, message[:LONGEST_MESSAGE], detail[-DETAIL:])
        if kind == "ended":
            self._child.await_last_words(END_SECONDS)
        else:
            self._child.say_where()
        if kind == "garbled" and self._child.has_ended():
            kind = "ended"  # within an answer
        self._child.close()
        if kind == "ended":
            how = "was" if self._child.wait() < 0 else "ended with"
            found = f"the process {how} {self._child.ending()}"
        self._answers.put(("ended", None))  # for a later call of `answer`
        raise CallError(kind, f"{self.name}: {found}", self._child.stderr()[-DETAIL:])

    def _next(self) -> tuple[str, Any]:
        """Return what comes next: an answer, the end of the process, the timeout, or too much output."""
        deadline = time.monotonic() + self._left()
        found = None
        while found is None and (left := deadline - time.monotonic()) > 0:
            with suppress(Empty):
                found = self._answers.get(timeout=min(left, POLL_SECONDS))
            if self._child.printed_bytes() > MOST_PRINTED:
                return "printed", f"stopped after printing more than {MOST_PRINTED >> 20} MB"
        return found or ("timed out", f"no answer within {self._timeout:g} s")

    def _left(self) -> float:
        """Return the seconds that an answer may take from now on."""
        return min(self._timeout, max(0.0, self.deadline - time.monotonic()))

    def _listen(self) -> None:
        """Put the answers of the process into the queue until it ends."""
        try:
            with self._pipe, suppress(EOFError, OSError):
                while True:
                    self._answers.put(("said", messages.receive(self._pipe)))
        except messages.MessageError:
            self._answers.put(("garbled", "the process answered with bytes that are no answer"))
        finally:
            self._answers.put(("ended", None))

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return function(loaded object, *arguments), computed in the process; CallError if there is no answer."""
        self.ask(function, *arguments)
        return self.answer()

    def loaded(self) -> "CallProcess":
        """Wait until the implementation is loaded (the first answer); CallError, and the end, if it cannot be."""
        try:
            self.answer()
        except CallError:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End the process and everything it started."""
        self._child.close()
        self._listener.join(END_SECONDS)
        with suppress(OSError):  # a call that was never read
            self._requests.close()


@contextmanager
def side_by_side(
    names: Sequence[str], loader: Callable[[str], Any] = implementations.load, *, timeout: float = SECONDS
) -> Iterator[list[CallProcess]]:
    """Start implementations at the same time, each in its own process; they load while the caller continues."""
    with ExitStack() as stack:
        yield [stack.enter_context(CallProcess(name, loader, timeout=timeout)) for name in names]


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Load what the first message names, then answer calls until the input ends."""
    loaded: Any = None
    for number in range(sys.maxsize):
        try:
            function, arguments, seconds = pickle.load(requests)
        except EOFError:
            return
        still_at_work(seconds)
        try:
            if number == 0:
                loaded, answer = function(*arguments), None
            else:
                answer = function(loaded, *arguments)
            at_rest()
            messages.send(answers, "answer", answer)
        except implementations.FrameworkNotInstalledError as error:
            messages.send(answers, "not available", (safe(str(error)), ""))
        except SystemExit:
            raise
        except BaseException as error:  # noqa: BLE001 - any other exception is the answer, also KeyboardInterrupt
            at_rest()
            messages.send(answers, "raised", (told(error), safe(traceback.format_exc()[-DETAIL:])))


def pipes() -> tuple[BinaryIO, BinaryIO]:
    """Reserve stdin and stdout for calls and answers: other reads get nothing, and prints go to stderr."""
    taken = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    with Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(2, 1)
    return taken


if __name__ == "__main__":
    begin()
    limit_files(2 * MOST_PRINTED)
    # run as __main__, this module is not the one that is imported by name
    from shared.processes.calls import pipes as take_pipes
    from shared.processes.calls import serve as serve_calls

    serve_calls(*take_pipes())
