"""Read a worker's result, and check that it is plausible; one that is not does not count as a result."""

from typing import Any, Final, cast

from shared.measure.job import Job
from shared.record import checked
from shared.record.checked import expect
from shared.record.schema import DISAGREES, NOT_AVAILABLE, OK, Reference, Sample, Timed

FASTER: Final = 4
"""So many times faster than the limit may be the noise of both measurements, and a better library; more is not."""
SLOWER, SLACK_SECONDS = 2, 1.0
"""What the parent's clock may show more: it looks every few hundredths of a second, on a machine that may be busy."""
STATUSES: Final = (OK, NOT_AVAILABLE, DISAGREES)
"""The statuses that a worker itself can report; the parent determines the others."""


def read_result(job: Job, wall: float) -> dict[str, Any]:
    """Return the result that the worker of a job has written; it lived for `wall` seconds.

    Raises
    ------
    OSError, ValueError
        If there is none, or if this worker cannot have produced it; the message says what was found and expected.
    """
    result = cast(dict[str, Any], checked.json_of(job.result_path, Reference if job.is_reference else Sample))
    for name, value in job.head.items():
        expect(name, repr(result.get(name)), repr(value), fits=result.get(name) == value)
    status, seconds = result["status"], result.get("seconds", {})
    expect("status", repr(status), f"one of {', '.join(STATUSES)}", fits=status in STATUSES)
    fits = bool(seconds) and all(s >= 0 for s in seconds.values())
    expect("seconds", seconds, "the duration of each stage", fits=fits)
    expect("seconds", sum(seconds.values()), f"at most {wall:.3f}, its lifetime", fits=sum(seconds.values()) <= wall)
    if status == NOT_AVAILABLE:
        return result
    expect("digests", result.get("digests"), "an object", fits="digests" in result)
    if job.is_reference:
        checked.explained("result", cast(Reference, result), job.spec)
    else:
        checked.measured("result", cast(Sample, result), job.spec, job.training.epochs)
        if status == OK:
            _verify_timed(result, seconds.get("epochs", 0.0))
    return result


def _verify_timed(result: dict[str, Any], longest: float) -> None:
    """Refuse epochs that do not fit into a stage "epochs" of `longest` seconds."""
    missing = [name for name in ("epochs", *Timed.__annotations__) if name not in result]
    expect("result", f"no {', '.join(missing)}", "all that a timed worker says", fits=not missing)
    total = sum(epoch["wall_ns"] for epoch in result["epochs"]) / 1e9
    expect("epochs", total, f"above 0 and at most {longest:.3f} s, the time of their stage", fits=0 < total <= longest)


def implausible(result: Sample, limit: float, seen: float) -> str | None:
    """Return why the epochs of a sample cannot have taken the time that its worker says; None if they can.

    Parameters
    ----------
    limit : CPU seconds of the matrix products of an epoch alone, on this machine, by the reference of the round.
    seen : seconds that the worker spent in its epochs, at least, by the clock of this process.
    """
    fastest = min(epoch["wall_ns"] for epoch in result["epochs"]) / 1e9
    if fastest < limit / FASTER:
        return f"an epoch in {fastest:.2g} s, where its matrix products alone take {limit:.2g} s on this machine"
    said = result["seconds"]["epochs"]
    if said < seen / SLOWER - SLACK_SECONDS:
        return f"epochs in {said:.2g} s by its own clock, and in {seen:.2g} s by the clock of the parent"
    return None
