"""The catalogue of mistakes, one file per kind; a new mistake is a new class in one of them."""

from shared.diagnosis.mistakes import backward, behaviour, convolution, factors, forward, update
from shared.diagnosis.mistakes.catalogue import MISTAKES, Mistake, Planted, Variant

__all__ = [
    "MISTAKES",
    "Mistake",
    "Planted",
    "Variant",
    "backward",
    "behaviour",
    "convolution",
    "factors",
    "forward",
    "update",
]
