"""Runs that have been kept: show, diff, --resume, and the formats of what is printed."""

import csv
import io
import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from shared.record import journal
from shared.spec import TrainingSpec
from tests.command import IN_TURNS, ROOT, SMALL, STUBS, Run, inside, of, run

NAMES = of("numpy_scratch", "sums_in_another_order")
OWN = of("sums_in_another_order")
THREE = [*IN_TURNS, "--rounds", "3", *NAMES]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run(tmp_path_factory.mktemp("kept") / "out", *THREE, "--details")


MILLISECONDS = {"numpy_scratch": (100, 110, 105), "sums_in_another_order": (150, 170, 156)}
"""Of the epoch in each round; how long this machine takes is no matter of a test."""


def timed(record: Any, factor: float = 1) -> Any:
    """Return a run as it would be undisturbed, had its epochs taken `MILLISECONDS`, and one row so many times that."""
    for sample in record["samples"]:
        sample["noise"] = {"canary_seconds": [0.01, 0.01], "switches_per_second": 0.0, "steal": 0.0}
        name = sample["implementation"]
        nanoseconds = MILLISECONDS[name][sample["round"] - 1] * 10**6
        for epoch in sample["epochs"]:
            epoch["wall_ns"] = int(nanoseconds * (factor if name == "sums_in_another_order" else 1))
    for turns in record["turns"]:
        own, base = (MILLISECONDS[name][turns["round"] - 1] for name in (turns["implementation"], "numpy_scratch"))
        block, gap = ([int(10**6 * ms)] * 2 for ms in (own * factor, base))
        turns |= {"steps": 1, "baseline_steps": 1, "share": 1.0, "baseline_share": 1.0, "clock": "cpu"}
        turns |= {"layouts": 1, "blocks": [block], "gaps": [[gap]] * 2}
    return record


def verb(*arguments: str, **env: str) -> Run:
    """Run a verb that writes nothing."""
    return inside(None, *arguments, env=env)


# ---- show ----------------------------------------------------------------------------------------------


SHOWN = [("--details", None), ("--format markdown", "160"), ("--format csv", None), ("--format json", "80")]


@pytest.mark.parametrize(("options", "columns"), SHOWN)
def test_show_prints_the_same_bytes_as_a_run_that_had_nothing_left_to_do(
    options: str, columns: str | None, kept: Run, tmp_path: Path
) -> None:
    """Which ends as every run does, without measuring anything."""
    env = {"COLUMNS": columns} if columns else {}
    shutil.copytree(kept.output, tmp_path / "copy")
    folder = str(tmp_path / "copy")
    found = inside(tmp_path / "copy", "--resume", folder, "--no-report", *options.split(), env=env)
    assert found.code == 0
    shown = verb("show", folder, *options.split(), **env)
    assert (shown.code, shown.stdout, shown.stderr) == (0, found.stdout, "")


@pytest.mark.exhaustive_unless(fits=lambda options, columns: (options, columns) == ("", "80"))
@pytest.mark.parametrize("columns", [None, "80", "160"])
@pytest.mark.parametrize("options", ["", "--details", "--format markdown", "--format csv", "--format json"])
def test_show_prints_the_same_bytes_as_the_run_did(options: str, columns: str | None, tmp_path: Path) -> None:
    env = {"COLUMNS": columns} if columns else {}
    found = inside(tmp_path / "out", *SMALL, *NAMES, *options.split(), env=env)
    assert found.code == 0
    shown = verb("show", str(found.output), *options.split(), **env)
    assert (shown.code, shown.stdout, shown.stderr) == (0, found.stdout, "")


def test_the_answer_is_three_sentences_and_a_table_that_fits_80_columns(kept: Run, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(timed(kept.record)))
    shown = verb("show", str(tmp_path), COLUMNS="80").stdout
    assert max(map(len, shown.splitlines())) <= 80
    assert len(re.findall(r"^implementation .* status$", shown, re.MULTILINE)) == 1
    assert len(shown.splitlines()) < 30
    heading, sentences, table, *_ = shown.split("\n\n")
    assert "784-30-10, sigmoid, quadratic" in heading
    assert len(re.findall(r"^\S", sentences, re.MULTILINE)) == 3
    assert re.search(r"^numpy_scratch +\d+ % +\S+ s +- +\d\.\de-\d\d +ok$", table, re.MULTILINE)
    assert shown == (verb("show", str(tmp_path), "--format", "table", COLUMNS="80")).stdout


def test_show_needs_nothing_but_the_record(kept: Run, tmp_path: Path) -> None:
    shutil.copy(kept.output / "run.json", tmp_path)
    assert verb("show", str(tmp_path), "--details").stdout == kept.stdout
    assert verb("show", str(tmp_path / "run.json"), "--details").stdout == kept.stdout


