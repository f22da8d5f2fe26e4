"""Which functions of a file may be the forward pass, the backward pass, the loss and the update."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MethodType
from typing import Any, Final

from shared.reading.constructions import SMALL, size_of
from shared.reading.functions import assigned, ranked, signature
from shared.reading.names import gradient_of, has_role, plain
from shared.reading.stores import Store
from shared.reading.structure import Part

FORWARD: Final = (
    r"forward|feed|propagat|vorw(ae|ä)rt|adelante|avant|qianxiang",
    r"activations|think|query|hypothesis|run|output|compute|model|net$|probab|calc|infer",
    r"predi[ck]|vorhers|yuce|call|evaluate|guess|loss|cost|grad|back",
)
BACKWARD: Final = (
    r"back|grad|r(ue|ü)ckw(ae|ä)rt|atras|retro|arriere|fanxiang|tidu",
    r"deriv|delta|loss|learn|step|train|cost|update",
)
LOSS: Final = (
    r"loss|cost|error|objective|criterion|nll|energy|fehler|kosten|verlust|p[eé]rdida|perte|custo|sunshi",
    r"mse|cross|entropy|quadratic|^j$|squared|jiaocha",
)
UPDATE: Final = (r"update|apply|adjust|optimi[sz]|step|descent|a[ck]tuali[sz]|anpass|atuali|gengxin",)
TRAIN: Final = (
    r"train|fit|learn|sgd|batch|back|update|step|epoch|lerne|entren|treina|app?rend|xunlian",
    r"descent|optimi[sz]|model",
)
NOT_LOSS: Final = r"prime|deriv|grad|_d$|^d_|back|slope|delta|plot|history|rate"
CONTEXTS: Final = {
    "forward": ("parameters", "x", "y", "rate", "decay", "count", "quiet"),
    "backward": ("parameters", "cache", "y", "x", "output", "rate", "decay", "count", "quiet"),
    "loss": ("y", "output", "cache", "x", "parameters", "decay", "count", "quiet"),
    "update": ("parameters", "gradients", "rate", "decay", "count"),
    "train": ("parameters", "cache", "x", "y", "output", "epochs", "rate", "decay", "count", "quiet"),
}
DERIVATIVE: Final = r"_?(prime|deriv(ative)?|grad(ient)?|backward|d)$|^(d|grad)_"
UPSTREAM: Final = r"g|d_?out|d_?values|d_?loss|upstream\w*|(grad|gradient)(_?(out|output|y|loss))?|d_?y|d_?l"
"""What a backward pass is given that starts from the derivative of the loss by the outputs."""
INITIALISE_ONLY: Final = r"^init|initiali[sz]e|^zero_?grad|^plot|^load|^show|^save|^print|one_?hot|^__init"


def is_derivative(name: str, of: str) -> bool:
    """Return whether a function is named as the derivative of another: mse_prime of mse."""
    return re.sub(DERIVATIVE, "", name.lower()) == of.lower()


@dataclass(frozen=True)
class Plan:
    """The names of what is called; None for what the file does not have."""

    forward: str | None
    backward: str | None = None
    train: str | None = None
    loss: str | None = None
    update: str | None = None
    is_listed: bool = False
    """whether `train` takes lists of examples, or a list of pairs"""


def plans(callables: Mapping[str, Any], first: Mapping[str, Any], store: Store) -> Iterator[Plan]:
    """Yield what may be called as what."""
    usable = {name: f for name, f in callables.items() if not re.search(INITIALISE_ONLY, name.lower())}
    mine = {name: f for name, f in usable.items() if name in first}
    losses = [*ranked(mine, LOSS, NOT_LOSS), *ranked(usable, LOSS, NOT_LOSS), None]
    forwards = ranked(mine, FORWARD[:2], r"back|grad|deriv|prime|loss|cost|train|sgd|update") + ranked(
        mine, FORWARD[2:], r"back|grad|deriv|prime|train|update"
    )
    forwards = _bindable(forwards, usable, "forward", store)
    steps = {name: f for name, f in mine.items() if not any(has_role(key, "epochs") for key in signature(f).parameters)}
    returning = [name for name in steps if _returns_gradients(steps[name], store)]
    forwards = [name for name in forwards if name not in returning]
    backwards = [*returning, *(name for name in ranked(steps, BACKWARD, r"prime") if _takes_enough(steps[name], store))]
    backwards = _bindable(list(dict.fromkeys(backwards)), usable, "backward", store)
    taking = [name for name in mine if name not in (*forwards, *backwards) and _takes_parameters(mine[name], store)]
    forwards = [*forwards, *(name for name in taking if not re.search(r"loss|cost|update|train", name.lower()))]
    trains = ranked(mine, TRAIN, r"prime|deriv|forward")
    losses = list(dict.fromkeys(losses))
    ways: list[Plan] = []
    for forward, backward in by_rank([*forwards[:4], None], backwards[:4]):
        ways += [Plan(forward, backward, loss=loss) for loss in losses[:4]]
    for forward, train in by_rank([*forwards[:4], None], trains[:5]):
        for listed in (False, True):
            ways += [Plan(forward, train=train, loss=loss, is_listed=listed) for loss in losses[:4]]
    for plan in sorted(ways, key=lambda way: way.forward is None and way.loss is None):  # one function does it all
        is_alone = plan.forward in (plan.train, None) and not (plan.loss or plan.backward)
        if (plan.forward and plan.forward == plan.backward) or (is_alone and forwards):
            continue
        if plan.loss and plan.loss in (plan.forward, plan.train):
            continue
        yield plan


def _takes_enough(function: Callable[..., Any], store: Store) -> bool:
    """Return whether a function may be a backward pass: one that is given its parameters takes more than z."""
    return store.kind not in ("arguments", "container") or len(signature(function).parameters) > 1


def _returns_gradients(function: Callable[..., Any], store: Store) -> bool:
    """Return whether a function computes gradients, as its variables are called, whatever its own name is."""
    names = list(store.arrays)
    own = {plain(name) for name in names}
    found = {gradient_of(word, names) for word in assigned(function) if plain(word) not in own} - {None}
    return 2 * len(found) > len(names)


def _takes_parameters(function: Callable[..., Any], store: Store) -> bool:
    """Return whether a function takes all parameters one by one and more, or is a method that takes one argument."""
    needed = [p for p in signature(function).parameters.values() if p.default is p.empty]
    if store.kind == "object":
        return len(needed) == 1 and isinstance(function, MethodType)
    names = {plain(parameter.name) for parameter in needed}
    return store.kind == "arguments" and {plain(name) for name in store.arrays} < names


def by_rank(one: Sequence[Any], other: Sequence[Any]) -> list[tuple[Any, Any]]:
    """Return all pairs, the ones that are early in both lists first."""
    ranks = sorted(product(range(len(one)), range(len(other))), key=lambda pair: (sum(pair), pair))
    return [(one[i], other[j]) for i, j in ranks]


def _bindable(names: list[str], functions: Mapping[str, Callable[..., Any]], context: str, store: Store) -> list[str]:
    """Return the functions for whose arguments something is known, but for one; the best known first."""
    unknown = {name: _unknown(functions[name], context, store) for name in names}
    return sorted((name for name in names if unknown[name] <= 1), key=unknown.__getitem__)


def _unknown(function: Callable[..., Any], context: str, store: Store) -> int:
    """Return for how many arguments of a function nothing is known."""
    names = {plain(name) for name in store.root} if store.kind == "arguments" else {store.words}
    constants = {name.lower() for name in getattr(function, "__globals__", ())}
    takes_sizes = any(isinstance(leaf, Part) for leaf in store.leaves)
    count = 0
    for parameter in signature(function).parameters.values():
        fits = [role for role in CONTEXTS[context] if has_role(parameter.name, role)]
        if store.kind != "container" and fits == ["parameters"]:
            fits = []
        is_intermediate = context == "backward" and re.fullmatch(r"[zahlZAHL]_?\d+", parameter.name)
        is_known = plain(parameter.name) in names or fits or is_intermediate or parameter.name.lower() in constants
        is_known = is_known or (takes_sizes and size_of(parameter.name, SMALL[0], None) is not None)
        count += (
            not is_known and parameter.default is parameter.empty and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
        )
    return count
