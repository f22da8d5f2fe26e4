"""An implementation in a process of its own that answers calls: for proofs, which ask much and time nothing.

The process is python -m shared.processes.calls FILE_DESCRIPTOR PARENT. What it is asked are functions of our modules,
which travel by name; each gets first what `loader(name)` returned there.
"""

import faulthandler
import os
import pickle
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from types import TracebackType
from typing import IO, Any, Final

from shared import implementations
from shared.processes import environment
from shared.processes.signals import die_with, groups, kill, uninterrupted

SECONDS: Final = 120.0
STDERR_BYTES: Final = 1 << 14
LARGEST_FILE: Final = 1 << 28
"""Bytes that a process may write into a file, such as that of its stderr: one that prints without end is ended."""
TRACEBACK_SECONDS: Final = 0.5


class RemoteError(Exception):
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


class Remote:
    """One implementation, loaded in a process that leads a group of its own; nobody of it outlives `close`.

    Parameters
    ----------
    name : as `implementations.locate` takes it.
    loader : a function of ours that turns the name into what is asked.
    timeout : seconds that loading, and each answer, may take.
    threads : for every numerical library there.
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
        self._stderr: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        self._connection, theirs = Pipe()
        with uninterrupted():
            self._process = subprocess.Popen(
                [sys.executable, "-m", "shared.processes.calls", str(theirs.fileno()), str(os.getpid())],
                cwd=environment.ROOT,
                env=environment.worker_environment(threads),
                stdin=subprocess.DEVNULL,
                stdout=self._stderr,
                stderr=self._stderr,
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
            groups.add(self._process.pid)
        theirs.close()
        self.ask(loader, name)

    def __enter__(self) -> "Remote":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()

    def ask(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Send a call whose answer `answer` waits for, one at a time: an answer nobody reads may block both ends."""
        with suppress(BrokenPipeError, ConnectionResetError):  # `answer` says what became of the process
            self._connection.send_bytes(pickle.dumps((function, arguments)))

    def answer(self) -> Any:
        """Return the next answer; RemoteError where there is none."""
        try:
            if not self._connection.poll(self._timeout):
                where = self._where_it_hangs()
                raise RemoteError("timed out", f"{self.name}: no answer within {self._timeout:g} s", where)
            kind, answer = self._connection.recv()
        except (EOFError, ConnectionResetError):
            self._process.wait()
            raise RemoteError("ended", f"{self.name}: the process {self._end()}", self.stderr()) from None
        if kind != "answer":
            raise RemoteError(kind, *answer)
        return answer

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return function(what was loaded, *arguments), computed there; RemoteError where there is no answer."""
        self.ask(function, *arguments)
        return self.answer()

    def loaded(self) -> "Remote":
        """Wait until it has been loaded, which is the first answer; RemoteError where it cannot be."""
        self.answer()
        return self

    def close(self) -> None:
        """End the process and all that it started."""
        self._connection.close()
        kill(self._process.pid)
        self._process.wait()
        groups.discard(self._process.pid)
        self._stderr.close()

    def stderr(self) -> str:
        """Return the end of what the process printed."""
        size = self._stderr.seek(0, os.SEEK_END)
        self._stderr.seek(max(0, size - STDERR_BYTES))
        return self._stderr.read().decode("utf-8", errors="replace")

    def _end(self) -> str:
        code = self._process.returncode
        if code >= 0:
            return f"ended with exit status {code}"
        return f"was killed by {next((s.name for s in signal.Signals if s == -code), f'signal {-code}')}"

    def _where_it_hangs(self) -> str:
        self._process.send_signal(signal.SIGUSR1)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(TRACEBACK_SECONDS)
        return self.stderr()


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
        except Exception as error:  # noqa: BLE001 - whatever it is, who asked is told
            connection.send(("raised", (f"{type(error).__name__}: {error}", traceback.format_exc())))
        else:
            connection.send(("answer", answer))


if __name__ == "__main__":
    die_with(int(sys.argv[2]))
    faulthandler.register(signal.SIGUSR1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    # a module that is run as __main__ is another than the one that is imported by name
    from shared.processes.calls import serve as serve_calls

    serve_calls(Connection(int(sys.argv[1])))
