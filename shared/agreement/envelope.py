"""Two networks in lock-step: how far apart they are after each step, and how far rounding alone would take them.

What rounding explains is measured on the float64 reference: its twins start one unit in the last place away from it,
and everything that a step rounds is rounded again at random, each step anew; training magnifies that as it would any
rounding. A difference that leaves this envelope is something else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import numpy as np

from shared.agreement import rounding
from shared.agreement.observation import INCONCLUSIVE, SPREAD, TWINS
from shared.initial import cast
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec

GRADIENTS: Final = "gradients"
PARAMETERS: Final = "parameters"


class Step(NamedTuple):
    """What a network did in one step."""

    gradients: Parameters
    """on the batch of the step, at the parameters before it"""
    parameters: Parameters
    """after it"""


@dataclass(frozen=True)
class Gap:
    """How far two networks are apart in one tensor, in one step."""

    step: int
    """from 1"""
    kind: str
    """"gradients" or "parameters", in the order in which a step computes them"""
    tensor: str
    difference: float
    """|A - B| / |reference|"""
    explained: float
    """what rounding explains of it"""

    @property
    def departs(self) -> bool:
        """Whether rounding does not explain it; a difference that is not a number is not explained."""
        return not self.difference <= self.explained

    @property
    def headroom(self) -> float:
        """How many times more rounding explains."""
        return self.explained / self.difference if self.difference != 0 else float("inf")


class Envelope:
    """The float64 reference and its twins, which take the steps of the two networks beside them.

    Parameters
    ----------
    network_class : the reference's, whose parameters and gradients are one vector each, `theta` and `g`.
    initial : what both networks start from.
    dtype : the coarser one of the two.
    """

    def __init__(
        self, network_class: Any, spec: NetworkSpec, training: TrainingSpec, initial: Parameters, dtype: str
    ) -> None:
        self._spec, self._dtype, self._u = spec, dtype, rounding.UNIT_ROUNDOFF[dtype]
        exact = cast(initial, "float64")
        self._reference, *self._twins = (network_class(spec, training, exact) for _ in range(1 + TWINS))
        self._generators = [np.random.default_rng(seed) for seed in range(TWINS)]
        for twin, generator in zip(self._twins, self._generators, strict=True):
            _round(twin, generator, 2 * self._u)
        self._grown: dict[str, float] = dict.fromkeys(exact, 0.0)
        self._grown_gradients = dict(self._grown)

    def step(self, x: Array, y: Labels) -> tuple[Step, Step]:
        """Take a step on a batch of float64; return what the reference did, and how far rounding may be off it.

        The latter holds an absolute L2 norm for each tensor, as an array of no dimension.
        """
        before = self._reference.parameters()
        with np.errstate(all="ignore"):  # what overflows is not explained
            rounded = rounding.gradients(rounding.trace(self._spec, before, x, y, self._dtype))
        _, gradients = self._reference.loss_and_gradients(x, y)
        self._reference.load(x, y)
        self._reference.train(np.arange(len(y)))
        after = self._reference.parameters()
        for twin, generator in zip(self._twins, self._generators, strict=True):
            twins_gradients = _take(twin, generator, x, y, rounded)
            _round(twin, generator, self._u)
            twins_parameters = twin.to_parameters(twin.theta)
            for name in after:
                _grow(self._grown_gradients, name, twins_gradients[name] - gradients[name])
                _grow(self._grown, name, twins_parameters[name] - after[name])
        bounds = {name: rounding.relative(*r) for name, r in rounded.items()}
        own = {name: 2 * bounds[name] * float(np.linalg.norm(g)) for name, g in gradients.items()}
        allowed = Step(
            {name: np.array(SPREAD * self._grown_gradients[name] + own[name]) for name in gradients},
            {name: np.array(SPREAD * self._grown[name]) for name in after},
        )
        return Step(gradients, after), allowed


def _take(
    twin: Any, generator: np.random.Generator, x: Array, y: Labels, rounded: Mapping[str, rounding.Rounded]
) -> Parameters:
    """Let a twin take a step with gradients that are rounded at random, element by element; return the exact ones.

    What an optimizer makes of rounding is its own: adam's first step is eta g / |g|, in which all of a g near 0 is
    rounding.
    """
    twin.gradients(x, twin.one_hot(y))
    exact: Parameters = twin.to_parameters(twin.g.copy())
    for name, g in twin.to_parameters(twin.g).items():
        g += np.sqrt(rounded[name].variance) * _signs(generator, g.shape)
    twin.optimizer.step(twin.g)
    return exact


def _round(twin: Any, generator: np.random.Generator, size: float) -> None:
    """Round a twin's parameters at random, each by `size` of itself."""
    for tensor in twin.to_parameters(twin.theta).values():
        tensor += size * np.abs(tensor) * _signs(generator, tensor.shape)


def _signs(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return -1 and 1 at random."""
    return 1.0 - 2 * generator.integers(0, 2, shape, dtype=np.int8)


def _grow(grown: dict[str, float], name: str, difference: Array) -> None:
    """Widen an envelope; it does not shrink, for rounding that has been magnified once may come back."""
    grown[name] = max(grown[name], float(np.linalg.norm(difference)))


def gaps(number: int, a: Step, b: Step, reference: Step, allowed: Step) -> list[Gap]:
    """Return how far two networks are apart in a step, tensor by tensor, gradients first."""
    found = []
    for kind, *of_kind in zip((GRADIENTS, PARAMETERS), a, b, reference, allowed, strict=True):
        for name in of_kind[2]:
            ours, theirs, exact, explained = (tensors[name].astype(np.float64) for tensors in of_kind)
            scale = float(np.linalg.norm(exact)) or 1.0
            difference = float(np.linalg.norm(ours - theirs)) / scale
            found.append(Gap(number, kind, name, difference, float(explained) / scale))
    return found


def conclusive(found: Sequence[Gap]) -> bool:
    """Return whether rounding explains so little that something else could be told from it."""
    return all(gap.explained <= INCONCLUSIVE for gap in found if gap.kind == PARAMETERS)


def checkpoints(steps: int) -> list[int]:
    """Return 1, 2, 5, 10, 20, 50, ... up to the last step."""
    found = [m * 10**e for e in range(len(str(steps))) for m in (1, 2, 5) if m * 10**e < steps]
    return [*found, steps]


class Departure(NamedTuple):
    """A quantity of a step that rounding does not explain."""

    kind: str
    """as `rounding.Quantity.kind`"""
    layer: int
    error: float
    bound: float

    @property
    def name(self) -> str:
        """Such as dW2."""
        return f"{self.kind}{self.layer}"


def first_departure(
    traced: Mapping[str, Array], exact: Mapping[rounding.Quantity, rounding.Rounded]
) -> Departure | None:
    """Return the first quantity of a step that rounding does not explain; None if it explains all that is known."""
    for quantity, (value, variance) in exact.items():
        if str(quantity) in traced:
            bound, norm = rounding.relative(value, variance), float(np.linalg.norm(value))
            error = float(np.linalg.norm(traced[str(quantity)] - value)) / (norm or 1.0)
            if not error <= bound:
                return Departure(*quantity, error, bound)
    return None
