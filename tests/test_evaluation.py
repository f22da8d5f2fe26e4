"""Metrics over every example, on values known by hand."""

import math

import numpy as np
import pytest

from shared import evaluation

ACTIVATIONS = np.array([[0.2, 0.7, 0.1], [0.5, 0.25, 0.25], [0.1, 0.1, 0.8]], np.float32)
LABELS = np.array([1, 0, 0])


def test_accuracy_counts_every_example() -> None:
    assert evaluation.accuracy(ACTIVATIONS, LABELS) == pytest.approx(2 / 3)
    assert evaluation.predicted_digits(ACTIVATIONS).tolist() == [1, 0, 2]


def test_losses_are_equation_3() -> None:
    squares = [0.04 + 0.09 + 0.01, 0.25 + 0.0625 + 0.0625, 0.81 + 0.01 + 0.64]
    assert evaluation.quadratic(ACTIVATIONS, LABELS) == pytest.approx(sum(squares) / 6)
    assert evaluation.cross_entropy(ACTIVATIONS, LABELS) == pytest.approx(-math.log(0.7 * 0.5 * 0.1) / 3)
    others = 0.8 * 0.9 * 0.75 * 0.75 * 0.9 * 0.2
    binary = evaluation.binary_cross_entropy(ACTIVATIONS, LABELS)
    assert binary == pytest.approx(-math.log(0.7 * 0.5 * 0.1 * others) / 3)


def test_the_loss_of_an_underflowed_activation_is_finite() -> None:
    for loss in (evaluation.cross_entropy, evaluation.binary_cross_entropy):
        assert math.isfinite(loss(np.array([[0.0, 1.0]]), np.array([0])))


def test_the_activations_are_left_alone() -> None:
    before = ACTIVATIONS.copy()
    evaluation.quadratic(ACTIVATIONS, LABELS)
    assert np.array_equal(before, ACTIVATIONS)
