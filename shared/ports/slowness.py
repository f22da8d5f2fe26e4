"""Why a user's own file is slow, in words, from what was measured of its steps and its outputs."""

import math
from collections.abc import Sequence
from typing import Final

from shared.measure import stacks
from shared.measure.stacks import Spent
from shared.ports.timing import LARGER, Timing

LEAST: Final = 0.1
"""Share of the time that is worth a line."""
LEAST_TRACES: Final = 0.5
"""Traces of each step that are not those of the first calls."""
MOST_LINES: Final = 3
MANY: Final = 3.0
"""Operations of a step beyond which it is not one call."""
CALLS: Final = 3.0
"""A step with `LARGER` times the examples that takes less than this many times as long is not arithmetic."""
APART: Final = 20.0
"""So many later steps, and `APART_SECONDS`, are a first step that is to be timed apart."""
APART_SECONDS: Final = 0.05
SLOW_IMAGE: Final = 0.01
FASTER, FASTER_OUTPUTS = 1.5, 3.0
"""Of another that is worth a line: steps are timed in turns, outputs are not."""
REMEDIES: Final = {
    stacks.LOADER: "it makes and collates one tensor an image; index the tensor instead",
    stacks.TRACING: "make the compiled function once, and give it tensors of one shape, not Python numbers",
}


def figures(timing: Timing) -> str:
    """Return what a step and the outputs take."""
    how = f" ({timing.how})" if timing.how else ""
    step = f"a step of {timing.batch} takes {seconds(timing.step)}{how}"
    outputs = f"outputs: {seconds(timing.image)} for one image, {seconds(timing.images)} an image in {timing.many:,}"
    return f"{step}; {outputs}"


def seconds(value: float) -> str:
    """Return a time with three digits and a unit."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def reasons(timing: Timing) -> list[str]:
    """Return why it takes so long, the reasons that cost most first; then the lines that take the time."""
    said = [*_threads(timing), *_parts(timing), *_operations(timing), *_outputs(timing)]
    if timing.first > max(APART * timing.step, APART_SECONDS):
        said.append(
            f"the first step takes {seconds(timing.first)}, {timing.first / timing.step:,.0f} times a later one: "
            "something is traced, compiled or allocated; time it apart"
        )
    return [*said, *_lines(timing.shares)]


def _threads(timing: Timing) -> list[str]:
    if not timing.threads:
        if timing.busy > timing.asked:
            return [f"threads: asked for {timing.asked}, used {timing.busy:.1f} CPU seconds per second"]
        return []
    most = max(timing.threads.values())
    pools = ", ".join(timing.threads)
    text = f"threads: asked for {timing.asked}, ran {most} ({pools})"
    times = [f"{seconds(each)} with {n}" for n, each in sorted(timing.by_threads.items())]
    return [f"{text}; a step takes {' and '.join(times)}" if times else text]


def _parts(timing: Timing) -> list[str]:
    """Return the parts of a library that should not take the time."""
    found = []
    traced = [spent for spent in timing.shares if spent.part == stacks.TRACING]
    if timing.traces >= LEAST_TRACES:
        share = f", {sum(spent.share for spent in traced):.0%} of the time" if traced else ""
        where = _where(next(iter([*traced, *timing.shares]), None))
        found.append(f"retraced at every call: {timing.traces:.0f} a step{share}{where}: {REMEDIES[stacks.TRACING]}")
    if loaded := [spent for spent in timing.shares if spent.part == stacks.LOADER]:
        share_ = sum(spent.share for spent in loaded)
        if share_ >= LEAST:
            found.append(f"{share_:.0%} in {stacks.LOADER}{_where(loaded[0])}: {REMEDIES[stacks.LOADER]}")
    return found


def _operations(timing: Timing) -> list[str]:
    """Return whether calls take the time, not arithmetic, and which."""
    found = []
    larger = timing.larger / timing.step
    is_calls = math.isfinite(larger) and larger < CALLS and not timing.threads
    eager = sum(spent.share for spent in timing.shares if spent.part == stacks.EAGER)
    n = timing.operations or 0.0
    if timing.framework == "tensorflow" and n > MANY:
        found.append(f"eager: {n:,.0f} operations a step, each called from Python; tf.function makes them one call")
    elif timing.framework == "jax" and eager > LEAST:
        found.append(f"eager: {eager:.0%} of the time goes to operations one by one; jax.jit makes them one call")
    elif timing.framework == "torch" and n > MANY and not timing.compiled:
        found.append(f"not compiled: {n:,.0f} dispatches a step")
    loaded = sum(spent.share for spent in timing.shares if spent.part == stacks.LOADER)
    if timing.one_by_one and loaded < LEAST:  # a loader takes images one by one, and is named itself
        found.append(
            "one example at a time: Python runs through the examples of a step; compute the batch as one matrix"
        )
    elif is_calls:
        of = "batch of 1: " if timing.batch == 1 else ""
        times = f"{max(larger, 1):.2g}"
        longer = "take no longer" if times == "1" else f"take {times} times as long"
        found.append(f"{of}calls, not arithmetic: {LARGER} times the examples in a step {longer}")
    return found


def _outputs(timing: Timing) -> list[str]:
    """Return why outputs take long."""
    by_predict = next((spent for spent in timing.where if spent.part == stacks.PREDICT), None)
    calls = "`model.predict` once an image" if by_predict else "outputs one image at a time"
    where = _where(by_predict or (timing.where[0] if timing.where else None))
    remedy = "give it all images in one call, or call model(x)" if by_predict else "compute all images as one matrix"
    if timing.singly:
        return [f"{calls}{where}: {seconds(timing.images)} for each of {timing.many:,}; {remedy}"]
    if by_predict and timing.image > SLOW_IMAGE:
        factor = timing.image / timing.images
        one = f"{seconds(timing.image)} for one image, {factor:,.0f} times an image in a batch of {timing.many:,}"
        return [f"`model.predict`{where}: {one}; call model(x) for few images"]
    return []


def _where(spent: Spent | None) -> str:
    return f" (line {spent.line})" if spent is not None and spent.line else ""


def _lines(shares: Sequence[Spent]) -> list[str]:
    """Return the lines that take most of the time, as far as they were not named before."""
    known = (*REMEDIES, stacks.EAGER)
    found = [spent for spent in shares if spent.share >= LEAST and spent.part not in known and spent.line]
    return [
        f"{spent.share:.0%} in {spent.part} (line {spent.line})" if spent.part
        else f"{spent.share:.0%} in line {spent.line}: {spent.text}"
        for spent in found[:MOST_LINES]
    ]  # fmt: skip


def beside(name: str, timing: Timing, other: str, theirs: Timing, how: str = "") -> list[str]:
    """Return how much faster another one is, in a step and in outputs; [] if it is not."""
    found = []
    same = timing.batch == theirs.batch
    if same and timing.step > FASTER * theirs.step:
        found.append(f"a step takes {timing.step / theirs.step:.2g} times as long")
    if timing.image > FASTER_OUTPUTS * theirs.image:
        found.append(f"one image {timing.image / theirs.image:,.2g} times")
    if timing.images > FASTER_OUTPUTS * theirs.images:
        found.append(f"an image among many {timing.images / theirs.images:,.2g} times")
    return [f"{name} beside {other}{how}: {', '.join(found)}"] if found else []
