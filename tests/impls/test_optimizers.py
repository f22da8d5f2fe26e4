"""Equation (8), number by number: the optimizers of every implementation against a textbook loop in plain Python."""

import math
import subprocess
import sys

import numpy as np
import pytest

from impls.numpy_scratch import OPTIMIZERS
from impls.numpy_scratch import Network as Reference
from shared import implementations, spec
from shared.initial import cast
from shared.processes.calls import CallProcess
from shared.processes.environment import ROOT, worker_environment
from tests import calls
from tests.cases import case
from tests.command import SECONDS

BETA_1, BETA_2, EPSILON, MU = 0.9, 0.999, 1e-8, 0.9


def textbook(optimizer: str, gradients: list[float], eta: float) -> float:
    """Return theta after steps from 0 with these gradients, as the papers have it."""
    theta = v = m = 0.0
    for t, g in enumerate(gradients, 1):
        if optimizer == "sgd":
            theta -= eta * g
        elif optimizer == "momentum":
            v = MU * v + g
            theta -= eta * v
        else:
            m = BETA_1 * m + (1 - BETA_1) * g
            v = BETA_2 * v + (1 - BETA_2) * g**2
            theta -= eta * (m / (1 - BETA_1**t)) / (math.sqrt(v / (1 - BETA_2**t)) + EPSILON)
    return theta


@pytest.mark.parametrize("optimizer", spec.OPTIMIZERS)
def test_numpys_optimizers_do_what_the_papers_say(optimizer: str) -> None:
    generator = np.random.default_rng(1)
    # some so small that epsilon is most of the root
    gradients = generator.standard_normal((50, 20)) * 10.0 ** generator.integers(-12, 1, 20)
    theta = np.zeros(20)
    taking = OPTIMIZERS[optimizer](theta, 0.1)
    for g in gradients:
        taking.step(g.copy())
    expected = [textbook(optimizer, list(column), 0.1) for column in gradients.T]
    assert np.allclose(theta, expected, rtol=1e-12, atol=0)


def test_the_constants_are_those_of_the_papers() -> None:
    assert (spec.MOMENTUM, spec.BETA_1, spec.BETA_2, spec.EPSILON) == (MU, BETA_1, BETA_2, EPSILON)


@pytest.mark.exhaustive_unless(fits=lambda network: network in implementations.defaults())
def test_epsilon_stands_where_the_paper_has_it(network: CallProcess) -> None:
    """With outputs so saturated that the gradients are of epsilon's size, another place of it changes everything."""
    c = case((784, 10), "sigmoid", "quadratic", optimizer="adam", learning_rate=0.01, initial="scaled")
    x, y, order = c.data()
    start = cast(c.parameters(), "float64")
    start["b1"] -= 15
    expected = calls.steps(Reference, c.spec, c.training, start, x, y, order)["W1"]
    found = network.call(calls.steps, c.spec, c.training, start, x, y, order)["W1"]
    moved = np.linalg.norm(expected - start["W1"])
    assert np.linalg.norm(found - expected) <= 1e-7 * moved
    assert moved > 0


KERAS_DEFAULT = """
import keras, numpy as np
keras.config.set_floatx("float64")
theta = keras.Variable(np.zeros(3))
optimizer = keras.optimizers.Adam(0.01, epsilon=1e-8)
for _ in range(10):
    optimizer.apply([np.array([1.0, 1e-6, 1e-8])], [theta])
print(*theta.numpy())
"""


@pytest.mark.exhaustive
def test_keras_own_adam_drifts_from_the_paper() -> None:
    """Its epsilon is added to the root before the correction: at gradients of 1e-6 that is a tenth, at 1e-8 most."""
    command = [sys.executable, "-c", KERAS_DEFAULT]
    done = subprocess.run(command, cwd=ROOT, env=worker_environment(1), capture_output=True, text=True, timeout=SECONDS)
    drifted = np.array([float(word) for word in done.stdout.split()])
    exact = np.array([textbook("adam", [g] * 10, 0.01) for g in (1.0, 1e-6, 1e-8)])
    off = np.abs(drifted / exact - 1)
    assert off[0] < 1e-4
    assert 0.01 < off[1] < 0.3
    assert off[2] > 0.5
