"""Imports a file of its folder as if both were in a package."""

from .a_file_beside_it import Network  # type: ignore[attr-defined]  # noqa: F401
