"""The page of a run: what it says, that it is whole, safe and the same each time."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

from shared.record import schema
from shared.report import outputs, tables
from shared.report.answer import answer
from shared.report.budget import departures
from shared.report.page import gallery, page, steps
from shared.report.page.charts import charts
from shared.report.page.charts.chart import power
from shared.report.page.charts.speed import GROUPS
from shared.report.page.colours import LOOKS, looks
from shared.report.summary import pairs, rows
from tests.report.records import STAGES, compared, crashed, errors, network, record, reference, sample

ROOT = Path(__file__).resolve().parents[2]
KEPT = [ROOT / "results" / name for name in ("reference", "tiers", "cnn")]
SVG = "{http://www.w3.org/2000/svg}"
PAPER = {"light": "#ffffff", "dark": "#15181d"}
"""As style.css has them."""


def kept(folder: Path) -> Any:
    found: Any = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return found


def whole() -> Any:
    """A record with everything that a page can show."""
    rng = np.random.default_rng(0)
    pixels = base64.b64encode(rng.integers(0, 256, 784, np.uint8).tobytes()).decode()
    levels = base64.b64encode(rng.integers(1, 256, 2 * 784, np.uint8).tobytes()).decode()
    names = ("numpy_scratch", "other")
    image = {"index": 7, "label": 3, "wrong": 6, "pixels": pixels}
    image["activations"] = {name: [0.0, 0.5, 0.25, *[0.125] * 7] for name in names}
    steps = (1, 2, 10, 100)
    path = [{"step": s, "values": {"W1": 1e-7 * s, "b1": 2e-7 * s}} for s in steps]
    epochs = [
        {"epoch": k, "wall_ns": 10**8, "cpu_ns": 10**8, "validation_accuracy": 0.8 + k / 50, "validation_loss": 1 / k}
        for k in (1, 2, 3)
    ]
    samples = [sample(name, round_, epochs=epochs) for round_ in (1, 2, 3) for name in names]
    for first in samples[:2]:
        first |= {"path": path, "sections": {"Update (8)": 1.0}}
    samples[1] = compared(samples[1], "numpy_scratch")
    explained = [{"step": s, "values": {"W1": 1e-6 * s, "b1": 1e-6 * s}} for s in steps]
    source = "class Network:\n    # ---- Update (8) ----\n\n    def train(self):\n        return 1 < 2\n"
    return record(
        *samples,
        references=[reference(1, path=explained, limit_seconds=0.05), reference(2, limit_seconds=0.06), reference(3)],
        sources={"numpy_scratch": {"base": None, "text": source}, "other": {"base": None, "text": source + "# more\n"}},
        known=sorted(names),
        defaults=["numpy_scratch"],
        command=["--quick", "-i", "a b.py"],
        gallery={
            "labels": "0123456789",
            "timed": 6,
            "hard": [image],
            "hard_count": 1,
            "split": [image],
            "split_count": 30,
            "weights": {name: {"neurons": 2, "levels": levels} for name in names},
        },
    )


@pytest.fixture(scope="module")
def html() -> str:
    return page.report(whole())[0]


def test_every_part_is_there_in_order(html: str) -> None:
    parts = ["answer", "table", "learning", "speed", "agreement", "side", "gallery", "measured"]
    assert re.findall(r'<section id="(\w+)"', html) == parts
    assert re.findall(r'<figcaption id="alt-(\w+)"', html) == [
        *("accuracy", "loss", "speed", "stages", "errors", "path", "confusion")
    ]


def test_it_is_the_same_each_time(tmp_path: Path) -> None:
    for folder in (tmp_path / "a", tmp_path / "b"):
        folder.mkdir()
        outputs.write_tables(folder, whole())
        outputs.write_page(folder, whole())
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file())
    assert {path.suffix for path in files} == {".html", ".svg", ".png", ".md", ".csv"}
    assert len(files) == 4 + 2 * 7
    for path in files:
        assert (tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes(), path


def test_a_users_own_settings_change_no_figure(html: str) -> None:
    import matplotlib as mpl

    with mpl.rc_context({"lines.linewidth": 9, "font.size": 30, "axes.facecolor": "red"}):
        assert page.report(whole())[0] == html


def test_nothing_comes_from_outside(html: str) -> None:
    addresses = re.findall(r'(?:src|href|action|data|poster)\s*=\s*"([^"]*)"', html)
    assert addresses
    assert all(address.startswith(("data:", "#")) for address in addresses), addresses
    assert not re.search(r"@import|url\((?!#)|<iframe|<object|<embed|<base", html)
    made = re.sub(r'xmlns(:xlink)?="[^"]*"', "", html)
    assert not re.search(r"https?:|//[a-z]", made)
    assert "Content-Security-Policy" in html


def test_ids_are_unique_and_what_is_referred_to_is_there(html: str) -> None:
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    referred = re.findall(r'(?:href="#|url\(#|aria-labelledby=")([^")]+)', html)
    assert referred
    assert set(referred) <= set(ids)


def test_what_workers_say_is_text_and_nothing_else() -> None:
    evil = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    name = "x'\"><b>y"
    made = record(
        sample("numpy_scratch", milliseconds=(1,)),
        crashed(name, 1, f"killed by {evil}", f"\x1b[31m{evil}", "{{ 7 * 7 }} {% raise %}"),
        machine={"cpu": evil},
        command=["-i", f"/tmp/{evil}.py"],
        sources={"numpy_scratch": {"base": None, "text": f"x = '{evil}'"}, name: {"base": None, "text": evil}},
    )
    html, _ = page.report(made)
    assert html.count("<script>") == 1
    assert html.index("<script>") > html.index("</main>")
    assert "<img src=x" not in html
    assert "<b>y" not in html
    assert "{{ 7 * 7 }}" in html
    assert "&lt;script&gt;alert(1)" in html


def test_names_of_any_kind_are_drawn_as_they_are() -> None:
    names = ("my$x_$net", "_mine")
    made = whole()
    for s in made["samples"]:
        s["implementation"] = names[s["implementation"] == "other"]
    html, drawn = page.report(made | {"implementations": list(names), "baseline": "_mine"})
    for chart in ("accuracy", "path", "stages"):
        assert all(f">{name}</text>" in drawn[chart].svg for name in names), chart
    assert html


@pytest.mark.parametrize(
    "made",
    [
        record(sample("numpy_scratch", milliseconds=(1,))),
        record(crashed("numpy_scratch"), crashed("other")),
        record(sample("numpy_scratch"), crashed("other"), ended="interrupted"),
        record(references=[], ended=None),
        record(sample("numpy_scratch", errors=errors(0.0)), references=[reference(bounds={"W1": None, "b1": None})]),
        record(
            sample("numpy_scratch", errors=errors(None), finite=False), sample("other", errors=errors(float("inf")))
        ),
        record(sample("mine", milliseconds=(0,)) | {"epochs": [{"wall_ns": 1, "cpu_ns": 0, "validation_loss": None}]}),
        record(*(sample(f"net_{k}") for k in range(30))),
    ],
    ids=["one", "none", "interrupted", "nothing", "exact", "not a number", "diverged", "thirty"],
)
def test_whatever_became_of_a_run_it_has_a_page(made: Any, tmp_path: Path) -> None:
    html = outputs.write_page(tmp_path, made).read_text(encoding="utf-8")
    for name in made["implementations"]:
        assert name in html
    assert not re.search(r"\bnan\b", re.sub(r"data:[^\"]*|<style>.*?</style>", "", html, flags=re.DOTALL))


def test_the_numbers_of_the_table_are_those_of_the_terminal(html: str) -> None:
    document = tables.document(whole())
    body = html[html.index('<table class="sortable">') :].partition("</table>")[0]
    cells = [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[hd]\b[^>]*>(.*?)</t[hd]>", body, re.DOTALL)]
    assert cells == [*document.tables[0].headers, *(cell for line in document.tables[0].lines for cell in line)]


def test_a_record_without_the_new_parts_is_shown_without_them() -> None:
    older = whole()
    for key in ("sources", "gallery", "known", "defaults"):
        del older[key]
    html, drawn = page.report(older)
    assert re.findall(r'<section id="(\w+)"', html) == ["answer", "table", "learning", "speed", "agreement", "measured"]
    assert "confusion" not in drawn


# ---- The answer -----------------------------------------------------------------------------------------


def said(made: Any) -> list[str]:
    return [sentence.text for sentence in answer(made, rows(made), pairs(made))]


def test_the_answer_is_three_sentences_from_the_figures() -> None:
    agree, accurate, fast = said(whole())
    assert agree == (
        "The 2 implementations perform the same computation: their gradients agree with the float64 reference to 6 "
        "digits (largest error of a tensor 2.0e-07, tolerance 1e-05), and after 100 steps the parameters of any two "
        "differ by at most 3.0e-07."
    )
    assert accurate.startswith("After 1 epoch, 90.0 % of the 10,000 test images")
    assert "no accuracy differs from numpy_scratch's by more than the seeds explain" in accurate
    assert fast.startswith("numpy_scratch is the fastest, with 0.1")
    assert fast.endswith("; no implementation failed and no measurement was disturbed.")


def test_it_says_what_disagrees_what_failed_and_what_was_disturbed() -> None:
    wrong = {"status": "FAILED AGREEMENT", "reason": "gradients: W1 is off", "errors": errors(0.5)}
    noisy = {"canary_seconds": [0.001, 0.001], "switches_per_second": 900.0, "steal": 0.0}
    made = record(
        sample("numpy_scratch", noise=noisy),
        {k: v for k, v in sample("wrong").items() if k not in ("epochs", "predictions")} | wrong,
        crashed("broken"),
    )
    agree, _, fast = said(made)
    assert agree.startswith("numpy_scratch computes the right gradients: they agree")
    assert "wrong does NOT perform the same computation, and is left out below" in agree
    assert "broken (crashed)" in fast
    assert "numpy_scratch in 1 of 1 rounds" in fast


def test_what_disagrees_counts_as_a_failure() -> None:
    wrong = {"status": "FAILED AGREEMENT", "reason": "gradients: W1 is off", "errors": errors(0.5)}
    made = record(sample("numpy_scratch"), sample("wrong") | wrong)
    assert "no implementation failed" not in said(made)[2]
    assert "wrong (FAILED AGREEMENT)" in said(made)[2]


@pytest.mark.parametrize("why", [{"status": "rejected", "reason": "4 threads"}, {"finite": False}])
def test_a_row_that_must_not_be_quoted_is_neither_the_fastest_nor_counted(why: dict[str, Any]) -> None:
    quick = sample("quick", milliseconds=(1, 1, 1), test_accuracy=0.1, **why)
    _, accurate, fast = said(record(sample("numpy_scratch"), quick, sample("other", milliseconds=(900,) * 3)))
    assert fast.startswith("numpy_scratch is the fastest")
    assert f"no usable result from quick ({why.get('status', 'diverged')})" in fast
    assert "90.0 % of the" in accurate


def test_a_row_that_failed_in_some_rounds_is_quoted_with_their_number() -> None:
    samples = [sample(name, r) for r in (1, 2) for name in ("numpy_scratch", "other")]
    fast = said(record(*samples, crashed("other", 3), sample("numpy_scratch", 3)))[2]
    assert "no usable result" not in fast
    assert fast.endswith("; other crashed in 1 of 3 rounds.")


def test_where_rounding_may_explain_everything_nothing_is_concluded() -> None:
    made = record(sample("numpy_scratch", errors=errors(0.4)), sample("other", errors=errors(0.3)))
    assert said(made)[0].startswith("Nothing can be concluded: the gradients have errors of up to 4.0e-01")


def test_few_rounds_allow_no_claim() -> None:
    made = record(sample("numpy_scratch"), sample("other", test_accuracy=0.8))
    assert "1 round is too few to distinguish a difference from chance" in said(made)[1]
    assert "[" not in said(made)[2]


def test_a_real_difference_of_accuracy_is_reported() -> None:
    reached = {"numpy_scratch": 0.9, "low": 0.7}
    samples = [sample(name, r, test_accuracy=a + r / 1000) for r in (1, 2, 3) for name, a in reached.items()]
    assert "accuracy of low differs from numpy_scratch's by more than the seeds explain" in said(record(*samples))[1]


def test_what_leaves_the_envelope_is_named_with_its_step() -> None:
    made = whole()
    for point in made["samples"][1]["path"][2:]:
        point["values"] = {"W1": 1e-3, "b1": None}
    made["samples"][0]["path"] = [{"step": 1, "values": {"W1": 1e-9, "b1": 0.0}}]
    assert departures(made) == {"other": 10}
    assert "the error of other (from step 10 on) is larger than rounding explains" in said(made)[0]
    assert "other leaves it at step 10" in charts(made, rows(made))["path"].alt


def test_a_sentence_says_as_data_whether_it_is_bad() -> None:
    """Whatever names the implementations have."""
    wrong = {"status": "FAILED AGREEMENT", "reason": "gradients: W1 is off", "errors": errors(0.5)}
    for name, changes, expected in (("NOT_mine", {}, 0), ("mine", wrong, 1)):
        made = record(sample("numpy_scratch"), sample(name) | changes)
        assert [s.is_bad for s in answer(made, rows(made), pairs(made))] == [bool(expected), False, False]
        assert page.report(made)[0].count('<p class="bad">') == expected


def test_tables_are_found_by_their_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever their captions say."""

    def parts(html: str) -> list[list[str]]:
        bodies = re.findall(r'<section id="(?:speed|agreement)">(.*?)</section>', html, re.DOTALL)
        return [re.findall(r"<summary>(.*?)</summary>", body) for body in bodies]

    (times,), (in_pairs, gradients) = parts(page.report(whole())[0])
    assert times.startswith("Where a worker")
    assert in_pairs.startswith("Agreement of each pair")
    assert gradients.startswith("Gradients at the initial weights")
    monkeypatch.setattr(tables, "CAPTIONS", dict.fromkeys(tables.CAPTIONS, "same"))
    assert parts(page.report(whole())[0]) == [["same"], ["same", gradients]]


