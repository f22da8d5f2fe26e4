"""The implementations, each in one process for all the tests of this folder."""

import os
from collections.abc import Iterator

import pytest

from shared import implementations
from shared.processes.calls import CallProcess
from tests import calls
from tests.command import SECONDS

ALONE = [name for name in implementations.names() if not implementations.is_data_parallel(name)]
"""The others have tests of their own, with workers; with one worker they compute what their siblings do."""


@pytest.fixture(scope="session", autouse=True)
def quick_compiler() -> Iterator[None]:
    """Let XLA compile without LLVM's optimisations, in half the time; `agree` and the runs of other tests use them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XLA_FLAGS", f"{os.environ.get('XLA_FLAGS', '')} --xla_backend_optimization_level=0")
        yield


@pytest.fixture(scope="session", params=ALONE)
def network(request: pytest.FixtureRequest) -> Iterator[CallProcess]:
    with CallProcess(request.param, calls.load, timeout=SECONDS).loaded() as found:
        yield found
