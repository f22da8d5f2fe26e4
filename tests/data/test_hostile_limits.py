"""Hostile files are refused by name, with little work and within 100 MB, each in a process of its own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.data.hostile import HOSTILE, PATTERNS

ROOT: Final = Path(__file__).parents[2]
MIB: Final = 1 << 20
WORK: Final = 2 * MIB
"""Bytes read and unzipped: 0.1 s, where all of MNIST, 64 MiB, takes 0.3 s (measured)."""
LARGEST: Final = {"bomb-of-60000-images", "digest-of-black-images"}
"""Those that are MNIST's in all but their end, or values: as much work as MNIST's own files, and no more."""
PEAK_MIB: Final = 100e6 / 2**20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="VmHWM is Linux's")


class Outcome(NamedTuple):
    """What `tests.data.measured_load` prints in one line."""

    error: str
    bytes: int
    steps: int
    peak_mib: float


Measure = Callable[[Path], list[Outcome]]
NAMES: Final = ("mnist", "auto")
"""Of data sets: damaged files are no reason to take the digits."""


@pytest.fixture(scope="module")
def measured() -> Iterator[Measure]:
    """Return what loading a folder takes, under each of the names; all is imported once."""
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.data.measured_load", *NAMES],
        cwd=ROOT,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # a process that forks should have one thread
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        def measure(folder: Path) -> list[Outcome]:
            stdin.write(f"{folder}\n")
            stdin.flush()
            return [Outcome(**json.loads(stdout.readline())) for _ in NAMES]

        yield measure
        stdin.close()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_limits(measured: Measure, tmp_path: Path, hostile: str) -> None:
    HOSTILE[hostile](tmp_path)
    for outcome in measured(tmp_path):
        assert outcome.error.startswith(f"DataError: {tmp_path}"), outcome
        assert re.search(PATTERNS[hostile], outcome.error), outcome
        assert outcome.bytes < (64 * MIB if hostile in LARGEST else WORK), outcome
        assert outcome.steps < (256 if hostile in LARGEST else 32), outcome
        assert outcome.peak_mib < PEAK_MIB, outcome


@pytest.mark.parametrize("hostile", sorted(LARGEST))
def test_work_is_seen(measured: Measure, tmp_path: Path, hostile: str) -> None:
    """The measure itself: a file of MNIST's size is more than the usual limits allow."""
    HOSTILE[hostile](tmp_path)
    outcome, _ = measured(tmp_path)
    assert outcome.bytes > 47_000_000
    assert outcome.steps > 128


def test_peak_is_seen() -> None:
    """The measure itself: 128 MiB that are written and freed again must show."""
    code = """
from tests.data.measured_load import *

def work():
    x = bytearray(b"1") * (128 << 20)
    del x
    print(peak_mib())

for _ in range(2):
    in_a_process(work)
in_a_process(lambda: print(peak_mib()))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    first, second, without = map(float, done.stdout.split())
    assert without < PEAK_MIB
    for peak in (first, second):
        assert 128 < peak < 128 + PEAK_MIB