# ---- Figures --------------------------------------------------------------------------------------------


LONG = 1e5
"""Times as long, at most: there is no room for the seconds of more."""


def scaled(factor: float, steps: tuple[int, ...], layers: int = 2) -> Any:
    """A run whose errors, losses and times are so many times as large, over these steps."""
    found = whole()
    names = [f"{name}{l}" for l in range(1, layers + 1) for name in ("W", "b")]
    for k, s in enumerate(found["samples"]):
        seconds = {"wall_ns": max(1, int(10**8 * min(factor, LONG)))}
        s["epochs"] = [e | seconds | {"validation_loss": factor * e["validation_loss"]} for e in s["epochs"]]
        s["errors"] = {stage: {n: {"relative_l2": factor * 1e-7, "ulps": 1.0} for n in names} for stage in STAGES}
        if "path" in s:
            s["path"] = [{"step": t, "values": dict.fromkeys(names, factor * 1e-7 * (1 + k + t))} for t in steps]
    for r in found["references"]:
        r["bounds"] = dict.fromkeys(names, factor * 1e-6)
        if "path" in r:
            r["path"] = [{"step": t, "values": dict.fromkeys(names, factor * 1e-6 * (1 + t))} for t in steps]
        if "limit_seconds" in r:
            r["limit_seconds"] *= min(factor, LONG)
    return found | {"network": network(784, *[30] * (layers - 1), 10)}


