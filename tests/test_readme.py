"""What README says is so: the table is the file's, the commands and options exist."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import compare
from shared import implementations
from shared.report import document, summary, tables
from tests.command import SECONDS, environment

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TABLE = "results/reference/table.md"
TIERS = "the first table of results/tiers/table.md"
WITHOUT_HURRY = """
import sys
sys.path.insert(0, {root!r})
import compare
from tests import patience
patience.wait_long()
sys.exit(compare.main())
"""
SESSION = re.search(r"```console\n(.*?)```", README, re.DOTALL)


def shown(what: str) -> str:
    """What README has between two marks."""
    return README.partition(f"<!-- begin {what} -->\n")[2].partition(f"<!-- end {what} -->")[0].strip()


def test_the_table_is_that_of_the_reference_run() -> None:
    assert shown(TABLE) == (ROOT / TABLE).read_text(encoding="utf-8").strip()
    assert "MNIST" in shown(TABLE)


def test_the_second_table_is_the_first_of_the_run_of_all() -> None:
    every = (ROOT / "results/tiers/table.md").read_text(encoding="utf-8")
    assert shown(TIERS) == every.partition("\n\nWhere a worker's time went")[0]
    assert all(f"| {name} " in shown(TIERS) for name in implementations.names())


@pytest.mark.parametrize(
    ("run", "names"), [("reference", implementations.defaults()), ("tiers", implementations.names())]
)
def test_a_kept_run_is_whole_and_renders_to_its_table(run: str, names: list[str]) -> None:
    folder = ROOT / "results" / run
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["ended"] == "complete"
    assert summary.exit_code(record) == 0
    assert record["implementations"] == names
    assert document.markdown(tables.document(record)) == (folder / "table.md").read_text(encoding="utf-8")
    if run == "reference":
        assert not any(row.disturbed for row in summary.rows(record))


@pytest.mark.parametrize("target", sorted(set(re.findall(r"make (\w+)", README))))
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_options_exist() -> None:
    known = "".join(p.format_help() for p in compare.parsers().values())
    for option in set(re.findall(r"(?<![-\w])--[a-z][a-z-]+", README)):
        assert option in known, option


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\b(?:impls|shared|docs|results)/[\w./]*\w", README))))
def test_files_exist(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_implementation_is_named() -> None:
    assert all(f"impls/{name}.py" in README for name in implementations.names())


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "\nmake test\n" in (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "\nmake test " in README


def test_the_session_is_what_happens(tmp_path: Path) -> None:
    """The commands of `Check your own backprop`, typed one by one, print what README shows."""
    assert SESSION is not None
    (tmp_path / "compare.py").write_text(WITHOUT_HURRY.format(root=str(ROOT)))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = environment(PATH=path)
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", SESSION[1], re.MULTILINE)
    assert len(steps) == 4
    for command, expected in steps:
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert done.stdout == expected, (command, done.stderr)
        assert done.stderr == ""
