"""JSON that is read from a file: its types are those of the schema, and its values do not contradict each other."""

import base64
import json
import math
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final, cast, get_args

import msgspec

from shared.boundary import read_bytes, safe
from shared.errors import SpecError
from shared.implementations import REFERENCE_LABEL
from shared.record.schema import (
    BUDGET,
    COMPLETE,
    ERROR,
    INTERRUPTED,
    OK,
    AgreementStage,
    Kind,
    Record,
    Reference,
    Sample,
    StepPart,
    Turns,
)
from shared.spec import NetworkSpec, TrainingSpec

LONGEST: Final = 1 << 30
"""Bytes of a record."""
LONGEST_RESULT: Final = 1 << 26
"""Bytes of the result of a worker."""
PIXELS: Final = 28 * 28
KINDS_OF_RESULTS: Final[dict[Kind, Any]] = {"references": Reference, "samples": Sample, "turns": Turns}


class CheckedError(ValueError):
    """A file, or a value in it, is not what was expected; the message says what, what it is, and what was expected."""


# ---- JSON -----------------------------------------------------------------------------------------------


def json_of(path: Path, kind: Any) -> Any:
    """Return the result in a file of JSON, as a type of the schema; OSError or CheckedError."""
    return decoded(read_bytes(path, LONGEST_RESULT), kind)


def decoded(content: bytes, kind: Any) -> Any:
    """Return JSON as a type of the schema; keys that the schema does not have are left out.

    Raises
    ------
    CheckedError
        If it is no JSON, or has another type or range; the message says where.
    """
    try:
        return _decoder(kind).decode(content)
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        message = str(error)[:500]
        raise CheckedError(message if message.startswith("JSON") else message[:1].lower() + message[1:]) from None


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


# ---- Records --------------------------------------------------------------------------------------------


def consistent(record: Record) -> Record:
    """Return a record whose values fit each other; CheckedError for the first that contradicts another."""
    spec = _network(record)
    names, sizes = record["implementations"], record["dataset"]["sizes"]
    expect("implementations", names, "different names", fits=len(set(names)) == len(names))
    expect("baseline", record["baseline"], f"one of {', '.join(names)}", fits=record["baseline"] in names)
    ends = (None, COMPLETE, BUDGET, INTERRUPTED)
    fits = record["ended"] in ends or str(record["ended"]).startswith(ERROR)
    expect("ended", record["ended"], f"null, {COMPLETE}, {BUDGET}, {INTERRUPTED} or {ERROR}...", fits=fits)
    schedule = record.get("schedule", [])
    fits = len(schedule) <= record["rounds"] and all(sorted(each) == sorted(names) for each in schedule)
    expect("schedule", schedule, "each implementation once in each round", fits=fits)
    sources = record.get("sources", {})
    for name, source in sources.items():
        expect(f"sources.{name}.base", source["base"], "null or a source", fits=source["base"] in (None, *sources))
    for i, reference in enumerate(record["references"]):
        _reference(f"references[{i}]", reference, record, spec)
    for i, sample in enumerate(record["samples"]):
        _sample(f"samples[{i}]", sample, record, spec)
    for i, turns in enumerate(record.setdefault("turns", [])):
        _turns(f"turns[{i}]", turns, record, spec)
    for kind in KINDS_OF_RESULTS:
        who = [(each["implementation"], each["round"]) for each in record[kind]]
        expect(kind, kind, "one result for each implementation and round", fits=len(set(who)) == len(who))
    rounds = {reference["round"] for reference in record["references"]}
    fits = all(sample["round"] in rounds for sample in record["samples"] if sample["status"] == OK)
    expect("references", sorted(rounds), "one for each round of the samples", fits=fits)
    if "gallery" in record:
        _gallery(record, spec, sizes[2])
    return record


def _network(record: Record) -> NetworkSpec:
    title, part = record["network"]["title"], record["network"]
    try:
        spec = NetworkSpec.parse(title)
        fields: dict[str, Any] = {name: value for name, value in record["training"].items() if name != "title"}
        training = TrainingSpec(**fields)
    except (SpecError, TypeError) as error:
        raise CheckedError(str(error)) from None
    follows = [list(spec.sizes), spec.loss, spec.parameter_count]
    got = [part["sizes"], part["loss"], part["parameter_count"]]
    expect("network", got, f"{follows}, which follow from {title}", fits=got == follows)
    named = record["training"]["title"]
    expect("training.title", named, str(training), fits=named == str(training))
    return spec


