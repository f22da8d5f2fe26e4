"""Which network of the specification a file computes, and which mistake of the catalogue it makes, by its numbers."""

from collections.abc import Callable, Iterator
from itertools import product
from typing import Final, NamedTuple

import numpy as np

from shared.diagnosis.answers import GRADIENTS, OUTPUTS
from shared.diagnosis.comparison import distance
from shared.diagnosis.facts import Facts
from shared.diagnosis.matching import ALIKE
from shared.diagnosis.mistakes import MISTAKES, Mistake, Planted
from shared.diagnosis.mistakes.factors import Scaled
from shared.diagnosis.slopes import AT_ACTIVATION, FUNCTIONS, OTHERS, SLOPES, SLOPES_OF_OTHERS, TURNED
from shared.layers import ACTIVATIONS, SOFTMAX, Dense
from shared.reading.derivatives import as_shaped
from shared.reading.structure import Arrays
from shared.spec import NetworkSpec, TrainingSpec

OUTPUT_ALIKE: Final = 1e-6
MOST_LAYERS: Final = 4
"""Of more layers all hidden ones are taken to have one activation."""
OF_OUTPUT: Final = {SOFTMAX: ("cross_entropy",), "sigmoid": ("quadratic", "binary_cross_entropy")}
"""activation of the output -> the losses that may go with it; with any other it is the quadratic one"""


class Named(NamedTuple):
    """A mistake with the numbers of the file."""

    mistake: Mistake
    network: type[Planted]
    loss: str


def parameters(facts: Facts) -> Arrays:
    """Return W1, b1, ... of the facts, in our layout."""
    return facts.layout.canonical(facts.derivatives.arrays, facts.bias_column)


def gradients(facts: Facts) -> Arrays:
    """Return the gradients in our layout; those that have no shape that fits are missing."""
    arrays, found = facts.derivatives.arrays, facts.derivatives.run.gradients
    shaped = {name: as_shaped(found[name], array.shape) for name, array in arrays.items() if name in found}
    if any(shaped.get(name) is None for name in arrays):
        return {}
    fitted = {name: array for name, array in shaped.items() if array is not None}
    return facts.layout.canonical(fitted, facts.bias_column)


def activations(facts: Facts) -> tuple[str, ...] | None:
    """Return the activation of every layer with which our forward pass gives the file's outputs; None for none."""
    outputs = facts.derivatives.run.outputs
    if outputs is None or facts.layout.image:
        return None
    return next((each for each in _choices(len(facts.layout.layers)) if _computes(facts, each, outputs)), None)


def _computes(facts: Facts, chosen: tuple[str, ...], outputs: np.ndarray) -> bool:
    """Return whether a network with these activations has these outputs; biases may be the last column or the first."""
    for column in (-1, 0) if facts.layout.has_bias_column else (-1,):
        facts.bias_column = column
        if _close(forward(facts, chosen)[1][-1], outputs):
            return True
    return False


def other_activations(facts: Facts) -> tuple[str, ...] | None:
    """Return the activations of a network with one in its hidden layers that is none of ours; None for another."""
    outputs = facts.derivatives.run.outputs
    if outputs is None or facts.layout.image or len(facts.layout.layers) < 2:
        return None
    ways = product(OTHERS, ("identity", *ACTIVATIONS, SOFTMAX))
    every = ((*[hidden] * (len(facts.layout.layers) - 1), last) for hidden, last in ways)
    return next((each for each in every if _computes(facts, each, outputs)), None)


def _choices(depth: int) -> Iterator[tuple[str, ...]]:
    """Yield activations of the layers, those with one for all hidden layers first."""
    # The identity first: outputs that happen to be positive are those of a ReLU, too.
    outputs = ("identity", *(name for name in ACTIVATIONS if name != "identity"), SOFTMAX)
    for last, hidden in product(outputs, ACTIVATIONS):
        yield (*[hidden] * (depth - 1), last)
    if 2 < depth <= MOST_LAYERS:
        for hidden_each in product(ACTIVATIONS, repeat=depth - 1):
            for last in (*ACTIVATIONS, SOFTMAX):
                yield (*hidden_each, last)


