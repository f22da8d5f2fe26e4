"""MNIST: find the four files, or download them from a public mirror; verify them at every load.

Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits". The article's split takes the
last 10,000 of the 60,000 training images for validation.
"""

import hashlib
import logging
import os
import queue
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from shared.data.dataset import Dataset, Split
from shared.data.errors import DataError
from shared.data.idx import read_images, read_labels

MIRRORS: Final = (
    "https://ossci-datasets.s3.amazonaws.com/mnist/",  # torchvision's
    "https://storage.googleapis.com/cvdf-datasets/mnist/",  # TensorFlow Datasets'
)
TIMEOUT_SECONDS: Final = 30
"""How long a mirror may be silent."""
STALL_SECONDS: Final = 30
STALL_BYTES: Final = 150_000
"""A mirror must send so many bytes, or the rest of a file, in each STALL_SECONDS: 5 kB/s. Modems had as much, a slow
link of today has 20 kB/s."""
CHUNK_BYTES: Final = 4096
POLL_SECONDS: Final = 0.2
"""How often a download looks at the clock; on Windows, Ctrl-C is noticed then."""
REACH_SECONDS: Final = 6
"""How long mirrors have to answer; the data set "auto" must fall back within 10 s."""
MAX_DOWNLOAD_BYTES: Final = 1 << 24
"""A mirror could send without end; the largest file has 9,912,422 bytes."""
N_VALIDATION: Final = 10_000


class MnistFile(NamedTuple):
    """One of the four files."""

    name: str
    """without .gz"""
    gzip_sha256: str
    """of the file as the mirrors serve it, checked after a download"""
    values_sha256: str
    """of the bytes after the header (zcat FILE.gz | tail -c +17 | sha256sum; +9 for labels), checked at every load"""


TRAIN_IMAGES: Final = MnistFile(
    "train-images-idx3-ubyte",
    "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
)
TRAIN_LABELS: Final = MnistFile(
    "train-labels-idx1-ubyte",
    "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
)
TEST_IMAGES: Final = MnistFile(
    "t10k-images-idx3-ubyte",
    "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
)
TEST_LABELS: Final = MnistFile(
    "t10k-labels-idx1-ubyte",
    "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
)
FILES: Final = (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS)


class TooSlowError(Exception):
    """A mirror makes no progress; it is not tried again."""


class MnistUnavailableError(DataError):
    """MNIST is not on this machine and cannot be downloaded; for damaged files it is a plain `DataError`."""


def load(data_dir: Path | None, *, offline: bool) -> Dataset:
    """Return MNIST from `data_dir`, after downloading missing files into it, unless `offline`.

    Parameters
    ----------
    data_dir : None for `$SAMEGRAD_DATA`, or else `data/`.

    Raises
    ------
    MnistUnavailableError
        If files are missing and cannot be downloaded.
    DataError
        If a file is damaged or is not the one of MNIST.
    """
    data_dir = _folder(data_dir)
    missing = [file for file in FILES if find(data_dir, file) is None]
    if missing:
        if offline:
            raise _unavailable(data_dir, missing, "offline forbids the download")
        fetch(data_dir, missing)
    paths = {file: find(data_dir, file) or data_dir / file.name for file in FILES}
    train = _read_pair(paths[TRAIN_IMAGES], paths[TRAIN_LABELS])
    test = _read_pair(paths[TEST_IMAGES], paths[TEST_LABELS])
    for file, values in zip(FILES, (train.images, train.labels, test.images, test.labels), strict=True):
        _check_digest(paths[file], values, file)
    middle = len(train) - N_VALIDATION
    validation = Split(train.images[middle:], train.labels[middle:])
    return Dataset("MNIST", train.first(middle), validation, test, key="mnist", epochs=3)


def _folder(data_dir: Path | None) -> Path:
    folder = data_dir or Path(os.environ.get("SAMEGRAD_DATA") or "data")
    try:
        return folder.expanduser()  # a shell does not expand ~ in --data-dir=~/mnist, but pooch would
    except RuntimeError as error:
        raise DataError(folder, "an unknown home directory", "a folder", "choose another data_dir") from error


