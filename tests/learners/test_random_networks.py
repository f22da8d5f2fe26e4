"""No right network in a random layout is accused, and a mistake that is planted in one is seen."""

import os
import re
import sys
from itertools import islice
from pathlib import Path
from typing import Final

import pytest

from shared.diagnosis.as_written import OwnVerdict, judge
from shared.diagnosis.facts import Options, Subject
from shared.reading.program import UnreadableError
from tests.learners.random_networks import Network, write

NETWORKS: Final = int(os.environ.get("SAMEGRAD_NETWORKS", "100"))
"""SAMEGRAD_NETWORKS=1000 make test-exhaustive ARGS=tests/learners tries so many; each takes about a second."""
CHUNK: Final = 10
UNREAD: Final = 0.05
"""The share of files that may be unreadable."""
FAULTS: Final = {
    "no slope": (r"(def \w*(?:prime|derivative|grad|d_)\w*\(z\):\s+return ).*", r"\1np.ones_like(z)"),
    "wrong sign in db": (r"= (np\.sum\(\w+, axis=\d)", r"= -\1"),
    "wrong sign": (r"= ((?:2 ?\* ?)?)\((\w[\w.]*) - (\w+)\)", r"= \1(\3 - \2)"),
    "1/n twice": (r"(= [^=\n]*[^)\n ]) / m\b", r"\1 / m / m"),
}
"""What is planted, as a pattern and what takes its place."""
EACH: Final = 3
"""Of so many networks each fault is planted in the first that have its pattern."""


@pytest.fixture(autouse=True)
def untouched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Loading a file puts its folder in the path."""
    monkeypatch.setattr(sys, "path", [*sys.path])


def verdict(folder: Path, name: str, text: str) -> OwnVerdict | None:
    """Return the verdict on a text; None if it cannot be read."""
    path = folder / f"{name}.py"
    path.write_text(text)
    try:
        return judge(Subject.load(str(path)).facts(Options()))
    except UnreadableError:
        return None


def planted(fault: str, seed: int) -> str:
    """Return a network with a fault."""
    pattern, other = FAULTS[fault]
    return re.sub(pattern, other, write(seed))


def fit_for(fault: str) -> list[int]:
    """Return the first networks with a loss that have the place for a fault."""
    seeds = (seed for seed in range(NETWORKS) if Network(seed).has_loss and planted(fault, seed) != write(seed))
    return list(islice(seeds, EACH))


FIT: Final = {fault: fit_for(fault) for fault in FAULTS}


def is_quadratic_of_softmax(seed: int) -> bool:
    """Return whether a network has the outputs and the loss for which a slope is asked that there is not."""
    return (Network(seed).outputs, Network(seed).loss) == ("softmax", "quadratic")


@pytest.mark.exhaustive_unless(fits=lambda first: first < CHUNK)
@pytest.mark.parametrize("first", range(0, NETWORKS, CHUNK))
def test_right_networks_are_judged_right(first: int, tmp_path: Path) -> None:
    found = {seed: verdict(tmp_path, f"network_{seed}", write(seed)) for seed in range(first, first + CHUNK)}
    accused = {seed: each.headline for seed, each in found.items() if each is not None and not each.right}
    unread = [seed for seed, each in found.items() if each is None]
    assert accused == {}
    assert len(unread) <= UNREAD * CHUNK, unread


@pytest.mark.exhaustive_unless(fits=lambda fault, seed: seed == FIT[fault][0])
@pytest.mark.parametrize(("fault", "seed"), [(fault, seed) for fault in FAULTS for seed in FIT[fault]])
def test_a_planted_fault_is_seen(fault: str, seed: int, tmp_path: Path) -> None:
    found = verdict(tmp_path, f"network_{seed}", planted(fault, seed))
    assert found is not None
    assert not found.right, found.headline


@pytest.mark.exhaustive_unless(fits=lambda seed: seed == 27)
@pytest.mark.parametrize("seed", [9, 27])
def test_one_output_of_softmax_hides_no_fault(seed: int, tmp_path: Path) -> None:
    """With one output the loss is constant, and gradients of any sign are 0."""
    assert is_quadratic_of_softmax(seed)
    found = verdict(tmp_path, f"network_{seed}", planted("wrong sign", seed))
    assert found is not None
    assert not found.right, found.headline


def test_a_fault_below_a_quadratic_softmax_is_seen(tmp_path: Path) -> None:
    assert is_quadratic_of_softmax(9)
    found = verdict(tmp_path, "network_9", planted("no slope", 9))
    assert found is not None
    assert not found.right, found.headline


def test_the_same_seed_gives_the_same_network() -> None:
    assert write(7) == write(7)
    assert len({write(seed) for seed in range(NETWORKS)}) == NETWORKS
