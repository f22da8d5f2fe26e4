"""MNIST is found, fetched from mirrors that may be bad, and verified; small fakes take the place of the four files."""

import _thread
import hashlib
import queue
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import pytest

from shared.data import DataError, Dataset, digits, load, mnist
from tests.command import SECONDS
from tests.data import mirror
from tests.data.hostile import gz, idx
from tests.data.mirror import Behaviour, Mirror

N_TRAIN: Final = 7
N_VALIDATION: Final = 2
N_TEST: Final = 3
BY_NAME: Final = {name: getattr(mnist, name) for name in ("TRAIN_IMAGES", "TRAIN_LABELS", "TEST_IMAGES", "TEST_LABELS")}

Serve = Callable[[Behaviour], Mirror]


def fake_idx() -> dict[str, bytes]:
    """Return small IDX files under the names of MNIST's."""
    rng = np.random.default_rng(3)
    contents = {}
    for part, n in (("train", N_TRAIN), ("t10k", N_TEST)):
        contents[f"{part}-images-idx3-ubyte"] = idx(n, 28, 28, values=rng.bytes(n * 784))
        contents[f"{part}-labels-idx1-ubyte"] = idx(n, values=rng.integers(0, 10, n, np.uint8).tobytes())
    return contents


RAW: Final = fake_idx()
ZIPPED: Final = {f"{name}.gz": gz(content) for name, content in RAW.items()}
NAMES: Final = [f"{file.name}.gz" for file in mnist.FILES]
"""In the order in which they are fetched."""


