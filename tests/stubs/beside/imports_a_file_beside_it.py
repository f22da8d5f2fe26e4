"""Imports a file of its folder."""

from a_file_beside_it import Network  # type: ignore[import-not-found]  # noqa: F401
