"""The implementations, each in one process for all the tests of this folder."""

from collections.abc import Iterator

import pytest

from shared import implementations
from shared.processes.calls import CallProcess
from tests import calls
from tests.command import SECONDS

ALONE = [name for name in implementations.names() if not implementations.is_data_parallel(name)]
"""The others have tests of their own, with workers; with one worker they compute what their siblings do."""


@pytest.fixture(scope="package", autouse=True)
def _compiler(quick_compiler: None) -> None:
    """Compile in half the time; `agree` and the runs of other tests compile as a user does."""


@pytest.fixture(scope="session", params=ALONE)
def network(request: pytest.FixtureRequest) -> Iterator[CallProcess]:
    with CallProcess(request.param, calls.load, timeout=SECONDS).loaded() as found:
        yield found
