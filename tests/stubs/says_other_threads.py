"""Rejected: its library does not do as it was asked."""

from impls.numpy_scratch import Network as Network


def set_threads(n: int) -> dict[str, int]:
    return {"library": n + 3}
