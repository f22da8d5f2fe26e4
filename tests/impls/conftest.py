"""The implementations, each in one process for all the tests of this folder."""

from collections.abc import Iterator

import pytest

from shared import implementations
from shared.processes.calls import CallProcess
from tests import calls
from tests.command import SECONDS


@pytest.fixture(scope="session", params=implementations.names())
def network(request: pytest.FixtureRequest) -> Iterator[CallProcess]:
    with CallProcess(request.param, calls.load, timeout=SECONDS).loaded() as found:
        yield found
