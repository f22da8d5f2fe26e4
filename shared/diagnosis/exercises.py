"""The exercises: a network in parts with one line left out, and whether what fills it is right.

The right lines are those of `shared/diagnosis/parts.py`. Each equation is checked by itself, on numbers of its own, so
that nothing else has to be right.
"""

import ast
import re
import traceback
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import numpy as np

from shared.boundary import NotPythonError, parsed, read_source, told
from shared.diagnosis import parts
from shared.diagnosis.answers import Answer, Tensors, Trouble
from shared.diagnosis.words import Lines, line_at
from shared.errors import SettingError

CONSTANT: Final = "EXERCISE"
"""The constant by which a file says which exercise it is."""
WHOLE: Final = 9
"""The exercise that is a whole backward pass."""
NO_PART_OF_THE_WHOLE: Final = ("output_delta", "delta", "weight_gradient", "bias_gradient", "step")
SIZES: Final = ((7, 5, 4), (7, 4, 4), (1, 5, 4), (6, 3, 2))
"""Examples, inputs and outputs: also square ones, in which a transposed matrix fits, and one example alone."""
BLANK: Final = "nothing is filled in yet"


@dataclass(frozen=True)
class Exercise:
    """An equation to write."""

    number: int
    function: str
    """its name in a file, and as an argument of `samegrad.check`"""
    equation: str
    formula: str
    asks: str
    result: str
    """the name of what the function returns"""


EXERCISES: Final = {
    exercise.number: exercise
    for exercise in (
        Exercise(1, "weighted_input", "(1)", "z_l = a_{l-1} W_l^T + b_l", "The weighted input of a layer", "z"),
        Exercise(2, "sigmoid", "(2)", "a_l = f(z_l)", "The activation, a sigmoid", "a"),
        Exercise(3, "cost", "(3)", "C = 1/n sum 1/2 |a_L - y|^2", "The cost: how wrong the outputs are", "C"),
        Exercise(4, "output_delta", "(4)", "d_L = (a_L - y) * f'(z_L) / n", "The error of the last layer", "d"),
        Exercise(5, "delta", "(5)", "d_l = (d_{l+1} W_{l+1}) * f'(z_l)", "The error of the layer below", "d"),
        Exercise(6, "weight_gradient", "(6)", "dC/dW_l = d_l^T a_{l-1}", "The gradient of the weights", "dW"),
        Exercise(7, "bias_gradient", "(7)", "dC/db_l = sum over the batch of d_l", "The gradient of the biases", "db"),
        Exercise(8, "step", "(8)", "theta <- theta - eta g", "A step of gradient descent", "theta"),
        Exercise(
            WHOLE,
            "gradients",
            "(4) to (7)",
            "d_L, then layer by layer dC/dW_l, dC/db_l and d_{l-1}",
            "The whole backward pass",
            "",
        ),
    )
}
ARGUMENTS: Final = {e.function if e.number < WHOLE else "backward": e for e in EXERCISES.values()}
"""Names of the arguments of `samegrad.check`; its `gradients` is another one."""


HEAD: Final = '''"""Exercise {number}: {asks}, {equations}.

    {formula}

Replace the ... in `{function}`. {written} is written. Then:
{command} check my_{function}.py
"""

{imports}

EXERCISE = {number}


{rest}
'''


# ---- The files -----------------------------------------------------------------------------------------


def template(number: int, command: str) -> str:
    """Return a file with all but the line of an exercise; `command` is how the program is called.

    Raises
    ------
    SettingError
        If there is no such exercise.
    """
    exercise = EXERCISES.get(number)
    if exercise is None:
        raise SettingError("number", f"got {number}, expected an exercise from 1 to {WHOLE}")
    path = Path(parts.__file__)
    lines = path.read_text(encoding="utf-8").splitlines()
    functions = {node.name: node for node in parsed("\n".join(lines)).body if isinstance(node, ast.FunctionDef)}
    left_out = NO_PART_OF_THE_WHOLE if number == WHOLE else ()
    for name, node in reversed(functions.items()):
        first, end = node.lineno - 1, node.end_lineno or node.lineno
        if name in left_out:
            del lines[first : end + 2]
        elif name == exercise.function:
            begin = next((i for i in range(first, end) if lines[i].startswith("    d = ")), end - 1)
            lines[begin:end] = [f"    return ...  # {exercise.equation}"]
    imports, _, functions_text = "\n".join(lines).partition("\n\n")[2].partition("\n\n\n")  # without its docstring
    return HEAD.format(
        number=number,
        asks=exercise.asks[0].lower() + exercise.asks[1:],
        equations=f"equation{'s' * (number == WHOLE)} {exercise.equation}",
        formula=exercise.formula,
        function=exercise.function,
        written="What it needs" if number == WHOLE else "All else",
        command=command,
        imports=imports,
        rest=functions_text,
    )