def forward(facts: Facts, chosen: tuple[str, ...]) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Return z_1..z_L and a_0..a_L of a network with these activations, each (n, size of its layer)."""
    named, a, z = parameters(facts), [facts.derivatives.batch.x], list[np.ndarray]()
    with np.errstate(all="ignore"):
        for l, activation in enumerate(chosen, 1):
            z.append(a[-1] @ named[f"W{l}"].T + named.get(f"b{l}", 0.0))
            a.append(FUNCTIONS[activation][0](z[-1]))
    return z, a


def _close(found: np.ndarray, expected: np.ndarray) -> bool:
    return bool(np.abs(found - expected).max() <= OUTPUT_ALIKE * max(1.0, float(np.abs(expected).max())))


def spec_of(facts: Facts, chosen: tuple[str, ...], loss: str) -> NetworkSpec | None:
    """Return the specification with these activations; None if the loss does not go with the output."""
    if loss not in OF_OUTPUT.get(chosen[-1], ("quadratic",)):
        return None
    biases = [bias is not None or facts.layout.has_bias_column for _, bias in facts.layout.layers]
    sizes = facts.layout.sizes
    layers = tuple(Dense(n, f, b) for n, f, b in zip(sizes[1:], chosen, biases, strict=True))
    return NetworkSpec(sizes[:1], layers, loss)


def mistakes(
    facts: Facts, chosen: tuple[str, ...] | None, loss: str | None, factor: float | None, decay: float
) -> Iterator[Named]:
    """Yield the mistakes of the catalogue that have the file's gradients, or outputs.

    Parameters
    ----------
    chosen : its `activations`.
    loss, factor, decay : the file's loss as one of the family, times a factor; None if it has none. Without one the
        factor is free, and mistakes that are only a factor cannot be told.
    """
    if facts.layout.image:
        return
    found = gradients(facts)
    n, weights = len(facts.derivatives.batch.y), parameters(facts)
    if chosen is None:
        yield from _in_forward(facts)
        return
    if not found:
        return
    target = {name: array - decay * weights[name] * (name[0] == "W") for name, array in found.items()}
    for of in [loss] if loss else OF_OUTPUT.get(chosen[-1], ("quadratic",)):
        spec = spec_of(facts, chosen, of)
        if spec is None:
            continue
        right = _gradients_of(Planted, spec, facts)
        for mistake, network in _planted(spec, GRADIENTS, with_factors=factor is not None):
            theirs = _gradients_of(network, spec, facts)
            if distance(theirs, right) > ALIKE and _same(target, theirs, None if factor is None else factor * n):
                yield Named(mistake, network, of)


def _in_forward(facts: Facts) -> Iterator[Named]:
    """Yield the mistakes of the forward pass that have the file's outputs."""
    outputs = facts.derivatives.run.outputs
    if outputs is None:
        return
    depth = len(facts.layout.layers)
    for hidden, last in product(ACTIVATIONS, (SOFTMAX, *ACTIVATIONS)):
        chosen = (*[hidden] * (depth - 1), last)
        spec = spec_of(facts, chosen, OF_OUTPUT.get(last, ("quadratic",))[0])
        for mistake, network in _planted(spec, OUTPUTS, with_factors=True) if spec else ():
            made = network(spec, TrainingSpec(dtype="float64"), parameters(facts))  # type: ignore[arg-type]
            with np.errstate(all="ignore"):
                theirs = made.predict(facts.derivatives.batch.x)
            if theirs.shape == outputs.shape and _close(theirs, outputs):
                yield Named(mistake, network, spec.loss if spec else "")


def _planted(spec: NetworkSpec, wrong: str, *, with_factors: bool) -> Iterator[tuple[Mistake, type[Planted]]]:
    for mistake in MISTAKES.values():
        for variant in mistake.variants:
            is_factor = issubclass(variant.network, Scaled)
            if variant.wrong == wrong and variant.fits(spec) and (with_factors or not is_factor):
                yield mistake, variant.network


def _gradients_of(network: type[Planted], spec: NetworkSpec, facts: Facts) -> Arrays:
    made = network(spec, TrainingSpec(dtype="float64"), parameters(facts))
    batch = facts.derivatives.batch
    labels = batch.y if batch.n_out > 1 else np.zeros_like(batch.y)
    if batch.n_out == 1:
        made.one_hot = lambda _: batch.targets  # type: ignore[method-assign,assignment] # the label itself
    with np.errstate(all="ignore"):
        _, found = made.loss_and_gradients(batch.x, labels)
    return found


