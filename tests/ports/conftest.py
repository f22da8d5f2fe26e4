"""What a model changes in the process of the tests is put back."""

from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _own_dtype() -> Iterator[None]:
    import torch

    before = torch.get_default_dtype()
    yield
    torch.set_default_dtype(before)
