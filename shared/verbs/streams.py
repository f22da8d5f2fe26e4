"""Standard streams that may vanish: what cannot be shown must not cost what was measured."""

import os
import sys
from contextlib import suppress
from typing import Any, TextIO


class Stream:
    """A stream for text; once writing fails (a closed pipe, a full disk, a terminal that is gone) it writes nowhere."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost: OSError | None = None
        """why nothing is shown any more"""

    def write(self, text: str) -> int:
        """Write, if it is possible."""
        self._try(self._stream.write, text)
        return len(text)

    def flush(self) -> None:
        """Flush, if it is possible."""
        self._try(self._stream.flush)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _try(self, do: Any, *arguments: str) -> None:
        if self.lost is not None:
            return
        try:
            do(*arguments)
        except OSError as error:
            self.lost = error
            with suppress(OSError, ValueError):  # the interpreter flushes once more when it ends
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)


def install() -> tuple[Stream, Stream]:
    """Make stdout and stderr such streams; open those that are closed, so that no file takes their number."""
    for number, mode in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)  # takes the lowest number that is free
    out, err = (Stream(stream or _nowhere()) for stream in (sys.stdout, sys.stderr))
    for stream, is_closed in ((out, sys.stdout is None), (err, sys.stderr is None)):
        if is_closed:
            stream.lost = OSError("it is closed")
    sys.stdout, sys.stderr = out, err
    return out, err


def _nowhere() -> TextIO:
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - it stays open