def find(data_dir: Path, file: MnistFile) -> Path | None:
    """Return the path of a file, flat or in torchvision's layout, gzipped or raw; None if it is not there."""
    candidates = (
        folder / name for folder in (data_dir, data_dir / "MNIST" / "raw") for name in (f"{file.name}.gz", file.name)
    )
    try:
        return next((path for path in candidates if path.exists()), None)
    except OSError as error:  # the name is too long, or links form a loop
        reason = error.strerror or str(error)
        raise DataError(data_dir, reason, "a readable folder", "choose another data_dir") from error


def _read_pair(images_path: Path, labels_path: Path) -> Split:
    images, labels = read_images(images_path), read_labels(labels_path)
    if len(images) != len(labels):
        raise DataError(
            labels_path,
            f"{len(labels):,} labels",
            f"{len(images):,}, one for each image of {images_path}",
            "take both files from the same distribution",
        )
    return Split(images, labels)


def _check_digest(path: Path, values: NDArray[np.uint8], file: MnistFile) -> None:
    found = hashlib.sha256(values.data).hexdigest()
    if found != file.values_sha256:
        raise DataError(
            path,
            f"a well-formed file whose values have sha256 {found[:12]}...",
            f"MNIST's own, {file.values_sha256[:12]}...",
            "delete the file and run again to download the original",
        )


def _unavailable(data_dir: Path, missing: Iterable[MnistFile], why: str) -> MnistUnavailableError:
    return MnistUnavailableError(
        data_dir,
        f"no {', '.join(file.name for file in missing)} ({why})",
        "the four MNIST files, gzipped or raw, in this folder or in MNIST/raw/ below it",
        "give their folder as --data-dir, data_dir or SAMEGRAD_DATA, or run where a mirror can be reached",
    )


# ---- Download ------------------------------------------------------------------------------------------


def mirrors() -> list[str]:
    """Return the base URLs to try: `SAMEGRAD_MIRRORS` (comma-separated) or the public mirrors."""
    own = [url.strip() for url in os.environ.get("SAMEGRAD_MIRRORS", "").split(",") if url.strip()]
    return [url if url.endswith("/") else url + "/" for url in own or MIRRORS]


def fetch(data_dir: Path, missing: list[MnistFile]) -> None:
    """Download files into `data_dir`; each is written complete and verified, or not at all."""
    bases = _reachable(mirrors())
    if not bases:
        raise _unavailable(data_dir, missing, f"no mirror could be reached within {REACH_SECONDS} s")
    too_slow: dict[str, str] = {}
    for file in missing:
        reasons: list[str] = []
        for base in bases:
            if base in too_slow:
                continue
            try:
                if _fetch_from(base, data_dir, file, reasons):
                    break
            except TooSlowError as error:
                too_slow[base] = f"{base}: {error}"
        else:
            raise _unavailable(data_dir, [file], "; ".join([*reasons, *too_slow.values()]))


def _reachable(bases: list[str]) -> list[str]:
    """Return the mirrors, first those that gave an HTTP answer in time; none if no mirror did.

    They are asked at the same time, by daemon threads that are not waited for: a DNS lookup can exceed any timeout.
    """
    answers: queue.SimpleQueue[tuple[str, bool]] = queue.SimpleQueue()

    def ask(base: str) -> None:
        import requests

        try:
            requests.head(base + FILES[-1].name + ".gz", timeout=REACH_SECONDS)
            answers.put((base, True))
        except (requests.RequestException, OSError, ValueError):  # ValueError: an invalid URL
            answers.put((base, False))

    for base in bases:
        threading.Thread(target=ask, args=(base,), daemon=True).start()
    deadline = time.monotonic() + REACH_SECONDS
    reached = set()
    try:
        for _ in bases:
            base, answered = answers.get(timeout=max(0, deadline - time.monotonic()))
            if answered:
                reached.add(base)
    except queue.Empty:
        pass
    # A mirror that did not answer may only be slow: it comes last, if another one has shown that there is a network.
    return sorted(bases, key=lambda base: base not in reached) if reached else []


