"""Check that a worker's result is plausible; one that is not does not count as a result."""

from types import UnionType
from typing import Any, Final, get_args, get_origin, is_typeddict

from shared.measure.job import Job
from shared.record.schema import DISAGREES, NOT_AVAILABLE, OK, FirstRound, Timed

STATUSES: Final = (OK, NOT_AVAILABLE, DISAGREES)
"""The statuses that a worker itself can report; the parent determines the others."""


def verify(result: Any, job: Job, wall: float) -> None:
    """Refuse a result that the worker of this job cannot have produced within `wall` seconds.

    Raises
    ------
    ValueError
        If it is not plausible; the message says what was found and what was expected.
    """
    _expect("result", result, "an object", fits=isinstance(result, dict))
    for name, value in job.head.items():
        _expect(name, result.get(name), repr(value), fits=result.get(name) == value)
    status, seconds = result.get("status"), result.get("seconds")
    _expect("status", status, f"one of {', '.join(STATUSES)}", fits=status in STATUSES)
    fits = isinstance(seconds, dict) and all(isinstance(s, float) and s >= 0 for s in seconds.values())
    _expect("seconds", seconds, "the duration of each stage", fits=fits)
    _expect("seconds", sum(seconds.values()), f"at most {wall:.3f}, its lifetime", fits=sum(seconds.values()) <= wall)
    memory = result.get("peak_memory_bytes")
    fits = memory is None or (isinstance(memory, int) and memory > 0)
    _expect("peak_memory_bytes", memory, "a whole number, or null", fits=fits)
    if status == NOT_AVAILABLE:
        return
    for name in ("digests", *(["allowed", "bounds"] if job.is_reference else [])):
        _expect(name, result.get(name), "an object", fits=isinstance(result.get(name), dict))
    if status == OK and not job.is_reference:
        _verify_timed(result, job, seconds.get("epochs", 0.0))


def _verify_timed(result: dict[str, Any], job: Job, longest: float) -> None:
    """Refuse epochs that do not fit into a stage "epochs" of `longest` seconds."""
    objects = isinstance(result.get("epochs"), list) and all(isinstance(e, dict) for e in result["epochs"])
    _expect("epochs", result.get("epochs"), "a list of objects", fits=objects)
    for name, kind in _kinds(Timed).items():
        _expect(name, result.get(name, "nothing"), f"{kind}", fits=isinstance(result.get(name, Ellipsis), kind))
    for name, kind in _kinds(FirstRound).items():
        _expect(name, result.get(name), f"{kind}", fits=name not in result or isinstance(result[name], kind))
    clocks = [epoch.get(clock) for epoch in result["epochs"] for clock in ("wall_ns", "cpu_ns")]
    whole = len(clocks) == 2 * job.training.epochs and all(isinstance(ns, int) and ns >= 0 for ns in clocks)
    _expect("epochs", clocks, f"{job.training.epochs} durations", fits=whole)
    total = sum(clocks[::2]) / 1e9
    _expect("epochs", total, f"above 0 and at most {longest:.3f} s, the time of their stage", fits=0 < total <= longest)


def _expect(name: str, got: object, expected: object, *, fits: bool) -> None:
    if not fits:
        raise ValueError(f"{name}: got {got!r:.60}, expected {expected}")


def _kinds(part: type) -> dict[str, tuple[type, ...]]:
    """Return the types that each key of a part of the schema may have in JSON."""

    def kind(hint: Any) -> type:
        plain = get_origin(hint) or hint
        return dict if is_typeddict(plain) else plain

    return {
        name: tuple(map(kind, get_args(hint) if isinstance(hint, UnionType) else [hint]))
        for name, hint in part.__annotations__.items()
    }
