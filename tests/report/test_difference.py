"""Two runs side by side."""

import re
from typing import Any

import pytest

from shared.measure.statistics import FASTER, NO_DIFFERENCE, SLOWER
from shared.options import Threshold
from shared.report import difference, document
from shared.report.difference import changes, fails
from tests.report.records import crashed, record, sample, turns

NAMES = ("runs/a", "runs/b")


def run(canary: float = 0.001, **milliseconds: tuple[int, ...]) -> Any:
    noise = {"canary_seconds": [canary, canary], "switches_per_second": 0.0, "steal": 0.0}
    samples = [
        sample(name, round_, (ms,), noise=noise)
        for name, values in milliseconds.items()
        for round_, ms in enumerate(values, start=1)
    ]
    return record(*samples)


def verdicts(a: Any, b: Any) -> dict[str, str | None]:
    return {change.name: change.verdict for change in changes(a, b)}


def test_what_changed_is_reported_and_what_only_varies_is_not() -> None:
    a = run(numpy_scratch=(100, 101, 99), pytorch=(500, 505, 495), other=(300, 320, 280))
    b = run(numpy_scratch=(100, 102, 99), pytorch=(700, 705, 695), other=(150, 160, 140))
    assert verdicts(a, b) == {"numpy_scratch": NO_DIFFERENCE, "pytorch": SLOWER, "other": FASTER}
    (ratio,) = (change.ratio for change in changes(a, b) if change.name == "pytorch")
    assert ratio is not None
    assert ratio.value == pytest.approx(1.4, rel=0.01)


def test_a_machine_that_has_become_slower_is_not_blamed_on_the_implementations() -> None:
    a, b = run(numpy_scratch=(100, 101, 99)), run(numpy_scratch=(110, 111, 109))
    assert verdicts(a, b) == {"numpy_scratch": SLOWER}
    assert verdicts(a, run(canary=0.0011, numpy_scratch=(110, 111, 109))) == {"numpy_scratch": NO_DIFFERENCE}


def in_turns(*ratios: float, canary: float = 0.001, source: str = "text") -> Any:
    """A run in which `mine` took turns with numpy_scratch, with these ratios."""
    found = run(canary, numpy_scratch=(100, 150, 90), mine=(200, 700, 300)[: len(ratios)])
    sources = {name: {"text": source, "base": None} for name in ("numpy_scratch", "mine")}
    return found | {"turns": [turns("mine", k, ratio) for k, ratio in enumerate(ratios, start=1)], "sources": sources}


def test_ratios_to_a_baseline_that_stayed_the_same_are_compared_whatever_the_machine_did() -> None:
    a, b = in_turns(2.0, 2.02, 1.98), in_turns(2.2, 2.22, 2.18, canary=0.002)
    (ratio,) = (change.ratio for change in changes(a, b) if change.name == "mine")
    assert ratio is not None
    assert ratio.value == pytest.approx(1.1, rel=0.01)
    assert verdicts(a, b)["mine"] == SLOWER
    assert verdicts(a, in_turns(2.01, 1.99, 2.0, canary=0.002)) == dict.fromkeys(
        ("numpy_scratch", "mine"), NO_DIFFERENCE
    )
    said = document.text(difference.document(a, b, NAMES, None), 10_000)
    assert re.search("^mine: .* ratios to numpy_scratch are .* at least 3 %$", said, re.MULTILINE)
    assert re.search("^numpy_scratch: the epochs are .* at least 5 %$", said, re.MULTILINE)


def test_ratios_to_a_baseline_that_changed_are_not_compared() -> None:
    a, b = in_turns(2.0, 2.02, 1.98), in_turns(2.2, 2.22, 2.18, source="another text")
    (ratio,) = (change.ratio for change in changes(a, b) if change.name == "mine")
    assert ratio is not None
    assert ratio.value == pytest.approx(1)  # of the epochs
    assert "which is the same in both" not in document.text(difference.document(a, b, NAMES, None), 10_000)