def _reference(where: str, reference: Reference, record: Record, spec: NetworkSpec) -> None:
    name, round_ = reference["implementation"], reference["round"]
    expect(f"{where}.implementation", name, REFERENCE_LABEL, fits=name == REFERENCE_LABEL)
    expect(f"{where}.round", round_, f"at most {record['rounds']}", fits=round_ <= record["rounds"])
    if reference["status"] == OK:
        explained(where, reference, spec)


def fit_to_keep(kind: Kind, result: Mapping[str, Any], record: Record) -> None:
    """Raise CheckedError for a result with which the record could not be read again."""
    try:
        again = decoded(json.dumps(result, allow_nan=False).encode(), KINDS_OF_RESULTS[kind])
    except (TypeError, ValueError) as error:
        raise CheckedError(str(error)) from None
    check = {"references": _reference, "samples": _sample, "turns": _turns}[kind]
    check(kind, again, record, NetworkSpec.parse(record["network"]["title"]))


def explained(where: str, reference: Reference, spec: NetworkSpec) -> None:
    """Check what the reference of a network says that rounding explains."""
    for key, known in (("allowed", set(get_args(AgreementStage))), ("bounds", {*spec.parameter_shapes})):
        found = cast(Mapping[str, Any], reference.get(key, {}))
        names = {name.removeprefix("d") for name in found} if key == "bounds" else set(found)
        expect(f"{where}.{key}", sorted(found), ", ".join(known), fits=names == known)
    expect(f"{where}.limit_seconds", reference.get("limit_seconds"), "a time", fits="limit_seconds" in reference)
    _path(f"{where}.path", reference.get("path", []), spec)


def _whose(where: str, result: Sample | Turns, record: Record) -> None:
    names, name, round_ = record["implementations"], result["implementation"], result["round"]
    expect(f"{where}.implementation", name, f"one of {', '.join(names)}", fits=name in names)
    expect(f"{where}.round", round_, f"at most {record['rounds']}", fits=round_ <= record["rounds"])


def _turns(where: str, turns: Turns, record: Record, _: NetworkSpec) -> None:
    _whose(where, turns, record)
    if turns["status"] != OK:
        return
    needed = ("steps", "baseline_steps", "call_share", "clock", "share", "baseline_share", "blocks", "gaps")
    missing = [key for key in needed if key not in turns]
    expect(where, f"no {', '.join(missing)}", "all that turns with the status ok have", fits=not missing)
    own, gaps = turns["blocks"], turns["gaps"]
    layouts = turns.get("layouts", 1)
    expect(f"{where}.layouts", layouts, f"a divisor of {len(own)}, the blocks", fits=len(own) % layouts == 0)
    more = f"{len(own) + layouts}, one more than blocks in each layout"
    expect(f"{where}.gaps", len(gaps), more, fits=len(gaps) == len(own) + layouts)
    fits = all(wall > 0 for block in (own, *gaps) for wall, _ in block)
    expect(f"{where}.blocks", 0, "times above 0", fits=fits)


def _sample(where: str, sample: Sample, record: Record, spec: NetworkSpec) -> None:
    names, tests = record["implementations"], record["dataset"]["sizes"][2]
    _whose(where, sample, record)
    if sample["status"] == OK:
        needed = ("epochs", "test_accuracy", "predictions", "noise", "errors", "steps_per_epoch", "examples_per_epoch")
        missing = [key for key in (*needed, "wall_seconds", "seconds", "finite") if key not in sample]
        expect(where, f"no {', '.join(missing)}", "all that a sample with the status ok has", fits=not missing)
    if "predictions" in sample:
        n = len(sample["predictions"])
        expect(f"{where}.predictions", f"{n:,} digits", f"{tests:,}", fits=n == tests)
    for other, of_stage in sample.get("pairs", {}).items():
        fits = other in names and set(of_stage) == set(get_args(AgreementStage))
        expect(f"{where}.pairs", other, f"one of {', '.join(names)}, in every stage", fits=fits)
    measured(where, sample, spec, record["training"]["epochs"])


