"""Hostile files are refused by name, with little work and within 100 MB, each in a process of its own."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.command import SECONDS
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
    """What `measured_load` prints in one line."""

    error: str
    bytes: int
    steps: int
    peak_mib: float


def measured(*arguments: str) -> list[Outcome]:
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [Outcome(**json.loads(line)) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_limits(tmp_path: Path, hostile: str) -> None:
    HOSTILE[hostile](tmp_path)
    outcomes = measured("-m", "tests.data.measured_load", str(tmp_path), "mnist", "auto")
    assert len(outcomes) == 2
    for outcome in outcomes:  # "auto" too: damaged files are no reason to take the digits
        assert outcome.error.startswith(f"DataError: {tmp_path}"), outcome
        assert re.search(PATTERNS[hostile], outcome.error), outcome
        assert outcome.bytes < (64 * MIB if hostile in LARGEST else WORK), outcome
        assert outcome.steps < (256 if hostile in LARGEST else 32), outcome
        assert outcome.peak_mib < PEAK_MIB, outcome


@pytest.mark.parametrize("hostile", sorted(LARGEST))
def test_work_is_seen(tmp_path: Path, hostile: str) -> None:
    """The measure itself: a file of MNIST's size is more than the usual limits allow."""
    HOSTILE[hostile](tmp_path)
    [outcome] = measured("-m", "tests.data.measured_load", str(tmp_path), "mnist")
    assert outcome.bytes > 47_000_000
    assert outcome.steps > 128


def test_peak_is_seen() -> None:
    """The measure itself: 128 MiB that are written and freed again must show."""
    code = """
from tests.data.measured_load import *
x = bytearray(b"1") * (128 << 20)
del x
print(json.dumps({"error": "", "bytes": 0, "steps": 0, "peak_mib": peak_mib()}))
"""
    [outcome] = measured("-c", code)
    assert 128 < outcome.peak_mib < 128 + PEAK_MIB