def test_unequal_numbers_of_rounds_are_compared() -> None:
    a, b = run(numpy_scratch=(100, 101, 99, 100, 100)), run(numpy_scratch=(150, 151, 149))
    assert verdicts(a, b) == {"numpy_scratch": SLOWER}
    assert verdicts(a, run(numpy_scratch=(150, 151))) == {"numpy_scratch": None}
    printed = document.text(difference.document(a, run(numpy_scratch=(150,)), NAMES, None), 10_000)
    assert "! no verdict for numpy_scratch: a verdict needs 3 rounds in both runs" in printed
    assert "nan" not in printed


def test_an_implementation_that_only_one_of_them_has_is_shown_without_a_ratio() -> None:
    a, b = run(numpy_scratch=(100, 101, 99), old=(1, 1, 1)), run(numpy_scratch=(100, 101, 99), new=(2, 2, 2))
    assert verdicts(a, b) == {"numpy_scratch": NO_DIFFERENCE, "old": None, "new": None}
    printed = document.text(difference.document(a, b, NAMES, None), 10_000)
    assert printed.count("not in this run") == 2


def test_what_failed_in_either_run_is_not_compared() -> None:
    a, b = run(numpy_scratch=(100, 101, 99)), run(numpy_scratch=(200, 201, 199))
    b["samples"][1]["status"] = "FAILED AGREEMENT"
    b["samples"][1]["reason"] = "planted"
    assert verdicts(a, b) == {"numpy_scratch": None}
    printed = difference.document(a, record(crashed("numpy_scratch")), NAMES, None)
    assert printed.tables[0].lines[0][-1] == "crashed"


def test_accuracies_are_compared_seed_by_seed() -> None:
    a, b = run(numpy_scratch=(1, 1, 1)), run(numpy_scratch=(1, 1, 1))
    for round_, accuracy in enumerate((0.91, 0.95, 0.93)):
        a["samples"][round_]["test_accuracy"] = accuracy
        b["samples"][round_]["test_accuracy"] = accuracy + 0.01
    (change,) = changes(a, b)
    assert change.accuracy_difference is not None
    assert (change.accuracy_difference.low, change.accuracy_difference.high) == pytest.approx((0.01, 0.01))


def test_versions_that_changed_are_reported() -> None:
    a, b = run(torch=(1, 1, 1)), run(torch=(1, 1, 1))
    for found, version in ((a, "2.12"), (b, "2.13")):
        for s in found["samples"]:
            s["versions"] = {"torch": version, "python": "3.11"}
    assert difference.document(a, b, NAMES, None).remarks == ["differs: torch: 2.12 and 2.13"]


# ---- The limit -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("limit", "b", "expected"),
    [
        ("slower:10%", (130, 131, 129), True),
        ("slower:10%", (112, 113, 111), False),  # by more than 10 %, but the interval's near end is below
        ("slower:25%", (130, 131, 129), True),
        ("slower:40%", (130, 131, 129), False),
        ("slower:10%", (130, 190, 80), False),
        ("slower:10%", (50, 51, 49), False),
        ("faster:10%", (50, 51, 49), True),
        ("faster:10%", (95, 96, 94), False),
        ("slower:10%", (130,), False),
    ],
)
def test_only_an_interval_that_lies_beyond_the_limit_fails(limit: str, b: tuple[int, ...], expected: bool) -> None:
    first, second = run(numpy_scratch=(100, 101, 99)), run(numpy_scratch=b)
    found = Threshold.parse(limit)
    assert fails(first, second, found) is expected
    printed = difference.document(first, second, NAMES, found).remarks
    assert (f"numpy_scratch is {found}" in printed) is expected
    assert any(f"cannot tell whether these are {found}: numpy_scratch" in line for line in printed) is (len(b) == 1)


@pytest.mark.parametrize("text", ["slower", "slower:10", "slower:%", "quicker:10%", "slower:-1%", "slower:ten%", ""])
def test_a_limit_that_cannot_be_meant_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected slower:PERCENT% or faster:PERCENT%"):
        Threshold.parse(text)
