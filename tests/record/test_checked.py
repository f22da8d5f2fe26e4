"""A record in which any single value is another is shown, or refused in one line; it is never believed."""

import copy
import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.agreement import observation
from shared.agreement.metrics import TensorError
from shared.record import arrays, checked, journal, schema
from shared.record.arrays import ArraysError
from shared.record.checked import CheckedError
from shared.record.journal import RunError
from shared.report import brief, difference, summary, tables
from shared.report.document import FORMATS
from shared.report.page.page import report
from tests.command import SMALL, of, run
from tests.record.records import head, reference, result

VALUES: list[Any] = [
    *(None, True, False, 0, 1, -1, 3.5, -0.5, 1e308, 10**12, 10**30),
    *("", "x", "0123", "ok", "\x1b[31m", "a" * 100_000, [], [1], [[]], {}, {"a": 1}),
]
Path_ = tuple[str | int, ...]


def test_the_schema_names_what_the_agreement_names() -> None:
    assert get_args(schema.AgreementStage) == observation.STAGES
    assert list(schema.Metrics.__annotations__) == [field.name for field in fields(TensorError)]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A run of two implementations, and of one that crashed."""
    names = of("numpy_scratch", "sums_in_another_order", "raises_in_train")
    return run(tmp_path_factory.mktemp("record") / "out", *SMALL, *names).record


def places(value: Any, path: Path_ = ()) -> Iterator[Path_]:
    """Yield the path of each value; of a list, those of the first and of the last."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, part in value.items():
            yield from places(part, (*path, key))
    elif isinstance(value, list) and value:
        for i in sorted({0, len(value) - 1}):
            yield from places(value[i], (*path, i))


def changed(record: Any, path: Path_, value: Any) -> Any:
    """Return a copy of a record with another value at a path."""
    found = copy.deepcopy(record)
    *way, last = path
    part = found
    for key in way:
        part = part[key]
    part[last] = value
    return found


def shown_or_refused(folder: Path, record: Any) -> Any:
    """Show the record in every way but the page; None if it is refused, which takes one line."""
    (folder / "run.json").write_text(json.dumps(record))
    try:
        read = journal.read(folder)
    except RunError as error:
        refusal = str(error)
    else:
        refusal = ""
    if refusal:
        assert "\n" not in refusal
        assert str(folder / "run.json") in refusal or "schema" in refusal
        return None
    for document in (brief.document(read), tables.document(read), difference.document(read, read, ("a", "b"), None)):
        assert all(form(document, 80) for form in FORMATS.values())
    summary.exit_code(read)
    return read


@settings(max_examples=80)
@given(data=st.data())
def test_any_value_in_any_place_is_shown_or_refused(data: st.DataObject, record: Any, tmp_path_factory: Any) -> None:
    path = data.draw(st.sampled_from(list(places(record))))
    anything = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
        max_leaves=5,
    )
    value = data.draw(st.sampled_from(VALUES) | anything)
    shown_or_refused(tmp_path_factory.mktemp("any"), changed(record, path, value))


@pytest.mark.exhaustive
def test_every_place_with_some_values_is_shown_or_refused(record: Any, tmp_path: Path) -> None:
    drawn = random.Random(1)
    for path in places(record):
        for value in drawn.sample(VALUES, 3):
            shown_or_refused(tmp_path, changed(record, path, value))


@pytest.mark.exhaustive
def test_the_page_of_a_record_that_is_not_refused_is_drawn(record: Any, tmp_path: Path) -> None:
    drawn = random.Random(2)
    accepted = (shown_or_refused(tmp_path, changed(record, path, drawn.choice(VALUES))) for path in places(record))
    for read in itertools.islice(filter(None, accepted), 0, 200, 8):
        assert report(read)[0]


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (("rounds",), 10**12, "`int` <= 10000 - at `$.rounds`"),
        (("samples", 0, "predictions"), "0123", "samples[0].predictions: got 4 digits, expected 250"),
        (("samples", 0, "implementation"), "others", "samples[0].implementation: got others, expected one of"),
        (("samples", 0, "noise"), {}, "missing required field `canary_seconds`"),
        (("samples", 0, "steps_per_epoch"), 0, "`int` >= 1"),
        (("samples", 2, "stderr"), "text", "expected `array`, got `str`"),
        (("network", "title"), "784-40-10", "network: got [[784, 30, 10]"),
        (("network", "parameter_count"), 7, "network: got [[784, 30, 10]"),
        (("training", "optimizer"), "lbfgs", "optimizer: got 'lbfgs', expected one of"),
        (("baseline",), "x", "baseline: got x, expected one of numpy_scratch"),
        (("ended",), "w\nl", "ended: got w l, expected null"),
        (("ended",), "well", "ended: got well, expected null, complete"),
        (("gallery", "labels"), "0", "gallery.labels: got 1 digits, expected 250"),
        (("gallery", "steps", "steps", 1, "values"), [0.5], "gallery.steps: got 1 values, expected 30"),
        (("gallery", "steps", "steps", 0, "rows"), 2, "gallery.steps: got 784 values, expected 56"),
    ],
)
def test_the_line_names_the_place_and_what_is_expected(
    path: Path_, value: Any, expected: str, record: Any, tmp_path: Path
) -> None:
    (tmp_path / "run.json").write_text(json.dumps(changed(record, path, value)))
    with pytest.raises(RunError) as caught:
        journal.read(tmp_path)
    assert expected in str(caught.value)


def test_a_sample_without_its_numbers_is_not_ok() -> None:
    least = head(references=[reference()], samples=[result("a")])
    assert checked.consistent(least) == least
    with pytest.raises(CheckedError, match=r"samples\[0\]: got no epochs, test_accuracy"):
        checked.consistent(head(references=[reference()], samples=[result("a", status="ok")]))


def test_a_result_that_could_not_be_read_again_is_not_kept() -> None:
    checked.fit_to_keep("samples", result("a", reason="short"), head())
    many = {str(number): "1.0" for number in range(1000)}
    for wrong in (
        {"reason": "x" * 100_000},
        {"versions": many},
        {"versions": {"x": "1" * 10_000}},
        {"round": 3},
        {"peak_memory_bytes": float("nan")},
    ):
        with pytest.raises(CheckedError):
            checked.fit_to_keep("samples", result("a") | wrong, head())


def test_arrays_are_read_from_files_alone(tmp_path: Path) -> None:
    with pytest.raises(ArraysError, match="No such file"):
        arrays.read(tmp_path / "none.npz", 1000)
    with pytest.raises(ArraysError, match="found a pipe, folder or device"):
        arrays.read(tmp_path, 1000)
