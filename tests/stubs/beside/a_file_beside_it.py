"""Imported by the file beside it."""

from impls.numpy_scratch import Network  # noqa: F401
