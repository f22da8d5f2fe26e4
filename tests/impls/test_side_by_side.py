"""The implementations line up: the same sections, methods and signatures in the same order."""

import ast
import re

import pytest

from shared import implementations
from shared.measure.profile import titles

SECTIONS = ["Parameters", "Forward (1)-(2)", "Loss and gradients (3)-(7)", "Update (8)", "Conversion"]
CONTRACT = {"__init__", "reset", "parameters", "predict", "loss_and_gradients", "load", "train"}

BY_HAND = {"trace", "to_layers", "to_images", "image", "micro_batch"}
"""What only a network has that computes its deltas itself, that has no module for the shape of its input, or whose
framework does not trace loops."""
LINES = {"numpy_scratch": 330}
"""The most lines of a file: a convolution, a pool and micro-batches by hand take about 110."""


def source(name: str) -> str:
    return implementations.locate(name).read_text(encoding="utf-8")


def network(name: str) -> ast.ClassDef:
    classes = [node for node in ast.parse(source(name)).body if isinstance(node, ast.ClassDef)]
    return next(node for node in classes if node.name == "Network")


def sections(name: str) -> list[tuple[int, str]]:
    """(line, title) of every section of the class."""
    return list(titles(source(name)).items())


def methods(name: str) -> list[tuple[str, str, list[str]]]:
    """(section, method, names of its arguments), in the order of the file.

    Pure functions are given the parameters and the optimizer's state, which others keep: that is no difference.
    """
    starts = sections(name)
    return [
        (
            [title for line, title in starts if line < node.lineno][-1],
            node.name,
            [argument.arg for argument in node.args.args if argument.arg not in ("theta", "state")],
        )
        for node in network(name).body
        if isinstance(node, ast.FunctionDef)
    ]


WHOLE = [name for name in implementations.names() if implementations.base(name) is None]
CHANGED = [name for name in implementations.names() if implementations.base(name) is not None]


@pytest.mark.parametrize("name", WHOLE)
def test_sections_are_the_five_in_order(name: str) -> None:
    assert [title for _, title in sections(name)] == SECTIONS


@pytest.mark.parametrize("name", CHANGED)
def test_what_changes_a_sibling_lines_up_with_it(name: str) -> None:
    titles = [title for _, title in sections(name)]
    assert titles == [title for title in SECTIONS if title in titles]
    theirs = methods(implementations.base(name) or "")
    changed = [method for method in methods(name) if method in theirs]
    assert changed == [method for method in theirs if method in changed]
    assert changed, "a subclass that changes nothing is no implementation"


@pytest.mark.parametrize("name", WHOLE)
def test_methods_and_signatures_are_those_of_the_reference(name: str) -> None:
    expected = [method for method in methods("numpy_scratch") if method[1] not in BY_HAND]
    assert [method for method in methods(name) if method[1] not in BY_HAND] == expected


def test_the_reference_has_the_whole_contract() -> None:
    assert {method for _, method, _ in methods("numpy_scratch")} >= CONTRACT


@pytest.mark.parametrize("name", implementations.names())
def test_every_equation_is_cited(name: str) -> None:
    # section headings name equations, too, and are not what is meant
    sources = source(name) + source(implementations.base(name) or name)
    cited = "\n".join(line for line in sources.splitlines() if "# ----" not in line)
    for equation in range(1, 9):
        first_of_range = rf"\({equation}\)"
        inside_range = "|".join(rf"\({a}\)-\({b}\)" for a in range(1, 9) for b in range(a, 9) if a <= equation <= b)
        assert re.search(rf"#.*({first_of_range}|{inside_range})", cited), f"{name} does not cite ({equation})"


@pytest.mark.parametrize("name", implementations.names())
def test_a_file_is_short_and_holds_no_number_of_an_experiment(name: str) -> None:
    assert len(source(name).splitlines()) <= LINES.get(name, 220)
    numbers = {
        node.value
        for node in ast.walk(network(name))
        if isinstance(node, ast.Constant) and type(node.value) in (int, float)
    }
    assert numbers <= {0, 1, 2, -1}, "sizes, rates and batch sizes belong to the specs"


@pytest.mark.parametrize("name", implementations.names())
def test_there_is_no_randomness(name: str) -> None:
    text = source(name).replace("shuffle=False", "")
    assert not re.search(r"\brand(?:om|n|int|perm)?\b|shuffle|dropout|noise", text)