def test_every_figure_comes_from_the_raw_samples(kept: Run, tmp_path: Path) -> None:
    """A record in which the samples have been changed by hand shows other figures everywhere."""
    record = timed(kept.record, 2)
    for sample in record["samples"]:
        sample["test_accuracy"] = 0.5
    (tmp_path / "run.json").write_text(json.dumps(record | {"invented_later": 1}))
    shown = verb("show", str(tmp_path), "--details")
    cells = shown.row("sums_in_another_order")
    assert cells[1] == "50.00 [50.00-50.00]"
    assert cells[5] == "3.02 [2.87-3.18]"


def test_a_newer_major_version_is_refused_with_advice(kept: Run, tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps(kept.record | {"schema_version": "9.1"}))
    shown = verb("show", str(tmp_path))
    assert (shown.code, shown.stdout) == (2, "")
    assert "found a record with schema 9.1, expected 3.x; update samegrad to read it" in shown.stderr


def test_a_run_that_was_killed_can_be_shown(kept: Run, tmp_path: Path) -> None:
    record: Any = kept.record | {"ended": None}
    journal.Journal(tmp_path, record | {"samples": record["samples"][:3]}).close()
    shown = verb("show", str(tmp_path))
    assert shown.code == 0
    assert "! incomplete: it has not ended; what was measured is shown; --resume FOLDER continues" in shown.stdout


# ---- Formats -------------------------------------------------------------------------------------------


def test_csv_and_json_have_the_figures_in_full(kept: Run, tmp_path: Path) -> None:
    folder = changed(kept, tmp_path, 1)
    lines = list(csv.DictReader(io.StringIO(verb("show", folder, "--format", "csv").stdout)))
    printed = json.loads(verb("show", folder, "--format", "json").stdout, parse_constant=pytest.fail)
    assert (
        [line["name"] for line in lines] == [row["name"] for row in printed["rows"]] == kept.record["implementations"]
    )
    ratio = printed["rows"][1]["ratio"]
    assert ratio["low"] < ratio["value"] < ratio["high"]
    assert ratio["value"] == pytest.approx((1.5 * 170 / 110 * 156 / 105) ** (1 / 3))
    assert float(lines[1]["ratio_value"]) == ratio["value"]
    assert verb("show", folder, "--details").row("sums_in_another_order")[5].startswith(f"{ratio['value']:.2g}")


@pytest.mark.parametrize("quiet", [True, False])
def test_messages_go_to_stderr_and_quiet_has_none(quiet: bool, tmp_path: Path) -> None:
    found = inside(tmp_path / "my out", *SMALL, *of("numpy_scratch"), "--format", "json", *(["-q"] if quiet else []))
    assert found.code == 0
    assert json.loads(found.stdout)["rows"][0]["name"] == "numpy_scratch"
    assert (found.stderr == "") is quiet
    assert quiet or f"details: python compare.py show '{os.path.relpath(found.output, ROOT)}' --details" in found.stderr


# ---- diff ----------------------------------------------------------------------------------------------


def changed(kept: Run, folder: Path, factor: float, **changes: Any) -> str:
    """Keep a copy of a run in which one implementation takes `factor` times as long."""
    folder.mkdir(exist_ok=True)
    (folder / "run.json").write_text(json.dumps(timed(kept.record, factor) | changes))
    return str(folder)


def test_a_run_and_itself_have_no_difference(kept: Run) -> None:
    found = verb("diff", str(kept.output), str(kept.output), "--fail-on", "slower:10%")
    assert found.code == 0, found.stderr
    for name in ("numpy_scratch", "sums_in_another_order"):
        assert "no clear difference" in found.row(name)


def test_a_run_that_is_beyond_the_limit_exits_5(kept: Run, tmp_path: Path) -> None:
    one, other = changed(kept, tmp_path / "one", 1), changed(kept, tmp_path / "other", 1.5)
    found = verb("diff", one, other, "--fail-on", "slower:10%")
    assert found.code == 5
    assert "slower" in found.row("sums_in_another_order")
    assert "! sums_in_another_order is slower by more than 10 %" in found.stdout
    assert verb("diff", other, one, "--fail-on", "slower:10%").code == 0
    assert verb("diff", one, other).code == 0