def measured(where: str, sample: Sample, spec: NetworkSpec, epochs: int) -> None:
    """Check what a sample of a network says about its epochs, errors and path."""
    if "epochs" in sample:
        numbers = [epoch["epoch"] for epoch in sample["epochs"]]
        expect(f"{where}.epochs", numbers, f"1 to {epochs}", fits=numbers == list(range(1, epochs + 1)))
    tensors = {*spec.parameter_shapes, "a_L", "C"}
    for stage, of_stage in sample.get("errors", {}).items():
        strange = sorted(set(of_stage) - tensors)
        expect(f"{where}.errors.{stage}", strange, ", ".join(tensors), fits=not strange)
    _path(f"{where}.path", sample.get("path", []), spec)


def _path(where: str, path: Iterable[Mapping[str, Any]], spec: NetworkSpec) -> None:
    for point in path:
        fits = set(point["values"]) == set(spec.parameter_shapes)
        expect(where, sorted(point["values"]), ", ".join(spec.parameter_shapes), fits=fits)


def _gallery(record: Record, spec: NetworkSpec, tests: int) -> None:
    gallery = record["gallery"]
    n = len(gallery["labels"])
    expect("gallery.labels", f"{n:,} digits", f"{tests:,}", fits=n == tests)
    for image in (*gallery["hard"], *gallery["split"]):
        expect("gallery", image["index"], f"an index below {tests:,}", fits=image["index"] < tests)
        size = _bytes("gallery.pixels", image["pixels"])
        expect("gallery.pixels", f"{size:,} bytes", f"{PIXELS}", fits=size == PIXELS)
        lengths = {len(values) for values in image["activations"].values()}
        expect("gallery.activations", lengths, f"{spec.n_out} for each", fits=lengths <= {spec.n_out})
    for name, weights in gallery["weights"].items():
        size, rows = _bytes(f"gallery.weights.{name}", weights["levels"]), weights["neurons"]
        fits = size >= rows and size % rows == 0
        expect(f"gallery.weights.{name}", f"{size:,} bytes", f"a multiple of {rows}, its neurons", fits=fits)
    for layer in gallery["maps"]["layers"] if "maps" in gallery else ():
        size, whole = _bytes("gallery.maps", layer["levels"]), math.prod(layer["shape"])
        expect("gallery.maps", f"{size:,} bytes", f"{whole:,}, the product of its shape", fits=size == whole)
    if "steps" in gallery:
        _steps(gallery["steps"]["steps"], spec)


def _steps(steps: list[StepPart], spec: NetworkSpec) -> None:
    """Check that the quantities are those of a forward and a backward pass of this network."""
    shapes: dict[str, list[int]] = {"a0": [28, 28]}
    for l, size in enumerate(spec.sizes[1:], 1):
        shapes |= {f"{kind}{l}": [size] for kind in "za"}
    shapes["C"] = [1]
    for l, size in reversed(list(enumerate(spec.sizes[1:], 1))):
        shapes[f"d{l}"] = [size]
        shapes |= {
            f"d{n}{l}": list(spec.parameter_shapes[f"{n}{l}"]) for n in "Wb" if f"{n}{l}" in spec.parameter_shapes
        }
    shapes["C after"] = [1]
    got = {step["quantity"]: step["shape"] for step in steps}
    expect("gallery.steps", got, shapes, fits=got == shapes and list(got) == list(shapes) and len(steps) == len(got))
    for step in steps:
        whole = math.prod(step["shape"]) if len(step["shape"]) == 1 else step.get("rows", 0) * step["shape"][1]
        size = len(step["values"]) if len(step["shape"]) == 1 else _bytes("gallery.steps", step.get("levels", ""))
        expect("gallery.steps", f"{size:,} values", f"{whole:,}, the product of its shape", fits=size == whole)


def _bytes(where: str, text: str) -> int:
    """Return how many bytes base64 stands for; CheckedError if it cannot be decoded."""
    try:
        return len(base64.b64decode(text, validate=True))
    except ValueError as error:
        raise CheckedError(f"{where}: {error}, expected base64") from None


def expect(where: str, got: object, expected: object, *, fits: bool) -> None:
    """Raise CheckedError, with what was got and what is expected, where a value does not fit."""
    if not fits:
        shown = safe(" ".join(got.split())) if isinstance(got, str) else repr(got)
        raise CheckedError(f"{where}: got {shown[:100]}, expected {str(expected)[:200]}")
