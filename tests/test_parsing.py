"""Python of others is parsed by one thread at a time."""

import ast
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from shared.boundary import parsed


def test_one_thread_parses_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """CPython 3.11 shares the parser's depth between threads: two at once end in a SystemError, now and then."""
    parse, inside, most = ast.parse, threading.Semaphore(0), []

    def counted(*arguments: Any) -> ast.Module:
        inside.release()
        time.sleep(0.001)  # another thread gets its chance
        most.append(inside._value)
        inside.acquire()
        tree: ast.Module = parse(*arguments)
        return tree

    monkeypatch.setattr(ast, "parse", counted)
    with ThreadPoolExecutor(4) as threads:
        trees = list(threads.map(parsed, ["a = 1"] * 20))
    assert len(trees) == 20
    assert set(most) == {1}