FIGURES: dict[str, Callable[[], Any]] = {
    "usual": whole,
    "two steps": lambda: scaled(1, (1, 2)),
    "tiny and deep": lambda: scaled(1e-9, (1, 2, 5, 10, 100, 1000), layers=11),
    "narrow": lambda: scaled(1e-5, (7, 8)),
    "huge": lambda: scaled(1e30, (1, 10**9)),
}


@pytest.mark.exhaustive_unless(fits=lambda kind: kind in ("usual", "huge"))
@pytest.mark.parametrize("kind", FIGURES)
def test_no_figure_has_raw_mathtext(kind: str) -> None:
    """The text of an SVG is text: a browser shows $\\mathdefault{10^{-4}}$ as it stands here."""
    made = FIGURES[kind]()
    drawn = charts(made, rows(made))
    assert set(drawn) == {"accuracy", "loss", "speed", "stages", "errors", "path", "confusion"}
    for chart in drawn.values():
        texts = ["".join(e.itertext()) for e in ElementTree.fromstring(chart.svg).iter(f"{SVG}text")]
        assert len(texts) > 3, chart.name
        assert not [text for text in texts if re.search(r"[$\\{}^]|mathdefault", text)], chart.name


def test_the_distance_from_the_reference_is_in_powers_of_ten() -> None:
    made = whole()
    svg = charts(made, rows(made))["path"].svg
    assert {"10⁻⁷", "10⁻⁵", "100"} <= set(re.findall(r"<text[^>]*>([^<]*)</text>", svg))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        *((10.0**k, f"10{text}") for k, text in ((-4, "⁻⁴"), (-308, "⁻³⁰⁸"), (0, "⁰"), (1, "¹"), (23, "²³"))),
        (2e-7, "2\N{MULTIPLICATION SIGN}10⁻⁷"),
        (1.05e5, "1.05\N{MULTIPLICATION SIGN}10⁵"),
        (9.9999e-5, "10⁻⁴"),
        *((value, "") for value in (0.0, -1.0, float("inf"), float("nan"))),
    ],
)
def test_a_power_of_ten_is_plain_text(value: float, expected: str) -> None:
    assert power(value) == expected


