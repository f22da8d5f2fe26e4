"""Find the mistake, the two mistakes, or the other network with the same tensors in all scenes."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise, permutations, product
from typing import Final, NamedTuple

import numpy as np

from impls.numpy_scratch import Network as Reference
from shared.diagnosis.answers import GRADIENTS, OUTPUTS, PARAMETERS, Answers, Tensors, comparable
from shared.diagnosis.comparison import SCENES_OF, Comparison, distance
from shared.diagnosis.limit import require_time
from shared.diagnosis.mistakes import MISTAKES, Mistake, Planted, behaviour
from shared.diagnosis.scenes import ask, ask_all
from shared.diagnosis.subject import Subject
from shared.layers import ACTIVATIONS, with_activation
from shared.spec import LOSSES, OUTPUT_ACTIVATIONS, NetworkSpec

ALIKE: Final = 1e-4
"""Two networks with a smaller distance make the same mistake; float32 has errors of 1e-6, other mistakes of 1e-2."""
LEAST_DECAY: Final = 1e-8
"""Smaller multiples of the weights are considered rounding."""
SQUARE: Final = ("square", "all square")
SMALLEST_FIRST: Final = ("all square", "square", "first")


class Known(NamedTuple):
    """A network of the catalogue, and its answers."""

    mistake: Mistake
    network: type[Planted]
    answers: Answers


def catalogue(c: Comparison, kind: str) -> Iterator[Known]:
    """Yield the networks of the catalogue with wrong tensors of a kind, with their answers."""
    for mistake in MISTAKES.values():
        for variant in mistake.variants:
            require_time()
            if variant.wrong == kind and variant.fits(c.spec):
                answers = _answers(variant.network, c.spec, kind)  # type: ignore[arg-type] # mypy: a class is not hashable
                yield Known(mistake, variant.network, answers)


@lru_cache(maxsize=500)
def _answers(network: type[Planted], spec: NetworkSpec, kind: str) -> Answers:
    """Return the answers of a network of the catalogue; they are kept."""
    return ask_all(Subject(network), spec, SCENES_OF[kind])


def nearest_mistake(c: Comparison, kind: str, scenes: Sequence[str] = ()) -> Mistake | None:
    """Return the mistake that has these numbers in all scenes, or in the given ones; None if there is none."""
    found = []
    with c.in_time():
        for known in catalogue(c, kind):
            if off := _off_by(c, known.answers, kind, scenes):
                found.append((off, known.mistake))
    best = min(found, key=lambda item: item[0], default=None)
    return best[1] if best else None


def nearest_two(c: Comparison) -> tuple[Mistake, Mistake] | None:
    """Return the two different mistakes that together give these gradients; None if there are none.

    The first network of a pair calls the second for what it does not change, so both orders are tried. There are about
    a thousand pairs, so the scene with the smallest layers comes first.
    """
    quick = next((scene for scene in SMALLEST_FIRST if not c.answers[scene].trouble), None)
    if quick is None:
        return None
    best: tuple[float, tuple[Mistake, Mistake]] | None = None
    with c.in_time():
        for one, other in permutations(_distinct(c), 2):
            if one.mistake is other.mistake or issubclass(one.network, other.network):
                continue
            if issubclass(other.network, one.network):
                continue
            both = Subject(type("Both", (one.network, other.network), {}))
            if _off_by(c, {quick: ask(both, quick, c.inputs[quick])}, GRADIENTS, [quick]):
                off = _off_by(c, ask_all(both, c.spec, SCENES_OF[GRADIENTS]), GRADIENTS)
                if off and (best is None or off < best[0]):
                    best = (off, (one.mistake, other.mistake))
    return best[1] if best else None


def _distinct(c: Comparison) -> list[Known]:
    """Return the networks of the catalogue whose gradients differ from those of the reference."""
    return [known for known in catalogue(c, GRADIENTS) if _apart(c, known.answers, GRADIENTS) > ALIKE]


def _apart(c: Comparison, theirs: Answers, kind: str) -> float:
    """Return the distance of a wrong network from the reference."""
    asked = [scene for scene, answer in theirs.items() if not answer.trouble]
    return max((distance(theirs[scene].tensors(kind), c.expected[scene].tensors(kind)) for scene in asked), default=0.0)


def _off_by(c: Comparison, theirs: Answers, kind: str, scenes: Sequence[str] = ()) -> float:
    """Return the distance of the network from a wrong one, at least 1e-300; 0 if they are different."""
    off, apart = 0.0, 0.0
    for scene in scenes or SCENES_OF[kind]:
        if scene not in c.answers or c.answers[scene].trouble or theirs[scene].trouble:
            continue
        found, expected, planted = (
            _moved(c, scene, answers[scene].tensors(kind)) if kind == PARAMETERS else answers[scene].tensors(kind)
            for answers in (c.answers, c.expected, theirs)
        )
        off = max(off, distance(found, planted, expected))
        apart = max(apart, distance(planted, expected))
    return max(off, 1e-300) if off <= ALIKE * max(1.0, apart) < np.inf and apart > ALIKE else 0.0


def _moved(c: Comparison, scene: str, parameters: Tensors) -> Tensors:
    """Return the change of the parameters, since a step is small relative to the parameters themselves."""
    start = c.inputs[scene].parameters()
    fits = parameters.keys() == start.keys() and all(np.shape(parameters[name]) == start[name].shape for name in start)
    return {name: parameters[name] - tensor for name, tensor in start.items()} if fits else {}


def accumulates_in_training(c: Comparison) -> bool:
    """Return whether the steps are those of accumulated gradients."""
    planted: Answers = {}
    with c.in_time():
        planted = ask_all(Subject(behaviour.Accumulates), c.spec, ("three batches",))
    return bool(planted) and _off_by(c, planted, PARAMETERS, ("three batches",)) > 0


def accumulates(c: Comparison) -> bool:
    """Return whether the gradients grow by the same amount with each call."""
    answer = c.answers["again"]
    if answer.trouble:
        return False
    asked = [comparable(gradients) for gradients in (*answer.earlier, answer.gradients)]
    before, after = (
        {name: later[name] - tensor for name, tensor in earlier.items()} for earlier, later in pairwise(asked)
    )
    return any(map(np.any, before.values())) and distance(after, before) <= ALIKE


def another_network(c: Comparison) -> NetworkSpec | None:
    """Return the network with other activations or another loss that has these outputs and gradients in all scenes."""
    scenes = [scene for scene in SCENES_OF[OUTPUTS] if not c.answers[scene].trouble]
    with c.in_time():
        for spec in dict.fromkeys(_others(c.spec)):
            if spec != c.spec and all(_is_same(c, scene, spec) for scene in scenes):
                return spec
    return None


def _is_same(c: Comparison, scene: str, spec: NetworkSpec) -> bool:
    """Return whether the answers in a scene are those of the network with the activations and the loss of `spec`."""
    inputs, answer = c.inputs[scene], c.answers[scene]
    layers = zip(inputs.spec.layers, spec.layers, strict=True)
    alike = tuple(with_activation(layer, other.activation) for layer, other in layers)
    theirs = ask(Subject(Reference), "first", replace(inputs, spec=replace(inputs.spec, layers=alike, loss=spec.loss)))
    return all(distance(answer.tensors(kind), theirs.tensors(kind)) <= ALIKE for kind in (OUTPUTS, GRADIENTS))


def _others(spec: NetworkSpec) -> Iterator[NetworkSpec]:
    """Yield networks with one activation in the hidden layers, first those that also have it at the output."""
    *hidden, last = spec.layers
    choices = product(ACTIVATIONS, ACTIVATIONS, LOSSES)
    for inner, outer, loss in sorted(choices, key=lambda choice: choice[0] != choice[1]):
        output = with_activation(last, OUTPUT_ACTIVATIONS.get(loss, outer))
        yield replace(spec, layers=(*(with_activation(layer, inner) for layer in hidden), output), loss=loss)


def weight_decay(c: Comparison) -> float | None:
    """Return the multiple of the weights that is added to their gradients; None if there is another difference."""
    found, expected = c.both("first", GRADIENTS)
    weights = c.inputs["first"].parameters()
    added = {name: found[name] - tensor for name, tensor in expected.items()}
    first = next(name for name in weights if name[0] == "W")
    factor = float(np.vdot(added[f"d{first}"], weights[first]) / np.vdot(weights[first], weights[first]))
    decayed = {f"d{name}": factor * tensor * (name[0] == "W") for name, tensor in weights.items()}
    return factor if abs(factor) > LEAST_DECAY and distance(added, decayed) <= ALIKE else None
