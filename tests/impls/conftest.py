"""The implementations, each in one process for all the tests of this folder."""

import os
from collections.abc import Iterator
from unittest import mock

import pytest

from shared import implementations
from shared.processes.calls import CallProcess
from tests import calls
from tests.command import QUICK_COMPILER, SECONDS

ALONE = [name for name in implementations.names() if not implementations.is_data_parallel(name)]
"""The others have tests of their own, with workers; with one worker they compute what their siblings do."""


@pytest.fixture(scope="package", autouse=True)
def _compiler() -> Iterator[None]:
    """Compile quickly; the runs of other tests compile as a user's do."""
    with mock.patch.dict(os.environ, QUICK_COMPILER):
        yield


@pytest.fixture(scope="session", params=ALONE)
def network(request: pytest.FixtureRequest) -> Iterator[CallProcess]:
    with CallProcess(request.param, calls.load, timeout=SECONDS).loaded() as found:
        yield found