def _same(target: Arrays, theirs: Arrays, factor: float | None) -> bool:
    """Return whether gradients are those of a planted network, times a factor that is given or free."""
    if target.keys() != theirs.keys():
        return False
    if factor is None:
        t, g = (np.concatenate([each[name].reshape(-1) for name in theirs]) for each in (theirs, target))
        norm = float(t @ t)
        factor = float(t @ g) / norm if norm > 0 else 0.0
        if abs(factor) < 1e-12:
            return False
    return distance(target, {name: factor * array for name, array in theirs.items()}) <= ALIKE


def backpropagated(
    facts: Facts,
    chosen: tuple[str, ...],
    delta: np.ndarray,
    slope: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
) -> Arrays:
    """Return the gradients that follow from d_L by equations (5) to (7), with a slope(z, a) of all hidden layers."""
    named, (z, a), found = parameters(facts), forward(facts, chosen), Arrays()
    for l in range(len(chosen), 0, -1):
        found |= {f"W{l}": delta.T @ a[l - 1]} | ({f"b{l}": delta.sum(axis=0)} if f"b{l}" in named else {})
        if l > 1:
            delta = (delta @ named[f"W{l}"]) * (slope or FUNCTIONS[chosen[l - 2]][1])(z[l - 2], a[l - 1])
    return found


def has_diagonal_jacobian(facts: Facts, chosen: tuple[str, ...]) -> bool:
    """Return whether d_L is (a - y) a (1 - a), times any factor: a softmax's slope without the rest of its Jacobian."""
    found, (_, (*_, a)) = gradients(facts), forward(facts, chosen)
    delta = (a - facts.derivatives.batch.targets) * a * (1 - a)
    return bool(found) and _same(found, backpropagated(facts, chosen, delta), None)


def has_wrong_column(facts: Facts, chosen: tuple[str, ...]) -> bool:
    """Return whether delta goes back through W without a column that is not the bias: the first for the last one."""
    found, (z, a), delta = gradients(facts), *_top(facts, chosen)
    named, full = parameters(facts), facts.layout.canonical(facts.derivatives.arrays, -1 - facts.bias_column)
    expected = Arrays()
    for l in range(len(chosen), 0, -1):
        expected |= {f"W{l}": delta.T @ a[l - 1], f"b{l}": delta.sum(axis=0)}
        if l > 1:
            delta = (delta @ full[f"W{l}"]) * FUNCTIONS[chosen[l - 2]][1](z[l - 2], a[l - 1])
    return named.keys() == full.keys() and bool(found) and _same(found, expected, None)


def _top(facts: Facts, chosen: tuple[str, ...]) -> tuple[tuple[list[np.ndarray], list[np.ndarray]], np.ndarray]:
    """Return z and a, and d_L of the usual loss of the output."""
    z, a = forward(facts, chosen)
    slope = 1.0 if chosen[-1] == SOFTMAX else FUNCTIONS[chosen[-1]][1](z[-1], a[-1])
    return (z, a), (a[-1] - facts.derivatives.batch.targets) * slope


def wrong_slope(facts: Facts, chosen: tuple[str, ...] | None, loss: str | None) -> tuple[str, str] | None:
    """Return the activation of the hidden layers and the one whose slope they have; None if that is not the mistake."""
    found = gradients(facts)
    if chosen is None or not found or len(set(chosen[:-1])) != 1:
        return None
    if loss == "quadratic" and chosen[-1] == SOFTMAX:
        return None  # `has_diagonal_jacobian`
    (*_, z), (*_, a) = forward(facts, chosen)
    losses = (loss,) if loss else OF_OUTPUT.get(chosen[-1], ("quadratic",))
    for of in losses:
        delta = (a - facts.derivatives.batch.targets) * (FUNCTIONS[chosen[-1]][1](z, a) if of == "quadratic" else 1.0)
        slopes = {name: FUNCTIONS[name][1] for name in ACTIVATIONS if name != chosen[0]}
        slopes[TURNED] = lambda z, a: 1.0 - FUNCTIONS[chosen[0]][1](z, a)
        slopes[AT_ACTIVATION] = lambda _, a: FUNCTIONS[chosen[0]][1](a, FUNCTIONS[chosen[0]][0](a))
        slopes |= SLOPES | (SLOPES_OF_OTHERS if chosen[0] in OTHERS else {})
        right = backpropagated(facts, chosen, delta)
        for name, slope in slopes.items():
            theirs = backpropagated(facts, chosen, delta, slope)
            if distance(theirs, right) > ALIKE and _same(found, theirs, None):
                return chosen[0], name
    return None
