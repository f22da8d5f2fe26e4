"""Networks as people write them: read as they are, judged by their own loss, the mistake named with its line.

`files` holds rebuilt public questions (case_*), and further ones in the same styles; `expected.json` says of each what
is right. A file is not tidied: what is odd in it is why it is here.
"""

import json
import re
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from shared.boundary import told
from shared.diagnosis import isolated
from shared.diagnosis.as_written import OwnVerdict
from shared.diagnosis.diagnose import Verdict
from shared.diagnosis.facts import Options
from shared.diagnosis.isolated import check_file
from shared.diagnosis.rules import UNNAMED
from shared.processes.calls import CallError, CallProcess
from shared.reading.program import UnreadableError
from tests.command import SECONDS

FOLDER = Path(__file__).parent / "files"
USUAL = r"case_\d|6[3-9]_|7[08]_|conv_(0[12]|10|20)"
EXPECTED: dict[str, Any] = json.loads((Path(__file__).parent / "expected.json").read_text())


class InProcess(CallProcess):
    """A file in the process of the tests, which saves the start of one for each."""

    def __init__(self, name: str, loader: Callable[[str], Any], *, timeout: float) -> None:
        self.name, self.loader, self.timeout = name, loader, timeout

    def __enter__(self) -> "InProcess":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def loaded(self) -> "InProcess":
        self.call(lambda _: None)
        return self

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            if not hasattr(self, "subject"):
                self.subject = self.loader(self.name)
            return function(self.subject, *arguments)
        except Exception as error:
            raise CallError("raised", told(error)) from error


def found(name: str) -> Verdict | OwnVerdict:
    """Return the verdict on a file; the usual ones in a process of their own, as for a user."""
    nothing = dict.fromkeys(("network", "sizes", "activation", "loss"))
    # what is read of a file that loads data depends on the packages that are loaded already
    is_apart = re.match(USUAL, name) or "sklearn" in (FOLDER / name).read_text(encoding="utf-8")
    with nullcontext() if is_apart else mock.patch.object(isolated, "CallProcess", InProcess):
        return check_file(FOLDER / name, nothing, Options(), SECONDS)


def test_every_file_has_its_answer() -> None:
    assert {path.name for path in FOLDER.iterdir() if path.is_file()} == EXPECTED.keys()


@pytest.mark.exhaustive_unless(fits=lambda name: re.match(USUAL, name) is not None)
@pytest.mark.parametrize("name", [name for name, answer in EXPECTED.items() if not answer.get("unread")])
def test_a_file_is_read_as_it_is_and_judged_by_its_own_loss(name: str) -> None:
    expected, verdict = EXPECTED[name], found(name)
    assert verdict.right == (expected["verdict"] == "right"), verdict.diagnosis
    if expected.get("update"):
        assert isinstance(verdict, OwnVerdict)
        assert expected["update"] in "; ".join([*verdict.conventions, *verdict.not_checked])
        assert verdict.headline.endswith("updates not checked") == bool(verdict.not_checked)
    if verdict.diagnosis is None:
        return
    if expected.get("unnamed"):  # a mistake that has no name yet; none may be made up
        assert verdict.diagnosis.name in UNNAMED
        return
    said = f"{verdict.diagnosis.name} {verdict.diagnosis.description} {verdict.diagnosis.measured}"
    assert re.search(expected["names"], said, re.IGNORECASE | re.DOTALL), said
    if expected.get("line"):
        assert any(expected["line"] in text for _, text in verdict.diagnosis.lines), verdict.diagnosis.lines


@pytest.mark.parametrize("name", [name for name, answer in EXPECTED.items() if answer.get("unread")])
def test_what_cannot_be_read_is_listed_with_the_adapter(name: str) -> None:
    with pytest.raises(UnreadableError, match=rf"{name} could not be read: .*found in it: .*--adapt {name}"):
        found(name)
