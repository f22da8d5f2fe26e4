"""Local HTTP servers in the place of MNIST's mirrors."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

Behaviour = Callable[[BaseHTTPRequestHandler, bytes], None]
"""Answers a GET for a file with this content."""


def good(request: BaseHTTPRequestHandler, content: bytes) -> None:
    _send(request, 200, content, len(content))


def without_length(request: BaseHTTPRequestHandler, content: bytes) -> None:
    _send(request, 200, content, None)


def truncated(request: BaseHTTPRequestHandler, content: bytes) -> None:
    _send(request, 200, content[: len(content) // 2], len(content))


def wrong_bytes(request: BaseHTTPRequestHandler, content: bytes) -> None:
    _send(request, 200, content[:-1] + bytes((content[-1] ^ 1,)), len(content))


def empty(request: BaseHTTPRequestHandler, content: bytes) -> None:
    _send(request, 200, b"", 0)


def bad_length(request: BaseHTTPRequestHandler, content: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", "many")
    request.end_headers()
    request.wfile.write(content)


def hangs_up(request: BaseHTTPRequestHandler, content: bytes) -> None:
    """Send no answer at all."""


def not_http(request: BaseHTTPRequestHandler, content: bytes) -> None:
    request.wfile.write(b"220 ready\r\n")


def endless(request: BaseHTTPRequestHandler, content: bytes) -> None:
    """Send zeros until the other side has had enough, or for 256 MiB."""
    request.send_response(200)
    request.end_headers()
    with suppress(ConnectionError):
        for _ in range(256):
            request.wfile.write(bytes(1 << 20))


def status(code: int) -> Behaviour:
    return lambda request, content: _send(request, code, b"no", 2)


def first_time(once: Behaviour, then: Behaviour) -> Behaviour:
    """Behave in one way for the first GET of all, in another for the rest."""
    behaviours = iter([once])
    return lambda request, content: next(behaviours, then)(request, content)


def for_file(part_of_name: str, behaviour: Behaviour, otherwise: Behaviour = good) -> Behaviour:
    return lambda request, content: (behaviour if part_of_name in request.path else otherwise)(request, content)


def _send(request: BaseHTTPRequestHandler, code: int, body: bytes, length: int | None) -> None:
    request.send_response(code)
    if length is not None:
        request.send_header("Content-Length", str(length))
    request.end_headers()
    request.wfile.write(body)


class Mirror:
    """A running server."""

    def __init__(self, url: str) -> None:
        self.url: Final = url
        self.heads: Final[list[str]] = []
        self.gets: Final[list[str]] = []
        """The names that were asked for, in order."""


@contextmanager
def serve(contents: Mapping[str, bytes], behaviour: Behaviour) -> Iterator[Mirror]:
    """Serve the contents by name under /mnist/ for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            mirror.heads.append(self.path.removeprefix("/mnist/"))
            _send(self, 200, b"", None)

        def do_GET(self) -> None:
            name = self.path.removeprefix("/mnist/")
            mirror.gets.append(name)
            if name in contents:
                behaviour(self, contents[name])
            else:
                _send(self, 404, b"", 0)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # so that closing the server waits for them

    with Server(("127.0.0.1", 0), Handler) as server:
        mirror = Mirror(f"http://127.0.0.1:{server.server_port}/mnist/")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield mirror
        finally:
            server.shutdown()
            thread.join()