@pytest.fixture(autouse=True)
def small_mnist(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the fakes be MNIST, no mirror be known, and pooch not sleep before it tries again."""
    fakes = {}
    for constant, file in BY_NAME.items():
        values = RAW[file.name][16 if "images" in file.name else 8 :]
        fakes[constant] = mnist.MnistFile(
            file.name,
            hashlib.sha256(ZIPPED[f"{file.name}.gz"]).hexdigest(),
            hashlib.sha256(values).hexdigest(),
        )
        monkeypatch.setattr(mnist, constant, fakes[constant])
    monkeypatch.setattr(mnist, "FILES", tuple(fakes.values()))
    monkeypatch.setattr(mnist, "N_VALIDATION", N_VALIDATION)
    for limit in ("REACH_SECONDS", "TIMEOUT_SECONDS", "STALL_SECONDS"):
        monkeypatch.setattr(mnist, limit, SECONDS)  # a mirror may be as slow as this machine
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda seconds: None))
    monkeypatch.setenv("SAMEGRAD_MIRRORS", "http://127.0.0.1:9/no-mirror-was-set/")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for name in ("SAMEGRAD_DATA", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    """A function that starts one more mirror; they are tried in the order in which they were started."""
    with ExitStack() as stack:
        running: list[Mirror] = []

        def start(behaviour: Behaviour) -> Mirror:
            running.append(stack.enter_context(mirror.serve(ZIPPED, behaviour)))
            monkeypatch.setenv("SAMEGRAD_MIRRORS", ",".join(server.url for server in running))
            return running[-1]

        yield start


@pytest.fixture
def no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    class NoSocket(socket.socket):
        def __init__(self, *arguments: object, **options: object) -> None:
            pytest.fail("a socket was opened")

    def no_name(*arguments: object, **options: object) -> None:
        pytest.fail("a name was looked up")

    monkeypatch.setattr(socket, "socket", NoSocket)
    monkeypatch.setattr(socket, "getaddrinfo", no_name)


def write(folder: Path, contents: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)


def files_in(folder: Path) -> dict[str, bytes]:
    """Return everything below a folder, which need not exist."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def is_fake(data: Dataset) -> bool:
    """Tell whether the data are the fakes', split as MNIST is."""
    train, labels = RAW[mnist.TRAIN_IMAGES.name][16:], RAW[mnist.TRAIN_LABELS.name][8:]
    middle = N_TRAIN - N_VALIDATION
    return [(split.images.tobytes(), split.labels.tobytes()) for split in (data.train, data.validation, data.test)] == [
        (train[: middle * 784], labels[:middle]),
        (train[middle * 784 :], labels[middle:]),
        (RAW[mnist.TEST_IMAGES.name][16:], RAW[mnist.TEST_LABELS.name][8:]),
    ]


# ---- Download ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", [mirror.good, mirror.without_length], ids=["good", "without-length"])
@pytest.mark.parametrize("name", ["mnist", "auto"])
def test_download_leaves_the_verified_files_and_no_others(
    tmp_path: Path, serve: Serve, name: str, behaviour: Behaviour
) -> None:
    server = serve(behaviour)
    data, notice = load(name, tmp_path / "not" / "yet", offline=False)
    assert is_fake(data)
    assert notice == ""
    assert files_in(tmp_path / "not" / "yet") == ZIPPED
    assert server.gets == NAMES


@pytest.mark.usefixtures("no_socket")
def test_no_socket_catches_a_download(tmp_path: Path) -> None:
    """The trap of the two tests below."""
    with pytest.raises(pytest.fail.Exception, match="was"):
        socket.create_connection(("127.0.0.1", 9))


def test_second_load_opens_no_socket(tmp_path: Path, serve: Serve, request: pytest.FixtureRequest) -> None:
    server = serve(mirror.good)
    first, _ = load("mnist", tmp_path, offline=False)
    request.getfixturevalue("no_socket")
    second, _ = load("mnist", tmp_path, offline=False)
    assert second.digest == first.digest
    assert server.gets == NAMES
    assert len(server.heads) == 1


@pytest.mark.usefixtures("no_socket")
def test_offline_opens_no_socket(tmp_path: Path) -> None:
    with pytest.raises(mnist.MnistUnavailableError, match="offline forbids"):
        load("mnist", tmp_path / "data", offline=True)
    data, notice = load("auto", tmp_path / "data", offline=True)
    assert data.digest == digits.load().digest
    assert "offline forbids" in notice
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("missing", NAMES)
def test_only_what_is_missing_is_fetched(tmp_path: Path, serve: Serve, missing: str) -> None:
    server = serve(mirror.good)
    write(tmp_path, {name: content for name, content in RAW.items() if f"{name}.gz" != missing})
    assert is_fake(load("mnist", tmp_path, offline=False)[0])
    assert server.gets == [missing]


BAD: Final[dict[str, Behaviour]] = {
    "403": mirror.status(403),
    "404": mirror.status(404),
    "503": mirror.status(503),
    "truncated": mirror.truncated,
    "wrong-bytes": mirror.wrong_bytes,
    "empty": mirror.empty,
    "bad-length": mirror.bad_length,
    "hangs-up": mirror.hangs_up,
    "not-http": mirror.not_http,
}
bad = pytest.mark.parametrize("behaviour", BAD.values(), ids=BAD)


@bad
def test_bad_mirror_leads_to_the_next(tmp_path: Path, serve: Serve, behaviour: Behaviour) -> None:
    first, second = serve(behaviour), serve(mirror.good)
    assert is_fake(load("mnist", tmp_path, offline=False)[0])
    assert files_in(tmp_path) == ZIPPED
    assert first.gets == [name for name in NAMES for _ in range(2)]  # each file is tried twice
    assert second.gets == NAMES


@bad
def test_all_mirrors_bad(tmp_path: Path, serve: Serve, behaviour: Behaviour) -> None:
    servers = [serve(behaviour), serve(behaviour)]
    with pytest.raises(mnist.MnistUnavailableError, match=r"found no train-images.* expected .*\n  remedy: ") as caught:
        load("mnist", tmp_path, offline=False)
    assert all(server.url in caught.value.found for server in servers)
    assert files_in(tmp_path) == {}
    data, notice = load("auto", tmp_path, offline=False)
    assert data.digest == digits.load().digest
    assert notice.startswith(f"using the bundled digits instead of MNIST: {tmp_path}: no train-images")
    assert "data_dir or SAMEGRAD_DATA" in notice
    assert files_in(tmp_path) == {}


def test_endless_mirror_is_left_for_the_next(tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "MAX_DOWNLOAD_BYTES", 1 << 21)
    serve(mirror.endless)
    with pytest.raises(mnist.MnistUnavailableError, match="the mirror sent more than 2,097,152 bytes"):
        load("mnist", tmp_path, offline=False)
    serve(mirror.good)
    assert is_fake(load("mnist", tmp_path, offline=False)[0])


def test_503_once_then_good(tmp_path: Path, serve: Serve) -> None:
    server = serve(mirror.first_time(mirror.status(503), mirror.good))
    other = serve(mirror.good)
    assert is_fake(load("mnist", tmp_path, offline=False)[0])
    assert server.gets == [NAMES[0], *NAMES]
    assert other.gets == []


@bad
def test_files_before_a_failure_stay_whole(tmp_path: Path, serve: Serve, behaviour: Behaviour) -> None:
    serve(mirror.for_file("t10k-images", behaviour))
    with pytest.raises(mnist.MnistUnavailableError, match="found no t10k-images"):
        load("mnist", tmp_path, offline=False)
    assert files_in(tmp_path) == {name: ZIPPED[name] for name in NAMES[:2]}


@pytest.mark.parametrize("below", ["", "a/b"], ids=["is-a-file", "is-below-a-file"])
def test_data_dir_that_cannot_be_written(tmp_path: Path, serve: Serve, below: str) -> None:
    serve(mirror.good)
    (tmp_path / "file").write_text("kept")
    folder = tmp_path / "file" / below
    with pytest.raises(mnist.MnistUnavailableError, match="cannot be written") as caught:
        load("mnist", folder, offline=False)
    assert caught.value.file == str(folder)
    data, notice = load("auto", folder, offline=False)
    assert data.digest == digits.load().digest
    assert "cannot be written" in notice
    assert files_in(tmp_path) == {"file": b"kept"}


def test_data_dir_with_too_long_a_name(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="File name too long"):
        load("mnist", tmp_path / ("x" * 300), offline=True)


def test_data_dir_below_home(tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shell does not expand the ~ of --data-dir=~/mnist; it means the same folder for a download and a load."""
    serve(mirror.good)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    assert is_fake(load("mnist", Path("~/mnist"), offline=False)[0])
    assert is_fake(load("mnist", Path("~/mnist"), offline=True)[0])


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def drip(server: socket.socket, stop: threading.Event) -> None:
    """Answer one request with an HTTP header that never ends."""
    connection, _ = server.accept()
    with connection:
        connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
        while not stop.wait(0.1):
            connection.sendall(b"x")


REACH_SECONDS, STALL_SECONDS, STALL_BYTES = mnist.REACH_SECONDS, mnist.STALL_SECONDS, mnist.STALL_BYTES


def test_mirrors_are_not_waited_for_long() -> None:
    assert REACH_SECONDS < 10


def test_unreachable_mirrors_lead_to_the_digits(
    tmp_path: Path, closed_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without waiting for any of them to come to its end, which they never do."""
    monkeypatch.setattr(mnist, "REACH_SECONDS", 0.5)
    with ExitStack() as stack:
        # The kernel accepts for both; one never answers, the other never gets to the end of it.
        silent, slow = (stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(2))
        slow.settimeout(SECONDS)
        stop = threading.Event()
        thread = threading.Thread(target=drip, args=(slow, stop))
        thread.start()
        stack.callback(thread.join)
        stack.callback(stop.set)
        ports = closed_port, silent.getsockname()[1], slow.getsockname()[1]
        monkeypatch.setenv("SAMEGRAD_MIRRORS", ",".join(f"http://127.0.0.1:{port}/" for port in ports))
        data, notice = load("auto", tmp_path, offline=False)
    assert data.digest == digits.load().digest
    assert "no mirror could be reached" in notice
    assert files_in(tmp_path) == {}


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{closed}/", "http://127.0.0.1:99999/", "http://[/", "ftp://127.0.0.1/", "nonsense"]
)
def test_mirror_that_is_none(tmp_path: Path, closed_port: int, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAMEGRAD_MIRRORS", address.format(closed=closed_port))
    start = time.monotonic()
    with pytest.raises(mnist.MnistUnavailableError, match="no mirror could be reached"):
        load("mnist", tmp_path, offline=False)
    assert time.monotonic() - start < SECONDS / 2, "it waited though all had answered"


def test_unreachable_mirror_does_not_hinder_the_next(
    tmp_path: Path, closed_port: int, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = serve(mirror.good)
    monkeypatch.setenv("SAMEGRAD_MIRRORS", f"http://127.0.0.1:{closed_port}, {server.url.rstrip('/')} ,")
    assert is_fake(load("mnist", tmp_path, offline=False)[0])


class OneAnswer:
    """A queue on which time is over as soon as one has answered, however long that takes."""

    def __init__(self) -> None:
        self._queue, self._waits = queue.Queue[Any](), iter((SECONDS, 0))
        self.put = self._queue.put

    def get(self, timeout: float) -> Any:
        return self._queue.get(timeout=next(self._waits))


def test_silent_mirror_comes_last(tmp_path: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {name: getattr(queue, name) for name in ("Empty", "Full", "Queue")}
    monkeypatch.setattr(mnist, "queue", SimpleNamespace(SimpleQueue=OneAnswer, **names))
    server = serve(mirror.good)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("SAMEGRAD_MIRRORS", f"http://127.0.0.1:{silent.getsockname()[1]}/,{server.url}")
        assert is_fake(load("mnist", tmp_path, offline=False)[0])
        connection, _ = silent.accept()
        silent.setblocking(False)
        with connection, pytest.raises(BlockingIOError):
            silent.accept()  # it was asked whether it is there, and for no file
    assert server.gets == NAMES


def test_public_mirrors_unless_others_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("", " , "):
        monkeypatch.setenv("SAMEGRAD_MIRRORS", value)
        assert mnist.mirrors() == list(mnist.MIRRORS)
    monkeypatch.delenv("SAMEGRAD_MIRRORS")
    assert mnist.mirrors() == list(mnist.MIRRORS)


def test_one_plain_line_for_each_download(tmp_path: Path, serve: Serve, capsys: pytest.CaptureFixture[str]) -> None:
    server = serve(mirror.good)
    load("mnist", tmp_path, offline=False)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [f"downloading {name} from {server.url}" for name in NAMES]


def test_bar_on_a_terminal(
    tmp_path: Path, serve: Serve, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich then takes stderr for a terminal
    monkeypatch.setenv("COLUMNS", "200")
    server = serve(mirror.good)
    load("mnist", tmp_path, offline=False)
    text = re.sub(r"\x1b\[[?\d;]*\w", "", capsys.readouterr().err)
    bars = [line.split("\r")[-1] for line in text.rstrip().split("\n")]  # as they looked in the end
    for bar, name in zip(bars, NAMES, strict=True):
        size = len(ZIPPED[name])
        full = f"{size}/{size} bytes" if size < 1000 else f"{size / 1000:.1f}/{size / 1000:.1f} kB"
        assert bar.startswith(f"downloading {name} from {server.url} ")
        assert f" {full} " in bar


# ---- Mirrors that drip -----------------------------------------------------------------------------------


class Clock:
    """The time of downloads, which does not depend on how busy the machine is."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(mnist, "time", found)
    monkeypatch.setattr(mnist, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(mnist, "STALL_SECONDS", STALL_SECONDS)
    return found


@pytest.fixture
def dripping(serve: Serve, clock: Clock) -> Iterator[Callable[[bytes, bytes], Behaviour]]:
    """A function that returns a behaviour: send a beginning, then a drop every two seconds, and never end."""
    stop = threading.Event()

    def drips(beginning: bytes, drop: bytes) -> Behaviour:
        def behaviour(request: Any, content: bytes) -> None:
            request.wfile.write(beginning)
            for _ in range(STALL_SECONDS // 2 + 5):
                request.wfile.write(drop)
                clock.now += 2
            stop.wait()

        return behaviour

    yield drips
    stop.set()


DRIPS: Final = {
    "body": (b"HTTP/1.0 200 OK\r\nContent-Length: 9912422\r\n\r\n", b"x"),
    "body-without-length": (b"HTTP/1.0 200 OK\r\n\r\n", b"x"),
    "headers": (b"HTTP/1.0 200 OK\r\n", b"X-a: b\r\n"),
    "one-header": (b"HTTP/1.0 200 OK\r\nX: ", b"x"),
    "nothing": (b"", b""),
}


@pytest.mark.parametrize("kind", DRIPS)
def test_dripping_mirror_is_left_for_the_next(tmp_path: Path, serve: Serve, dripping: Any, kind: str) -> None:
    first, second = serve(dripping(*DRIPS[kind])), serve(mirror.good)
    assert is_fake(load("mnist", tmp_path, offline=False)[0])
    assert files_in(tmp_path) == ZIPPED
    assert first.gets == NAMES[:1]  # it is asked once, for one file
    assert second.gets == NAMES


@pytest.mark.parametrize("kind", DRIPS)
def test_dripping_mirrors_lead_to_the_digits(
    tmp_path: Path, serve: Serve, clock: Clock, dripping: Any, kind: str
) -> None:
    servers = [serve(dripping(*DRIPS[kind])) for _ in range(2)]
    data, notice = load("auto", tmp_path, offline=False)
    assert data.digest == digits.load().digest
    assert all(f"{server.url}: " in notice for server in servers)
    assert notice.count("bytes in 30 s, expected 150,000") == 2
    assert files_in(tmp_path) == {}
    assert clock.now <= 2 * (STALL_SECONDS + 10)


def test_a_mirror_may_begin_to_drip_later(tmp_path: Path, serve: Serve, dripping: Any) -> None:
    first = serve(mirror.for_file("train-labels", dripping(*DRIPS["body"])))
    second = serve(mirror.good)
    assert is_fake(load("mnist", tmp_path, offline=False)[0])
    assert (first.gets, second.gets) == (NAMES[:2], NAMES[1:])


@pytest.mark.parametrize("kind", DRIPS)
def test_ctrl_c_ends_a_download_at_once(tmp_path: Path, serve: Serve, clock: Clock, kind: str) -> None:
    stop = threading.Event()

    def behaviour(request: Any, content: bytes) -> None:
        request.wfile.write(b"".join(DRIPS[kind]))
        _thread.interrupt_main()
        stop.wait()

    serve(behaviour)
    try:
        with pytest.raises(KeyboardInterrupt):
            load("auto", tmp_path, offline=False)
    finally:
        stop.set()
    assert clock.now == 0
    assert files_in(tmp_path) == {}


@pytest.mark.parametrize("rate", [5_500, 20_000, 10_000_000])
def test_slow_links_are_fast_enough(clock: Clock, rate: int) -> None:
    pace = mnist.Pace()
    for _ in range(600):
        clock.now += 1
        pace.count(rate)


@pytest.mark.parametrize("rate", [0, 1, 4_000])
def test_a_stall_ends_a_download_whatever_came_before(clock: Clock, rate: int) -> None:
    pace = mnist.Pace()
    pace.count(STALL_BYTES)
    for _ in range(STALL_SECONDS - 1):
        clock.now += 1
        pace.count(rate)
    clock.now += 1
    with pytest.raises(mnist.TooSlowError, match="bytes in 30 s, expected 150,000"):
        pace.count(rate)


# ---- Files that are there ------------------------------------------------------------------------------


@pytest.mark.parametrize("file", mnist.FILES, ids=lambda file: file.name)
def test_find_order(tmp_path: Path, file: mnist.MnistFile) -> None:
    candidates = [f"{file.name}.gz", file.name, f"MNIST/raw/{file.name}.gz", f"MNIST/raw/{file.name}"]
    write(tmp_path / "MNIST" / "raw", {})
    for name in candidates:
        (tmp_path / name).touch()
    for name in candidates:
        assert mnist.find(tmp_path, file) == tmp_path / name
        (tmp_path / name).unlink()
    assert mnist.find(tmp_path, file) is None


@pytest.mark.parametrize("below", ["", "MNIST/raw"], ids=["flat", "torchvision"])
@pytest.mark.parametrize("contents", [RAW, ZIPPED], ids=["raw", "gzip"])
@pytest.mark.usefixtures("no_socket")
def test_layouts(tmp_path: Path, below: str, contents: dict[str, bytes]) -> None:
    write(tmp_path / below, contents)
    assert is_fake(load("mnist", tmp_path, offline=False)[0])


def test_mixed_layout(tmp_path: Path) -> None:
    write(tmp_path, {name: ZIPPED[name] for name in NAMES[:2]})
    write(tmp_path / "MNIST" / "raw", {file.name: RAW[file.name] for file in mnist.FILES[2:]})
    assert is_fake(load("mnist", tmp_path, offline=True)[0])


def test_where_data_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The argument, then SAMEGRAD_DATA, then data/; never a second one because the first has nothing."""
    monkeypatch.chdir(tmp_path)
    argument, variable, default = tmp_path / "argument", tmp_path / "variable", Path("data")
    write(argument, ZIPPED)
    monkeypatch.setenv("SAMEGRAD_DATA", str(variable))
    assert is_fake(load("mnist", argument, offline=True)[0])
    for folder, value in ((variable, str(variable)), (default, "")):
        monkeypatch.setenv("SAMEGRAD_DATA", value)
        with pytest.raises(mnist.MnistUnavailableError) as caught:
            load("mnist", None, offline=True)
        assert caught.value.file == str(folder)
        write(folder, ZIPPED)
        assert is_fake(load("mnist", None, offline=True)[0])


@pytest.mark.parametrize("damaged", RAW)
def test_files_are_verified_at_every_load(tmp_path: Path, serve: Serve, damaged: str) -> None:
    server = serve(mirror.good)
    write(tmp_path, RAW)
    load("mnist", tmp_path, offline=False)
    content = bytearray(RAW[damaged])
    content[-1] ^= 1
    (tmp_path / damaged).write_bytes(content)
    for name in ("mnist", "auto"):
        with pytest.raises(DataError, match="values have sha256") as caught:
            load(name, tmp_path, offline=False)
        assert caught.value.file == str(tmp_path / damaged)
        assert not isinstance(caught.value, mnist.MnistUnavailableError)
    assert server.heads == server.gets == []
    assert (tmp_path / damaged).read_bytes() == content  # it is the user's to delete
