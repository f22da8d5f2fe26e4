"""Markdown is wrapped at 100 columns."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = 100
FENCE = re.compile(r" {0,3}(```|~~~)")
GENERATED = re.compile(r"<!-- (begin|end) .* -->")


def tracked() -> list[str]:
    """Return the Markdown files of the project; the folders of runs in results/ contain generated ones."""
    listed = subprocess.run(["git", "ls-files", "*.md"], cwd=ROOT, capture_output=True, text=True, check=False)
    found = listed.stdout.split() or [
        str(path.relative_to(ROOT)) for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"))
    ]
    return [path for path in found if not path.startswith("results/")]


def too_long(text: str) -> list[int]:
    """Return the numbers of the lines that are too long and could be wrapped.

    Tables, code, text between the marks of a generated part, and a line that is one link or URL are left alone.
    """
    found, in_code, in_generated = [], False, False
    for number, line in enumerate(text.splitlines(), 1):
        if mark := GENERATED.fullmatch(line.strip()):
            in_generated = mark[1] == "begin"
        elif FENCE.match(line):
            in_code = not in_code
        elif in_code or in_generated or len(line) <= COLUMNS or line.lstrip().startswith("|"):
            continue
        elif not re.fullmatch(r"(?:[-*] )?(?:!?\[.*\]\(\S+\)|<?https?://\S+>?)[.,;:]?", line.strip()):
            found.append(number)
    return found


@pytest.mark.parametrize("path", tracked())
def test_a_file_is_wrapped(path: str) -> None:
    assert not too_long((ROOT / path).read_text(encoding="utf-8"))


def test_what_cannot_be_wrapped_is_left_alone() -> None:
    long = "word " * 30
    link = f"[a link](https://example.org/{'x' * 100})"
    fine = [
        "short",
        f"| {long} |",
        "```sh",
        long,
        "```",
        "<!-- begin a table -->",
        long,
        "<!-- end a table -->",
        link,
        f"- {link}.",
    ]
    assert too_long("\n".join(fine)) == []
    assert too_long("\n".join([*fine, long, f"See {link}.", f"# {long}"])) == [11, 12, 13]