@pytest.mark.parametrize(
    ("key", "part", "value"),
    [
        ("network", "title", "784-30-10, tanh, quadratic"),
        ("training", "learning_rate", 1.0),
        ("training", "dtype", "float64"),
        ("threads", None, 2),
        ("dataset", "digest", "0" * 64),
        ("machine", "cpu", "Another Processor"),
    ],
)
def test_runs_that_were_not_asked_for_the_same_are_refused_unless_forced(
    key: str, part: str | None, value: object, kept: Run, tmp_path: Path
) -> None:
    new: Any = value if part is None else kept.record[key] | {part: value}
    if key == "training":
        new["title"] = str(TrainingSpec(**{name: of for name, of in new.items() if name != "title"}))
    other = changed(kept, tmp_path / "other", 1, **{key: new})
    refused = verb("diff", str(kept.output), other)
    assert (refused.code, refused.stdout) == (2, "")
    name = f"{key}.{part}" if part else key
    assert re.search(rf"\n  {name}: .* and {value}\n.*--force to compare them anyway", refused.stderr)
    forced = verb("diff", str(kept.output), other, "--force")
    assert forced.code == 0
    assert f"! differs: {name}: " in forced.stdout


def test_diff_fits_80_columns(kept: Run) -> None:
    found = verb("diff", str(kept.output), str(kept.output), COLUMNS="80")
    assert max(map(len, found.stdout.splitlines()[2:])) <= 80


# ---- --resume ------------------------------------------------------------------------------------------


@pytest.fixture
def half(kept: Run, tmp_path: Path) -> Path:
    """A run of which the first round and the reference of the second are done."""
    folder = tmp_path / "half"
    shutil.copytree(kept.output, folder)
    record: Any = kept.record
    (folder / "run.json").unlink()
    begun = [r for r in record["references"] if r["round"] <= 2]
    journal.Journal(folder, record | {"ended": None, "references": begun, "samples": record["samples"][:2]}).close()
    return folder


def test_a_run_goes_on_with_what_is_missing_as_it_was_asked_for(half: Path, kept: Run) -> None:
    found = inside(half, "--resume", str(half), "--no-report", *OWN)
    assert found.code == 0, found.stderr
    started = re.findall(r"^round (\d)/3 (\S+): starting", found.stderr, re.MULTILINE)
    expected = [("2", name) for name in kept.record["schedule"][1]]
    assert started == [*expected, ("3", "float64-reference"), *(("3", name) for name in kept.record["schedule"][2])]
    record = found.record
    assert record["ended"] == "complete"
    assert record["samples"][:2] == kept.record["samples"][:2]
    for key in ("predictions", "digests", "errors"):
        assert [s[key] for s in record["samples"]] == [s[key] for s in kept.record["samples"]]
    assert not (half / journal.JOURNAL).exists()


def test_a_run_that_is_complete_has_nothing_to_go_on_with(kept: Run, tmp_path: Path) -> None:
    shutil.copytree(kept.output, tmp_path / "copy")
    found = inside(tmp_path / "copy", "--resume", str(tmp_path / "copy"), "--details")
    assert (found.code, found.stdout) == (0, kept.stdout)
    assert "starting" not in found.stderr


def test_the_options_of_the_run_may_be_given_again(half: Path) -> None:
    found = inside(half, *THREE, "--resume", str(half), "--budget", "1s")
    assert found.code == 0, found.stderr


@pytest.mark.parametrize(
    ("arguments", "keys"),
    [
        ("--rounds 5", "rounds: 3 and 5"),
        ("--dtype float64 --threads 2", "training.dtype: float32 and float64; threads: 1 and 2"),
        ("--train-size 50", "dataset.digest: "),
        ("--quick --epochs 1", "rounds: 3 and 1"),
        ("--baseline sums_in_another_order", "baseline: numpy_scratch and sums_in_another_order"),
    ],
)
def test_another_configuration_is_refused_by_naming_the_keys(arguments: str, keys: str, half: Path) -> None:
    before = journal.read(half)
    found = inside(half, "--resume", str(half), *OWN, *arguments.split())
    assert (found.code, found.stdout) == (2, "")
    assert f"has another configuration: {keys}" in found.stderr
    assert "leave out these options, or start a new run" in found.stderr
    assert journal.read(half) == before


def test_a_run_cannot_be_resumed_into_another_folder(half: Path, tmp_path: Path) -> None:
    found = verb("--resume", str(half), "--output", str(tmp_path / "other"))
    assert found.code == 2
    assert "--output: got one together with --resume" in found.stderr


def test_a_run_that_is_still_at_work_is_not_resumed(half: Path) -> None:
    with journal.reserved(half):
        found = inside(half, "--resume", str(half), *OWN)
    assert found.code == 2
    assert "another process is writing to it; wait until it has ended" in found.stderr


def test_a_budget_that_is_spent_ends_the_run_in_order(tmp_path: Path) -> None:
    found = inside(tmp_path / "out", *SMALL, "--rounds", "2", *of("numpy_scratch"), "--budget", "0.1s")
    assert found.code == 0
    assert found.record["ended"] == "budget"
    assert len(found.record["references"]) == 1
    assert "! incomplete: the time budget was used up; what was measured is shown" in found.stdout
    whole = inside(found.output, "--resume", str(found.output), "--no-report")
    assert (whole.code, whole.record["ended"]) == (0, "complete")


