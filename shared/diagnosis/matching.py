"""By numbers: the mistake, or the two, or the other network, that has the same tensors in all scenes."""

from dataclasses import replace
from functools import lru_cache
from itertools import combinations
from typing import Any, Final

import numpy as np

from shared.diagnosis.case import (
    GRADIENT_SCENES,
    OUTPUT_SCENES,
    Case,
    distance,
    gradients_in,
    reference_subject,
    tensors_of,
)
from shared.diagnosis.mistakes import GRADIENTS, MISTAKES, OUTPUTS, UPDATE, Mistake, behaviour
from shared.diagnosis.probe import Answers
from shared.diagnosis.scenes import ask, ask_all
from shared.interface import named
from shared.spec import ACTIVATIONS, LOSSES, NetworkSpec

ALIKE: Final = 1e-4
"""Two networks whose tensors are closer than this make the same mistake; float32 is 1e-6 off, other mistakes 1e-2."""
LEAST_DECAY: Final = 1e-8
"""Smaller multiples of the weights are rounding."""

STAGES: Final = {
    OUTPUTS: ("outputs", OUTPUT_SCENES),
    GRADIENTS: ("gradients", GRADIENT_SCENES),
    UPDATE: ("parameters", ("one step", "three batches")),
}
"""stage -> kind of the tensors that are compared, and the scenes that have them"""


@lru_cache(maxsize=8)
def catalogue(spec: NetworkSpec, stage: str) -> list[tuple[Mistake, Answers]]:
    """Return what every network of the catalogue answers in the scenes of a stage."""
    _, scenes = STAGES[stage]
    return [
        (mistake, ask_all(reference_subject(variant.network), spec, scenes))
        for mistake in MISTAKES.values()
        for variant in mistake.variants
        if variant.stage == stage
    ]


def nearest_mistake(case: Case, stage: str) -> Mistake | None:
    """Return the mistake whose numbers these are in all scenes, and not the reference's; None where there is none."""
    found = [(off, mistake) for mistake, theirs in catalogue(case.spec, stage) if (off := _off_by(case, theirs, stage))]
    best = min(found, key=lambda item: item[0], default=None)
    return best[1] if best else None


def nearest_two(case: Case) -> tuple[Mistake, Mistake] | None:
    """Return the two mistakes of different names that make these gradients together; None where there are none."""
    single = [(m, v.network) for m in MISTAKES.values() for v in m.variants if v.stage == GRADIENTS]
    _, scenes = STAGES[GRADIENTS]
    best: tuple[float, tuple[Mistake, Mistake]] | None = None
    for (one, a), (other, b) in combinations(single, 2):
        if one.name == other.name or issubclass(a, b) or issubclass(b, a):
            continue
        # each calls what it does not change of the other
        both = type("Both", (a, b), {})
        off = _off_by(case, ask_all(reference_subject(both), case.spec, scenes[:1]), GRADIENTS, scenes[:1])
        if off and (best is None or off < best[0]):
            off = _off_by(case, ask_all(reference_subject(both), case.spec, scenes), GRADIENTS)
            best = (off, (one, other)) if off else best
    return best[1] if best else None


def _off_by(case: Case, theirs: Answers, stage: str, scenes: tuple[str, ...] | None = None) -> float:
    """Return how far the case is off a broken network, at least a hair; 0 where it is another one."""
    off, apart, kind = 0.0, 0.0, STAGES[stage][0]
    for scene in scenes or STAGES[stage][1]:
        if scene not in case.answers or case.answers[scene].trouble or theirs[scene].trouble:
            continue
        found, expected, planted = (
            _moved(case, scene, tensors_of(answers[scene], kind))
            if stage == UPDATE
            else tensors_of(answers[scene], kind)
            for answers in (case.answers, case.expected, theirs)
        )
        off = max(off, distance(found, planted, expected))
        apart = max(apart, distance(planted, expected))
    return max(off, 1e-300) if off <= ALIKE * max(1.0, apart) < np.inf and apart > ALIKE else 0.0


def _moved(case: Case, scene: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Return how far the parameters have moved: beside their own size a step is small."""
    start = named(case.probes[scene].parameters())
    fits = parameters.keys() == start.keys() and all(np.shape(parameters[name]) == start[name].shape for name in start)
    return {name: parameters[name] - tensor for name, tensor in start.items()} if fits else {}


def accumulates_in_training(case: Case) -> bool:
    """Return whether the steps are those of gradients that are added up."""
    planted = ask_all(reference_subject(behaviour.Accumulates), case.spec, ("three batches",))
    return _off_by(case, planted, UPDATE, ("three batches",)) > 0


def doubled(case: Case) -> bool:
    """Return whether the second answer is the first one twice, or the first one and another's."""
    first, again = (case.answers[scene] for scene in ("first", "again"))
    if first.trouble or again.trouble:
        return False
    twice = {name: 2 * tensor for name, tensor in gradients_in(first).items()}
    return distance(gradients_in(again), twice) <= ALIKE


def another_network(case: Case) -> NetworkSpec | None:
    """Return the network of another activation or loss whose outputs and gradients these are; None if it is none."""
    probe, answer = case.probes["first"], case.answers["first"]
    for activation in ACTIVATIONS:
        for loss in LOSSES:
            spec = NetworkSpec(case.spec.sizes, activation, loss)
            theirs = ask(reference_subject(), "first", replace(probe, spec=spec))
            kinds = ("outputs", "gradients")
            same = all(distance(tensors_of(answer, kind), tensors_of(theirs, kind)) <= ALIKE for kind in kinds)
            if same and spec != case.spec:
                return spec
    return None


def weight_decay(case: Case) -> float | None:
    """Return the factor with which the weights stand in their gradients; None where nothing else explains them."""
    found, expected = (gradients_in(answers["first"]) for answers in (case.answers, case.expected))
    weights = named(case.probes["first"].parameters())
    added = {name: found[name] - tensor for name, tensor in expected.items()}
    W = weights["W1"]
    factor = float(np.vdot(added["dW1"], W) / np.vdot(W, W))
    decayed = {f"d{name}": factor * tensor * (name[0] == "W") for name, tensor in weights.items()}
    return factor if abs(factor) > LEAST_DECAY and distance(added, decayed) <= ALIKE else None
