"""What README says is so: the table is the file's, the commands and options exist."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import compare
from shared import implementations
from shared.report import brief, document, summary, tables
from tests.command import SECONDS, environment

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
TEXT = {path.name: path.read_text(encoding="utf-8") for path in DOCS}
EVERYTHING = "\n".join(TEXT.values())
DATA_PARALLEL = [
    name
    for name in implementations.names()
    if implementations._declared(implementations.locate(name), "DATA_PARALLEL") is True
]
"""What shares a batch among workers has nothing to show in a run with one."""
ANSWER = "results/reference/answer.md"
SESSIONS = {
    name: found[1] for name, text in TEXT.items() if (found := re.search(r"```console\n(.*?)```", text, re.DOTALL))
}
WITHOUT_HURRY = """
import sys
sys.path.insert(0, {root!r})
import compare
from tests import patience
patience.wait_long()
sys.exit(compare.main())
"""


def test_the_answer_is_that_of_the_reference_run() -> None:
    shown = README.partition(f"<!-- begin {ANSWER} -->\n")[2].partition(f"<!-- end {ANSWER} -->")[0]
    assert shown.strip() == (ROOT / ANSWER).read_text(encoding="utf-8").strip()
    assert "MNIST" in shown


def test_the_readme_is_read_in_two_minutes() -> None:
    assert len(README.splitlines()) <= 135
    assert len(README.split()) <= 1100


@pytest.mark.parametrize(
    ("run", "names"),
    [
        ("reference", implementations.defaults()),
        ("cnn", implementations.defaults()),
        ("tiers", implementations.names()),
    ],
)
def test_a_kept_run_is_whole_and_renders_to_its_table(run: str, names: list[str]) -> None:
    folder = ROOT / "results" / run
    record = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    assert record["ended"] == "complete"
    assert summary.exit_code(record) == 0
    assert record["implementations"] == names
    assert document.markdown(tables.document(record)) == (folder / "table.md").read_text(encoding="utf-8")
    assert document.markdown(brief.document(record)) == (folder / "answer.md").read_text(encoding="utf-8")
    if run == "reference":
        assert "no measurement was disturbed" in brief.document(record).answer[-1]


@pytest.mark.parametrize("target", sorted(set(re.findall(r"(?:^|`)make ([a-z-]+)", EVERYTHING, re.MULTILINE))))
def test_make_targets_exist(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_options_exist() -> None:
    known = "".join(p.format_help() for p in compare.parsers().values())
    for option in set(re.findall(r"compare\.py[^\n`]* (--[a-z][a-z-]+)", EVERYTHING)):
        assert option in known, option


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"(?<![\w/])(?:impls|shared|docs)/(?!NAME)[\w./]*\w", EVERYTHING)))
)
def test_files_exist(path: str) -> None:
    assert (ROOT / path).exists()


def test_every_implementation_is_named() -> None:
    assert all(f"impls/{name}.py" in README for name in implementations.names())


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert "\nmake test\n" in (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert "\nmake test " in README


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.name))
def test_links_lead_to_files_and_headings(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]*)(#[\w-]+)?\)", TEXT[path.name]):
        file, heading = target
        if file.startswith("http"):
            continue
        found = (path.parent / file).resolve() if file else path
        assert found.exists(), file
        if heading:
            headings = re.findall(r"^#+ (.*)$", found.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading[1:] in [re.sub(r"[^\w -]", "", h).lower().replace(" ", "-") for h in headings], target


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_is_what_happens(name: str, tmp_path: Path) -> None:
    """The commands of `Check your own backprop`, typed one by one, print what is shown."""
    (tmp_path / "compare.py").write_text(WITHOUT_HURRY.format(root=str(ROOT)))
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = environment(PATH=path)
    steps = re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", SESSIONS[name], re.MULTILINE)
    assert len(steps) >= 3
    for command, expected in steps:
        done = subprocess.run(
            ["bash", "-c", command], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        assert done.stdout == expected, (command, done.stderr)
        assert done.stderr == ""


def test_what_is_enough_without_frameworks_is_all_that_is_needed_besides() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = {re.split(r"[<>=]", each)[0] for each in project["dependencies"]}
    (line,) = re.findall(r"^pip install -c constraints.txt (numpy .*)$", TEXT["install.md"], re.MULTILINE)
    assert set(line.split()) == needed - {"torch", "torchvision", "tensorflow", "keras"}


def test_readme_shows_sessions() -> None:
    assert {"README.md", "check.md"} <= SESSIONS.keys()