def _fetch_from(base: str, data_dir: Path, file: MnistFile, reasons: list[str]) -> bool:
    """Download one file from one mirror, with two attempts; on failure append the reason.

    Raises
    ------
    TooSlowError
        If the mirror makes no progress.
    """
    import pooch
    import requests

    pooch.get_logger().setLevel(logging.WARNING)
    name = f"{file.name}.gz"
    with DownloadBar(f"downloading {name} from {base}") as bar:
        fetcher = pooch.create(
            path=data_dir,
            base_url=base,
            registry={name: f"sha256:{file.gzip_sha256}"},
            retry_if_failed=1,
        )
        try:
            fetcher.fetch(name, downloader=lambda url, path, _: _download(url, Path(path), bar))
        except (requests.RequestException, ValueError) as error:
            reasons.append(f"{base}: {error}")
            return False
        except OSError as error:
            raise _unavailable(data_dir, [file], f"cannot be written: {error}") from error
    return True


class Pace:
    """Watches the progress of a download."""

    def __init__(self) -> None:
        self._since, self._received = time.monotonic(), 0

    def count(self, n: int) -> None:
        """Count n more bytes; raise TooSlowError if there are too few of them for the time."""
        now = time.monotonic()
        self._received += n
        if self._received >= STALL_BYTES:
            self._since, self._received = now, 0
        elif now - self._since >= STALL_SECONDS:
            raise TooSlowError(f"{self._received:,} bytes in {STALL_SECONDS} s, expected {STALL_BYTES:,}")


class Transfer:
    """A GET request in a daemon thread, which is not waited for: a server can drip headers through any timeout.

    The thread only hands over what it receives. If it is abandoned, it ends with what the server sends next.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._abandoned = threading.Event()
        self._received: queue.Queue[int | bytes | Exception | None] = queue.Queue(maxsize=64)

    def __enter__(self) -> "Transfer":
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._abandoned.set()

    def parts(self, pace: Pace) -> Iterator[int | bytes]:
        """Yield the length of the content, 0 if it is unknown, then its parts; raise what the request raised."""
        while True:
            try:
                part = self._received.get(timeout=POLL_SECONDS)
            except queue.Empty:
                pace.count(0)
                continue
            if part is None:
                return
            if isinstance(part, Exception):
                raise part
            pace.count(len(part) if isinstance(part, bytes) else 0)
            yield part

    def _run(self) -> None:
        import requests

        try:
            with requests.get(self._url, timeout=TIMEOUT_SECONDS, stream=True) as response:
                response.raise_for_status()
                self._give(int(response.headers.get("content-length", 0)))
                for chunk in response.iter_content(CHUNK_BYTES):
                    if not self._give(chunk):
                        return
            self._give(None)
        except requests.Timeout as error:
            self._give(TooSlowError(str(error)))
        except Exception as error:  # noqa: BLE001 - it is raised where the parts are taken
            self._give(error)

    def _give(self, part: int | bytes | Exception | None) -> bool:
        """Hand over a part; return False once nobody takes it."""
        while not self._abandoned.is_set():
            try:
                self._received.put(part, timeout=POLL_SECONDS)
            except queue.Full:
                continue
            return True
        return False


def _download(url: str, path: Path, bar: "DownloadBar") -> None:
    """Write what a URL sends to a file."""
    pace = Pace()
    with path.open("wb") as file, Transfer(url) as transfer:
        for part in transfer.parts(pace):
            if isinstance(part, int):
                bar.total = part
            else:
                file.write(part)
                bar.update(len(part))


class DownloadBar:
    """A progress bar on stderr; one plain line without a terminal."""

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task(title, total=None)
        self._received = 0
        if not console.is_terminal:
            console.print(title, soft_wrap=True, highlight=False, markup=False)

    def __enter__(self) -> "DownloadBar":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    @property
    def total(self) -> float | None:
        """The size of the download in bytes, if the server sent it; it is set at the start of each attempt."""
        return self._progress.tasks[0].total

    @total.setter
    def total(self, total: int) -> None:
        self._received = 0
        self._progress.update(self._task, total=total or None, completed=0)

    def update(self, n: int) -> None:
        """Count n more bytes; raise ValueError, which ends the download, if they exceed the size of any file."""
        self._received += n
        if self._received > MAX_DOWNLOAD_BYTES:
            raise ValueError(f"the mirror sent more than {MAX_DOWNLOAD_BYTES:,} bytes")
        self._progress.advance(self._task, n)
