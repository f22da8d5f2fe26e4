"""An implementation that answers calls: however its process ends, the caller gets an error, and no process is left."""

import os
import pickle
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from shared.processes import calls, system
from shared.processes.calls import CallError, CallProcess
from shared.processes.signals import groups
from tests.command import SECONDS, wait_for
from tests.patience import hear_out
from tests.stubs.hanging import hangs

NUMPY = "numpy_scratch"


def class_name(network_class: Any) -> str:
    return str(network_class.__qualname__)


def pid(network_class: Any) -> int:
    return os.getpid()


def fail(network_class: Any) -> None:
    raise ValueError("so it is")


def leave(network_class: Any) -> None:
    print("last words", flush=True)
    os._exit(7)


def sleep(network_class: Any) -> None:
    time.sleep(1_000_000)


def hang(network_class: Any, marker: Path) -> None:
    hangs(str(marker))
    time.sleep(1_000_000)


def answer_with(network_class: Any, data: bytes, then: Callable[[Any], None]) -> None:
    answers = sys._getframe(1).f_locals["answers"]
    answers.write(data)
    answers.flush()
    then(network_class)


def print_much(network_class: Any) -> None:
    print("x" * 600_000, flush=True)


def longest_file(network_class: Any) -> Any:
    import resource

    return resource.getrlimit(resource.RLIMIT_FSIZE)[0]


def write_too_much(network_class: Any, path: Path) -> None:
    system.limit_files(1000)
    path.write_bytes(bytes(2000))


def process(name: str = NUMPY) -> CallProcess:
    return CallProcess(name, timeout=SECONDS)


def test_it_answers_with_what_was_computed_there() -> None:
    with process().loaded() as network:
        assert network.call(class_name) == "Network"
        assert network.call(pid) != os.getpid()


def test_what_a_function_raises_is_told_and_the_process_goes_on() -> None:
    with process().loaded() as network:
        with pytest.raises(CallError, match="ValueError: so it is") as caught:
            network.call(fail)
        assert caught.value.kind == "raised"
        assert "in fail" in caught.value.detail
        assert network.call(class_name) == "Network"


def test_a_process_that_ends_leaves_its_last_words() -> None:
    with process().loaded() as network, pytest.raises(CallError, match="exit status 7") as caught:
        network.call(leave)
    assert caught.value.kind == "ended"
    assert "last words" in caught.value.detail


def test_a_process_that_hangs_is_ended_and_says_where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hear_out(monkeypatch.setattr)
    with process().loaded() as network:
        there = network.call(pid)
        network.ask(hang, tmp_path / "marker")
        wait_for((tmp_path / "marker").exists)
        monkeypatch.setattr(network, "_timeout", 0.5)  # it hangs already, so that how long it has is no matter
        with pytest.raises(CallError, match=r"no answer within 0\.5 s") as caught:
            network.answer()
        assert caught.value.kind == "timed out"
        assert "in hang" in caught.value.detail
    assert not psutil.pid_exists(there)
    assert there not in groups


def test_two_calls_may_be_under_way() -> None:
    with process() as one, process() as other:
        for network in (one, other):
            network.ask(pid)
        assert len({network.loaded().answer() for network in (one, other)}) == 2


def test_what_is_missing_is_not_available(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("import a_package_that_nobody_has\n")
    with (
        process(str(file)) as network,
        pytest.raises(CallError, match=r"put a_package_\w+\.py beside mine\.py") as caught,
    ):
        network.loaded()
    assert caught.value.kind == "not available"


def test_printing_without_end_ends(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("while True:\n    print('x' * 100_000)\n")
    with process(str(file)) as network, pytest.raises(CallError) as caught:
        network.loaded()
    assert caught.value.kind == "printed"


def framed(message: bytes) -> bytes:
    return len(message).to_bytes(8, "little") + message


class Runs:
    """What a pickle of it does where it is loaded."""

    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit",)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"no length\n" * 9, "bytes that are no answer"),
        (b"\xff" * 100, "bytes that are no answer"),
        (framed(b"\xc1"), "another answer than was asked for"),
        (framed(msgspec.msgpack.encode(["verdict", 7])), "another answer than was asked for"),
        (framed(msgspec.msgpack.encode(["answer", 7])), "expected|another answer than was asked for"),
        (framed(pickle.dumps(Runs())), "another answer than was asked for"),
        (framed(b"\x91" * 100_000), "another answer than was asked for"),
    ],
)
def test_bytes_that_are_no_answer_are_called_so(data: bytes, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    hear_out(monkeypatch.setattr)
    with process().loaded() as network:
        with pytest.raises(CallError, match=expected) as caught:
            network.call(answer_with, data, sleep)
        assert caught.value.kind == "garbled"
        assert "in answer_with" in caught.value.detail


def test_a_process_that_ends_within_an_answer_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    hear_out(monkeypatch.setattr)
    with process().loaded() as network, pytest.raises(CallError, match="exit status 7") as caught:
        network.call(answer_with, framed(b"x" * 100)[:50], leave)
    assert caught.value.kind == "ended"


def test_printing_a_little_in_every_answer_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "MOST_PRINTED", 1 << 20)
    with process().loaded() as network:
        network.call(print_much)
        with pytest.raises(CallError, match="stopped after printing more than 1 MB") as caught:
            network.call(print_much)
        assert caught.value.kind == "printed"
        with pytest.raises(CallError, match="the process was killed"):
            network.call(pid)


def test_no_file_can_grow_without_end_between_two_looks(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    with process().loaded() as network:
        assert network.call(longest_file) == 2 * calls.MOST_PRINTED
        with pytest.raises(CallError, match=r"OSError: .*File too large"):
            network.call(write_too_much, tmp_path / "file")
        assert network.call(class_name) == "Network"


class SpeechlessError(BaseException):
    def __str__(self) -> str:
        raise SystemExit(0)


def interrupt(network_class: Any) -> None:
    raise KeyboardInterrupt("no signal")


def say_nothing(network_class: Any) -> None:
    raise SpeechlessError


def test_whatever_is_raised_is_an_answer_and_the_process_goes_on() -> None:
    with CallProcess(NUMPY, timeout=SECONDS) as process:
        process.loaded()
        for function, message in (
            (interrupt, "KeyboardInterrupt: no signal"),
            (say_nothing, "SpeechlessError: its __str__ raises an exception itself"),
        ):
            with pytest.raises(CallError) as caught:
                process.call(function)
            assert (caught.value.kind, str(caught.value)) == ("raised", message)
        assert process.call(class_name) == "Network"