def declared(path: Path) -> Exercise | None:
    """Return the exercise that a file is; None if it is none.

    Its constant says so, and it has the docstring or the function of the exercise: others may have such a constant.
    """
    if path.suffix != ".py":
        return None
    try:
        tree = parsed(read_source(path))
    except NotPythonError:
        return None
    values = [
        node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and [ast.unparse(target) for target in node.targets] == [CONSTANT]
        and isinstance(node.value, ast.Constant)
    ]
    exercise = EXERCISES.get(values[0]) if values and type(values[0]) is int else None
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    is_ours = exercise is not None and (
        exercise.function in functions or (ast.get_docstring(tree) or "").startswith(f"Exercise {exercise.number}:")
    )
    return exercise if is_ours else None


def line_of(exercise: Exercise, lines: list[str]) -> Lines:
    """Return the line of a file that fills an exercise: the one that cites the equation, or the function's last."""
    try:
        tree = parsed("\n".join(lines))
    except NotPythonError:
        return ()
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == exercise.function:
            end = node.end_lineno or node.lineno
            cited = [n for n in range(node.lineno, end + 1) if f"# {exercise.equation}" in lines[n - 1]]
            return line_at(lines, (cited or [end])[0])
    return ()


# ---- The numbers ---------------------------------------------------------------------------------------


def arguments(exercise: Exercise) -> list[tuple[Any, ...]]:
    """Return the arguments of each call: the same at every time, drawn so that no unit is saturated."""
    found = []
    for k, (n, n_in, n_out) in enumerate(SIZES):
        rng = np.random.default_rng([exercise.number, k])
        a, z, z_in = rng.random((n, n_in)), rng.standard_normal((n, n_out)), rng.standard_normal((n, n_in))
        W, b, d = rng.standard_normal((n_out, n_in)), rng.standard_normal(n_out), rng.standard_normal((n, n_out))
        labels = rng.integers(n_out, size=n)
        y = np.eye(n_out)[labels]
        hidden = [(rng.standard_normal((3, n_in)), rng.standard_normal(3)), (rng.standard_normal((n_out, 3)), b)]
        found.append(
            {
                1: (a, W, b),
                2: (z,),
                3: (parts.sigmoid(z), y),
                4: (z, parts.sigmoid(z), y),
                5: (d, W, z_in),
                6: (d, a),
                7: (d,),
                8: (W, rng.standard_normal(W.shape), 0.13),
                WHOLE: (hidden, a, labels),
            }[exercise.number]
        )
    return found


def ask(function: Callable[..., Any], exercise: Exercise, path: str | None = None) -> list[Answer]:
    """Return what a function answers to each call; `path` is its file, whose lines are told."""
    found = []
    for given in arguments(exercise):
        answer = Answer()
        kept = _copied(given)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            try:
                answer.outputs = _named(exercise, function(*given))
            except Exception as error:  # noqa: BLE001 - any exception of a user's function is its answer
                frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == path]
                answer.trouble = Trouble(told(error), frames[-1].lineno if frames else None)
        if exercise.number != 8 and not _equal(kept, given):  # a step may be taken in place
            answer.modified = ["its arguments"]
        found.append(answer)
    return found


def ask_file(module: Any, number: int) -> list[Answer]:
    """Return the answers of a file, in its process."""
    exercise = EXERCISES[number]
    function = getattr(module, exercise.function, None)
    if not callable(function):
        raise TypeError(f"found no function {exercise.function}; the file must define it")
    return ask(function, exercise, getattr(module, "__file__", None))


def expected(exercise: Exercise) -> list[Answer]:
    """Return the right answers."""
    return ask(getattr(parts, exercise.function), exercise)


def namespace(function: Callable[..., Any]) -> Any:
    """Return a right network with this backward pass, as a module."""
    return SimpleNamespace(forward=parts.forward, gradients=function)


def _named(exercise: Exercise, found: Any) -> Tensors:
    """Return the arrays of a result by name."""
    _refuse_nothing(found)
    if exercise.number < WHOLE:
        return {exercise.result: _array(found)}
    if not isinstance(found, (list, tuple)) or not all(isinstance(p, (list, tuple)) and len(p) == 2 for p in found):
        raise TypeError("expected a list of pairs (dC/dW_l, dC/db_l), one for each layer")
    return {f"d{kind}{l}": _array(t) for l, pair in enumerate(found, 1) for kind, t in zip("Wb", pair, strict=True)}


def _array(found: Any) -> Any:
    _refuse_nothing(found)
    array = np.array(found)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"expected numbers, got {re.sub('<class|>', '', str(type(found))).strip()}")
    return array.astype(np.float64)


def _refuse_nothing(found: Any) -> None:
    if found is ...:
        raise NotImplementedError(BLANK)
    if found is None:
        raise TypeError("the function returns nothing; end it with `return` and the result")


def _copied(given: Any) -> Any:
    if isinstance(given, (list, tuple)):
        return [_copied(each) for each in given]
    return np.array(given)


def _equal(kept: Sequence[Any], given: Any) -> bool:
    if isinstance(given, (list, tuple)):
        return len(kept) == len(given) and all(map(_equal, kept, given))
    return np.array_equal(np.asarray(kept), given)
