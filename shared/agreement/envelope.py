"""Two networks in lock-step: their difference after each step, and the difference that rounding alone explains.

What rounding explains is measured on the float64 reference. Its twins start one unit in the last place away from it,
and in each step everything that a step rounds is rounded at random. Training magnifies these differences as it does any
rounding. A difference outside this envelope is not rounding.
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
    """What a network computed in one step."""

    gradients: Parameters
    """on the batch of the step, at the parameters before it"""
    parameters: Parameters
    """after it"""


@dataclass(frozen=True)
class Gap:
    """The difference of two networks in one tensor, in one step."""

    step: int
    """from 1"""
    kind: str
    """"gradients" or "parameters", in the order in which a step computes them"""
    tensor: str
    difference: float
    """|A - B| / |reference|"""
    explained: float
    """the difference that rounding explains"""

    @property
    def departs(self) -> bool:
        """Whether rounding does not explain the difference; it does not explain nan."""
        return not self.difference <= self.explained

    @property
    def headroom(self) -> float:
        """The difference that rounding explains, divided by the difference."""
        return self.explained / self.difference if self.difference != 0 else float("inf")


class Envelope:
    """The float64 reference and its twins, which take the same steps as the two networks.

    Parameters
    ----------
    network_class : of the reference; its parameters and gradients are one vector each, `theta` and `g`.
    initial : the parameters that both networks start from.
    dtype : the coarser dtype of the two networks.
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
        """Take a step on a float64 batch; return the step of the reference, and the difference that rounding explains.

        The latter contains an absolute L2 norm for each tensor, as an array without dimensions.
        """
        before = self._reference.parameters()
        with np.errstate(all="ignore"):  # rounding does not explain an overflow
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
    """Take a step of a twin with gradients rounded at random, element by element; return the exact gradients.

    The effect of rounding depends on the optimizer: adam's first step is eta g / |g|, in which a g near 0 is all
    rounding.
    """
    twin.gradients(x, twin.one_hot(y), len(y))
    exact: Parameters = twin.to_parameters(twin.g.copy())
    for name, g in twin.to_parameters(twin.g).items():
        g += np.sqrt(rounded[name].variance) * _signs(generator, g.shape)
    twin.optimizer.step(twin.g)
    return exact


def _round(twin: Any, generator: np.random.Generator, size: float) -> None:
    """Round the parameters of a twin at random, each by a fraction `size` of itself."""
    for tensor in twin.to_parameters(twin.theta).values():
        tensor += size * np.abs(tensor) * _signs(generator, tensor.shape)


def _signs(generator: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return random values of -1 and 1."""
    return 1.0 - 2 * generator.integers(0, 2, shape, dtype=np.int8)


def _grow(grown: dict[str, float], name: str, difference: Array) -> None:
    """Widen an envelope; it never shrinks, since rounding that was magnified once may be again."""
    grown[name] = max(grown[name], float(np.linalg.norm(difference)))


def gaps(number: int, a: Step, b: Step, reference: Step, allowed: Step) -> list[Gap]:
    """Return the differences of two networks in a step, tensor by tensor, gradients first."""
    found = []
    for kind, *of_kind in zip((GRADIENTS, PARAMETERS), a, b, reference, allowed, strict=True):
        for name in of_kind[2]:
            ours, theirs, exact, explained = (tensors[name].astype(np.float64) for tensors in of_kind)
            scale = float(np.linalg.norm(exact)) or 1.0
            difference = float(np.linalg.norm(ours - theirs)) / scale
            found.append(Gap(number, kind, name, difference, float(explained) / scale))
    return found


def conclusive(found: Sequence[Gap]) -> bool:
    """Return whether rounding explains so little that another difference can be told from it."""
    return all(gap.explained <= INCONCLUSIVE for gap in found if gap.kind == PARAMETERS)


def checkpoints(steps: int) -> list[int]:
    """Return 1, 2, 5, 10, 20, 50, ... up to the last step."""
    found = [m * 10**e for e in range(len(str(steps))) for m in (1, 2, 5) if m * 10**e < steps]
    return [*found, steps]


class Departure(NamedTuple):
    """A quantity of a step whose error rounding does not explain."""

    kind: str
    """as `rounding.Quantity.kind`"""
    layer: int
    error: float
    bound: float

    @property
    def name(self) -> str:
        """The name of the quantity, such as dW2."""
        return f"{self.kind}{self.layer}"


def first_departure(
    traced: Mapping[str, Array], exact: Mapping[rounding.Quantity, rounding.Rounded]
) -> Departure | None:
    """Return the first traced quantity of a step that rounding does not explain; None if it explains all of them."""
    for quantity, (value, variance) in exact.items():
        if str(quantity) in traced:
            bound, norm = rounding.relative(value, variance), float(np.linalg.norm(value))
            error = float(np.linalg.norm(traced[str(quantity)] - value)) / (norm or 1.0)
            if not error <= bound:
                return Departure(*quantity, error, bound)
    return None
