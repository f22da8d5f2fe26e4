"""The arguments with which a class or a function of a file may be called: sizes of layers, a rate, examples."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import numpy as np

from shared.reading.arguments import small_image
from shared.reading.functions import calls_of
from shared.reading.names import has_role, is_bias, is_weight, plain
from shared.reading.program import DECAY, RATE
from shared.reading.source import Source

SIZES: Final = (
    r"(n_?n_?)?(layers?)?_?(sizes?|dims?|dimensions|nodes|structure|architecture|shape|units)|(nn_)?layers|topology|"
    r"neurons|schichten|capas|camadas|couches"
)
N_IN: Final = (
    r"n_?(x|in|i|inputs?|features|feat)|inputs?(_?(size|dim|nodes?|layers?|neurons|units|layer_size|features|count|"
    r"number|n))?|in_?(dim|features?|size)?|num_?(inputs?|features)|d_?in|d|input_nodes|inodes|n_?0|fan_in|x_?dim|ni|"
    r"(state|obs)_?(size|dim)|(\w+_|n)?(eingabe|eing(ä|ae)ng|entrada|entr[eé]e|shuru)\w*"
)
N_HIDDEN: Final = (
    r"n_?h\w*|hid\w*|h(_?(dim|size|nodes?|units))?\d?|num_?hidden\w*|nn_?h?dim|hnodes|n_?1|neurons|nh|units|"
    r"(\w+_|n)?(versteckt|verborgen|ocult|escondid|cach[eé]e|cachés|yincang)\w*"
)
N_OUT: Final = (
    r"n_?(y|out|o|outputs?|classes|labels)|outputs?(_?(size|dim|nodes?|layers?|neurons|units|layer_size|features|n))?|"
    r"out_?(dim|features?|size)?|num_?(outputs?|classes|labels)|classes|d_?out|c|k|onodes|n_?2|fan_out|y_?dim|no|"
    r"n_?actions|action_?(size|dim)|(\w+_|n)?(ausgabe|ausg(ä|ae)ng|salida|sa[ií]da|sortie|shuchu)\w*"
)
SMALL: Final = ((9, 8, 6, 5, 3), (9, 6, 5, 3), (6, 5, 3), (9, 8, 6, 5, 1), (6, 5, 1))


def constructions(source: Source, cls: type) -> Iterator[tuple[Any, str]]:
    """Yield arguments with which a class may be made: of small sizes, then as the file makes it."""
    try:
        parameters = list(inspect.signature(cls).parameters.values())
    except (TypeError, ValueError):
        return
    has_images = re.search(r"conv(?!e)", source.text, re.I) is not None
    for sizes in SMALL:
        x, y = np.random.default_rng(1).random((7, sizes[0])), np.eye(sizes[-1])[np.arange(7) % sizes[-1]]
        given: dict[str, Any] = {}
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            default = parameter.default if parameter.default is not parameter.empty else None
            is_image, small = small_image(parameter.name, default) if has_images else (False, None)
            value = small if is_image else size_of(parameter.name, sizes, default)
            if value is not None:
                given[parameter.name] = value
            elif parameter.default is not parameter.empty:
                continue
            elif (known := usual(parameter.name, x, y)) is not None:
                given[parameter.name] = known
            else:
                break
        else:
            if any(isinstance(value, (list, tuple)) for value in given.values()) or len(sizes) == 3:
                yield given, _in_words(given)
    for node in calls_of(source).get(cls.__name__, ()):
        with suppress(Exception):
            evaluated = [eval(compile(ast.Expression(a), "", "eval"), source.namespace) for a in node.args]
            named = {
                k.arg: eval(compile(ast.Expression(k.value), "", "eval"), source.namespace)
                for k in node.keywords if k.arg
            }  # fmt: skip
            bound = inspect.signature(cls).bind(*evaluated, **named).arguments
            yield dict(bound), ", ".join(map(ast.unparse, [*node.args, *(k.value for k in node.keywords)]))


def _in_words(given: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={_short(value)}" for key, value in given.items() if not isinstance(value, type))


def _short(value: Any) -> str:
    return f"array {value.shape}" if isinstance(value, np.ndarray) else str(value)


def size_of(name: str, sizes: Sequence[int], default: Any) -> Any:
    """Return what an argument for sizes gets; None for another argument."""
    word = plain(name)
    if isinstance(default, (str, bool, float)) or is_weight(word) or is_bias(word):
        return None
    if word in ("dim", "size"):
        return sizes[0]
    if re.fullmatch(SIZES, word):
        return tuple(sizes) if isinstance(default, tuple) else list(sizes)
    if isinstance(default, (list, tuple)):
        return None
    for pattern, size in ((N_IN, sizes[0]), (N_OUT, sizes[-1]), (N_HIDDEN, sizes[1])):
        if re.fullmatch(pattern, word):
            return size
    return None


def usual(name: str, x: Any, y: Any, epochs: int = 1) -> Any:
    """Return what an argument of a usual name gets; None for another one."""
    values = {"rate": RATE, "epochs": epochs, "x": x, "y": y, "decay": DECAY, "quiet": False, "count": len(x)}
    return next((value for role, value in values.items() if has_role(name, role)), None)
