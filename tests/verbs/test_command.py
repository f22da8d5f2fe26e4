"""What the verbs share: help, version, completion in the shell."""

import argparse
import re
import shlex
from importlib.metadata import version
from pathlib import Path

import pytest

import compare
import samegrad
from shared.report import outputs
from shared.verbs import run as run_verb
from tests.command import COMMAND, environment, run
from tests.record.records import head

VERBS = sorted(compare.VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_the_help_opens_with_two_examples_that_can_be_typed(verb: str) -> None:
    parser = compare.parsers()[verb]
    opening, _, rest = parser.format_help().partition("\n\n")
    assert rest.startswith("usage: compare.py")
    title, *lines = opening.splitlines()
    assert title == "examples:"
    commands = [line.strip() for line in lines if line.startswith("  python compare.py")]
    assert len(commands) == 2
    for command in commands:
        words = shlex.split(command.partition(">")[0].removeprefix("python compare.py"))
        assert (words[:1] == [verb]) is (verb != "run")
        parser.parse_args(words[verb != "run" :])


@pytest.mark.parametrize("verb", VERBS)
def test_no_line_of_the_help_is_longer_than_80_columns(verb: str) -> None:
    assert [line for line in compare.parsers()[verb].format_help().splitlines() if len(line) > 80] == []


def test_the_version_is_that_of_the_package() -> None:
    found = run(None, "--version")
    assert (found.code, found.stdout) == (0, f"samegrad {samegrad.__version__}\n")
    assert version("samegrad") == samegrad.__version__


# ---- Completion ----------------------------------------------------------------------------------------


def completed(typed: str, folder: Path) -> list[str]:
    """Return what a shell offers where the cursor is at | or, without one, at the end of what was typed."""
    before, _, after = typed.partition("|")
    answer = folder / "answer"
    shell = {
        "_ARGCOMPLETE": "1",
        "_ARGCOMPLETE_IFS": "\n",
        "_ARGCOMPLETE_STDOUT_FILENAME": str(answer),
        "COMP_LINE": before + after,
        "COMP_POINT": str(len(before)),
        "COMP_TYPE": "9",
    }
    found = run(None, env=shell)
    assert (found.code, found.stdout, found.stderr) == (0, "", "")
    return [word.strip() for word in answer.read_text().splitlines()]


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("samegrad ch", ["check"]),
        ("samegrad -i numpy_s", ["numpy_scratch"]),
        ("samegrad --baseline numpy_s", ["numpy_scratch"]),
        ("samegrad --optimizer ", ["sgd", "momentum", "adam"]),
        ("samegrad agree --dtype ", ["float32", "float64"]),
        ("samegrad check --self", ["--self-test"]),
        ("samegrad show --det", ["--details"]),
        ("samegrad show results/ref", ["results/reference/"]),
        ("samegrad check| mine.py", ["check"]),
        ("samegrad check --self| folder/check", ["--self-test"]),
    ],
)
def test_a_shell_is_offered_verbs_options_names_and_folders(typed: str, offered: list[str], tmp_path: Path) -> None:
    assert completed(typed, tmp_path) == offered


def test_completion_costs_nothing_where_no_shell_asks() -> None:
    program = "import sys, compare; compare.main(['--version'])"
    script = f"import atexit, sys; atexit.register(lambda: print('argcomplete' in sys.modules)); {program}"
    found = run(None, command=[COMMAND[0], "-c", script], env=environment())
    assert re.search(r"^False$", found.stdout, re.MULTILINE)


def test_tables_that_cannot_be_written_cost_no_page(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("so it is")

    written: list[object] = []
    monkeypatch.setattr(outputs, "write_tables", refuse)
    monkeypatch.setattr(outputs, "write_page", lambda folder, _: written.append(folder))
    run_verb._keep(tmp_path, head(), argparse.Namespace(report=True, quiet=True))
    assert written == [tmp_path]
    assert capsys.readouterr().err == "error: so it is\n"
