"""Hostile files are refused by name, within 2 s and 100 MB, each in a process of its own."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Final, NamedTuple

import pytest

from tests.data.hostile import HOSTILE, PATTERNS

ROOT: Final = Path(__file__).parents[2]
SECONDS: Final = 2.0
PEAK_MIB: Final = 100e6 / 2**20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="VmHWM is Linux's")


class Outcome(NamedTuple):
    """What `measured_load` prints in one line."""

    error: str
    seconds: float
    peak_mib: float


def measured(*arguments: str) -> list[Outcome]:
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
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
        assert outcome.seconds < SECONDS, outcome
        assert outcome.peak_mib < PEAK_MIB, outcome


def test_peak_is_seen() -> None:
    """The measure itself: 128 MiB that are written and freed again must show."""
    code = """
from tests.data.measured_load import *
x = bytearray(b"1") * (128 << 20)
del x
print(json.dumps({"error": "", "seconds": 0, "peak_mib": peak_mib()}))
"""
    [outcome] = measured("-c", code)
    assert 128 < outcome.peak_mib < 128 + PEAK_MIB