def test_a_user_file_runs_again_only_if_it_is_named_again(tmp_path: Path) -> None:
    found = inside(tmp_path / "out", *SMALL, "-i", str(STUBS / "sums_in_another_order.py"), "--budget", "0.1s")
    assert found.record["samples"] == []
    assert str(STUBS) not in (found.output / "run.json").read_text()
    alone = inside(found.output, "--resume", str(found.output), "--no-report")
    assert (alone.code, alone.stdout) == (2, "")
    assert "name it again: --resume" in alone.stderr
    assert "-i PATH/sums_in_another_order.py" in alone.stderr
    whole = inside(found.output, "--resume", str(found.output), "--no-report", *OWN)
    assert whole.row("sums_in_another_order")[-1] == "ok"


def test_a_run_is_not_resumed_with_other_implementations(half: Path) -> None:
    found = inside(half, "--resume", str(half), *of("minitorch"))
    assert found.code == 2
    assert "got minitorch, expected some of numpy_scratch and sums_in_another_order" in found.stderr


def test_a_file_that_was_edited_is_not_mixed_with_what_it_was(half: Path, tmp_path: Path) -> None:
    edited = tmp_path / "sums_in_another_order.py"
    edited.write_text((STUBS / edited.name).read_text() + "# edited\n")
    found = inside(half, "--resume", str(half), "-i", str(edited))
    assert (found.code, found.stdout) == (2, "")
    assert "sums_in_another_order changed since this run began" in found.stderr


def test_any_implementation_can_be_the_baseline(tmp_path: Path) -> None:
    found = inside(tmp_path / "out", *IN_TURNS, *NAMES, "--details", "--baseline", "sums_in_another_order")
    assert found.row("sums_in_another_order")[5] == "-"
    assert float(found.row("numpy_scratch")[5].partition(" ")[0]) > 0
    assert "time ratio: to sums_in_another_order's time, the median of blocks" in found.stdout


def test_the_first_implementation_is_the_baseline_where_the_reference_is_not_run(tmp_path: Path) -> None:
    found = inside(tmp_path / "out", *IN_TURNS, *of("minitorch", "sums_in_another_order"))
    assert found.record["baseline"] == "minitorch"
    assert "! the baseline is minitorch, the first implementation: numpy_scratch is not in this run" in found.stdout
    assert float(found.row("sums_in_another_order")[3]) > 0
    assert "time ratio: to minitorch's time, taken in turns; below 1 is faster" in found.stdout


# ---- report --------------------------------------------------------------------------------------------


def test_report_makes_page_figures_and_tables_of_the_record_alone(kept: Run, tmp_path: Path) -> None:
    shutil.copy(kept.output / "run.json", tmp_path)
    (tmp_path / "figures").mkdir()
    for name in ("report.html", "table.md", "table.csv", "figures/speed.svg"):
        (tmp_path / name).write_text("of an earlier report")
    found = verb("report", str(tmp_path / "run.json"))
    assert (found.code, found.stdout) == (0, "")
    assert "report.html" in found.stderr
    assert "<svg" in (tmp_path / "figures" / "speed.svg").read_text()
    assert (tmp_path / "table.md").read_bytes() == (kept.output / "table.md").read_bytes()
    assert (tmp_path / "table.csv").read_text() == verb("show", str(tmp_path), "--format", "csv").stdout
    figures = {path.name for path in (tmp_path / "figures").iterdir()}
    assert {"speed.svg", "speed.png", "path.svg", "confusion.png"} <= figures
    assert ">train</span>" in (tmp_path / "report.html").read_text()
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_run_writes_its_page_unless_told_not_to(kept: Run, tmp_path: Path) -> None:
    options = [word for word in SMALL if word != "--no-report"]
    with_page, without = inside(tmp_path / "a", *options, *of("numpy_scratch")), kept
    assert (with_page.output / "report.html").exists()
    assert re.search(r"^page: .*/a/report\.html$", with_page.stderr, re.MULTILINE)
    assert not (without.output / "report.html").exists()
    assert (without.output / "table.csv").exists()


def test_a_page_that_cannot_be_written_costs_a_line_and_nothing_else(kept: Run, tmp_path: Path) -> None:
    shutil.copy(kept.output / "run.json", tmp_path)
    (tmp_path / "figures").write_text("a file, where the folder should be")
    found = verb("report", str(tmp_path))
    assert found.code == 1
    assert re.fullmatch(r"error: .*File exists: .*figures'\n", found.stderr)
    assert (tmp_path / "run.json").read_bytes() == (kept.output / "run.json").read_bytes()


def test_what_is_no_run_has_no_page(tmp_path: Path) -> None:
    found = verb("report", str(tmp_path))
    assert found.code == 2
    assert "found no run.json" in found.stderr