def test_the_groups_of_stages_are_those_of_a_worker() -> None:
    grouped = [stage for stages in GROUPS.values() for stage in stages]
    assert len(grouped) == len(set(grouped))
    assert set(grouped) == set(schema.STAGES) - {"limit", "reset", "canary", "sections", "exit"}, "the rest"


# ---- Colours and pictures -------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", PAPER)
def test_every_colour_stands_out_from_the_paper(scheme: str) -> None:
    assert PAPER[scheme] in (page.TEMPLATES / "style.css").read_text() or PAPER[scheme] == "#ffffff"
    for look in LOOKS:
        one, other = sorted((luminance(look.colour), luminance(PAPER[scheme])))
        assert (other + 0.05) / (one + 0.05) >= 3, look


def test_no_two_look_alike_and_each_looks_the_same_in_every_run() -> None:
    assert len({look.colour for look in LOOKS}) == len({(look.marker, look.dash) for look in LOOKS}) == len(LOOKS)
    known = ["a", "b", "c"]
    alone, together = ({"known": known, "implementations": names} for names in (["c"], ["mine", "c", "b"]))
    assert looks(alone)["c"] == looks(together)["c"]
    assert len(set(looks(together).values())) == 3


def test_weights_become_the_colours_of_their_sign() -> None:
    levels = np.full((1, 784), 128, np.uint8)
    levels[0, :2] = 1, 255
    picture = gallery.sheet(levels.ravel(), 1).convert("RGBA")
    assert picture.size == (30, 30)
    assert picture.getpixel((1, 1)) == (*gallery.LESS, 255)
    assert picture.getpixel((2, 1)) == (*gallery.MORE, 255)
    assert picture.getpixel((3, 1)) == (255, 255, 255, 255)
    assert picture.getpixel((0, 0))[3] == 0  # type: ignore[index]


# ---- The runs that are kept -----------------------------------------------------------------------------


@pytest.mark.parametrize("folder", KEPT, ids=lambda folder: folder.name)
def test_a_kept_page_is_that_of_its_record(folder: Path) -> None:
    html, drawn = page.report(kept(folder))
    assert (folder / "report.html").read_text(encoding="utf-8") == html
    assert set(drawn) == {"accuracy", "loss", "speed", "stages", "errors", "path", "confusion"}
    assert len(html.encode()) <= 2_000_000
    assert html.count("<section") == 8 + (steps.of(kept(folder)) is not None)
