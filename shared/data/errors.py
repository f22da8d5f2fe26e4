"""The exception of the data pipeline."""

from pathlib import Path


class DataError(Exception):
    """Data that cannot be used; the message names the file, what was found, what was expected, and a remedy."""

    def __init__(self, file: Path | str, found: str, expected: str, remedy: str) -> None:
        self.file, self.found, self.expected, self.remedy = str(file), found, expected, remedy
        super().__init__(f"{file}: found {found}, expected {expected}.\n  remedy: {remedy}")
