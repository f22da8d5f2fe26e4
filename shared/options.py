"""What a user may ask of a run, and what is taken where nothing is asked; light, for the command line's --help."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from shared.errors import nearest
from shared.spec import NetworkSpec, TrainingSpec

Options = dict[str, Any]

DATASETS: Final = ("auto", "mnist", "digits")
# The bundled digits have about 1/40 of MNIST's images: as many passes would hardly train, or time, anything.
DEFAULT_EPOCHS: Final = MappingProxyType({"mnist": 3, "digits": 10})
# Momentum adds some ten steps up, and adam's steps are of the size of the learning rate itself.
DEFAULT_RATES: Final = MappingProxyType({"sgd": TrainingSpec().learning_rate, "momentum": 0.3, "adam": 0.01})

_NETWORK, _TRAINING = NetworkSpec(), TrainingSpec()
DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "implementation": None,  # all
        "sizes": _NETWORK.sizes,
        "activation": _NETWORK.activation,
        "loss": _NETWORK.loss,
        "epochs": None,  # as DEFAULT_EPOCHS has it for the data set
        "batch_size": _TRAINING.batch_size,
        "optimizer": _TRAINING.optimizer,
        "learning_rate": None,  # as DEFAULT_RATES has it for the optimizer
        "initial": _TRAINING.initial,
        "dtype": _TRAINING.dtype,
        "seed": _TRAINING.seed,
        "dataset": "auto",
        "train_size": None,  # all
        "test_size": None,  # all
        "inputs": "unit",
        "rounds": 3,
        "threads": 1,
        "baseline": None,  # numpy_scratch
    }
)
EFFORTS: Final[Mapping[str, Mapping[str, int]]] = MappingProxyType(
    {"quick": {"rounds": 1, "epochs": 1}, "rigorous": {"rounds": 15}}
)
INPUTS: Final = ("unit", "standardised")
_ARTICLE: Final = {
    "sizes": (784, 30, 10),
    "activation": "sigmoid",
    "loss": "quadratic",
    "optimizer": "sgd",
    "batch_size": 10,
    "epochs": 30,
}
_LATER: Final = {"sizes": (784, 128, 10), "activation": "relu", "loss": "cross_entropy", "initial": "scaled"}
PRESETS: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "default": {},
        "article": {**_ARTICLE, "learning_rate": 0.01},
        "article-pytorch": {
            **_LATER,
            "optimizer": "adam",
            "learning_rate": 0.01,
            "batch_size": 64,
            "inputs": "standardised",
        },
        "article-minitorch": {
            **_LATER,
            "optimizer": "momentum",
            "learning_rate": 0.01,
            "batch_size": 100,
            "epochs": 10,
            "train_size": 1000,
            "test_size": 200,
        },
        "nielsen": {**_ARTICLE, "learning_rate": 3.0},
    }
)
"""The recipes of the article that this project grew from, and of the book that the article follows."""
SECONDS: Final = MappingProxyType({"": 1, "s": 1, "m": 60, "h": 3600})


def resolve(
    given: Mapping[str, Any], effort: str | None, stored: Mapping[str, Any] | None, preset: str | None = None
) -> Options:
    """Return every option: as given, or else of the effort, the preset, the run that is resumed, or by default.

    Parameters
    ----------
    given : None stands for an option that was not given.
    """
    explicit = {name: given[name] for name in DEFAULTS if given[name] is not None}
    return {**DEFAULTS, **(stored or {}), **PRESETS.get(preset or "", {}), **EFFORTS.get(effort or "", {}), **explicit}


def learning_rate(options: Mapping[str, Any]) -> float:
    """Return the learning rate as it was given, or else what suits the optimizer."""
    given: float | None = options["learning_rate"]
    return DEFAULT_RATES.get(options["optimizer"], _TRAINING.learning_rate) if given is None else given


def duration(text: str) -> float:
    """Return the seconds of a duration such as 90, 90s, 10m or 1.5h; ValueError for anything else."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", text)
    if not found or float(found[1]) == 0:
        raise ValueError(f"got {text!r}, expected a duration such as 90s, 10m or 1.5h")
    return float(found[1]) * SECONDS[found[2]]


def choice(text: str, allowed: tuple[str, ...]) -> str:
    """Return one of the allowed words; ValueError for any other."""
    if text not in allowed:
        raise ValueError(f"got {text!r}, expected one of {', '.join(allowed)}{nearest(text, allowed)}")
    return text


@dataclass(frozen=True)
class Limit:
    """What --fail-on asks for."""

    kind: str
    """slower or faster"""
    percent: float

    @classmethod
    def parse(cls, text: str) -> "Limit":
        """Read slower:10% or faster:10%; ValueError for anything else."""
        found = re.fullmatch(r"(slower|faster):(\d+(?:\.\d+)?)%", text)
        if not found:
            raise ValueError(f"got {text!r}, expected slower:PERCENT% or faster:PERCENT%, such as slower:10%")
        return cls(found[1], float(found[2]))

    def passed_by(self, low: float | None, high: float | None) -> bool:
        """Return whether even the near end of a ratio's interval is beyond the limit."""
        if low is None or high is None:
            return False
        ratio = 1 + self.percent / 100
        return low > ratio if self.kind == "slower" else high < 1 / ratio

    def __str__(self) -> str:
        return f"{self.kind} by more than {self.percent:g} %"
