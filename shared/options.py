"""The options of a run and their defaults; imports nothing slow, so that --help is fast."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any, Final

from shared.errors import SettingError, check_choice, nearest
from shared.layers import ACTIVATIONS, has_weights
from shared.spec import NetworkSpec, TrainingSpec

Options = dict[str, Any]

DATASETS: Final = ("auto", "mnist", "digits")
"""The names in `shared.data.LOADERS` (which imports NumPy), and "auto"."""
# Momentum adds up about ten steps, and adam's steps are as large as the learning rate.
DEFAULT_RATES: Final = MappingProxyType({"sgd": TrainingSpec().learning_rate, "momentum": 0.3, "adam": 0.01})

_TRAINING: Final = TrainingSpec()
DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType(
    {
        "implementation": None,  # all
        "network": None,  # from sizes, activation and loss
        "sizes": (784, 30, 10),
        "activation": None,  # sigmoid, or relu with convolutions
        "loss": None,  # quadratic, or the loss that the output layer requires
        "epochs": None,  # depends on the data set
        "batch_size": _TRAINING.batch_size,
        "optimizer": _TRAINING.optimizer,
        "learning_rate": None,  # DEFAULT_RATES of the optimizer
        "initial": _TRAINING.initial,
        "dtype": _TRAINING.dtype,
        "accumulate": _TRAINING.accumulate,
        "workers": _TRAINING.workers,
        "seed": _TRAINING.seed,
        "dataset": "auto",
        "train_size": None,  # all
        "test_size": None,  # all
        "inputs": "unit",
        "rounds": 3,
        "threads": 1,
        "baseline": None,  # numpy_scratch
        "one_at_a_time": False,
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
_CONVOLUTIONAL: Final = {
    "optimizer": "adam",
    "learning_rate": 0.001,
    "batch_size": 64,
    "epochs": 3,
    "initial": "scaled",
    "rounds": 1,
}
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
        "cnn": {**_CONVOLUTIONAL, "network": "28x28-conv32-pool-conv64-pool-10, relu, cross_entropy"},
        "cnn-small": {
            **_CONVOLUTIONAL,
            "network": "28x28-conv4-pool-conv8-pool-10, relu, cross_entropy",
            "learning_rate": 0.003,
            "batch_size": 20,
            "train_size": 1000,
            "test_size": 200,
        },
        "nielsen": {**_ARTICLE, "learning_rate": 3.0},
    }
)
"""The recipes of the article that this project is based on, and of the book that the article follows."""
SECONDS: Final = MappingProxyType({"": 1, "s": 1, "m": 60, "h": 3600})


def resolve(
    given: Mapping[str, Any],
    effort: str | None = None,
    stored: Mapping[str, Any] | None = None,
    preset: str | None = None,
) -> Options:
    """Return every option: as given, or from the effort, the preset, the resumed run, or the defaults, in this order.

    Parameters
    ----------
    given : None for an option that is not given.
    """
    check_choice("preset", preset or "default", tuple(PRESETS))
    if effort is not None:
        check_choice("effort", effort, tuple(EFFORTS))
    explicit = {name: given[name] for name in DEFAULTS if given.get(name) is not None}
    found = dict(DEFAULTS)
    for options in (stored or {}, PRESETS.get(preset or "", {}), EFFORTS.get(effort or "", {}), explicit):
        if "sizes" in options:
            found["network"] = None  # from earlier options; these sizes replace it
        found |= options
    check_choice("inputs", found["inputs"], INPUTS)
    check_choice("dataset", found["dataset"], DATASETS)
    return found


def network_of(options: Mapping[str, Any], given: Mapping[str, Any]) -> NetworkSpec:
    """Return the network, from the notation or from sizes; activation and loss fill in what the notation omits.

    Parameters
    ----------
    options : as `resolve` returns them.
    given : as `resolve` takes them; an option that contradicts the notation is refused, not ignored.

    Raises
    ------
    SpecError
        If it is not a network.
    SettingError
        If a given activation or loss is not one of the network.
    """
    activation, loss = options["activation"], options["loss"]
    if options["network"] is None:
        return NetworkSpec.dense(tuple(options["sizes"]), activation or "sigmoid", loss or "quadratic")
    if activation is not None:
        check_choice("activation", activation, ACTIVATIONS)
    network = NetworkSpec.parse(options["network"], activation or "", loss or "")
    has = {"activation": [layer.activation for layer in network.layers if has_weights(layer)], "loss": [network.loss]}
    for name, words in has.items():
        if given.get(name) not in (None, *words):
            raise SettingError(name, f"got {given[name]!r}, expected none: the network is {network}")
    return network


def training_of(options: Mapping[str, Any]) -> TrainingSpec:
    """Return how the network is trained; with 1 epoch if the number depends on the data set."""
    named = {field.name: options[field.name] for field in fields(TrainingSpec)}
    rate, epochs = options["learning_rate"], options["epochs"]
    usual = DEFAULT_RATES.get(options["optimizer"], _TRAINING.learning_rate)
    settled = {"learning_rate": usual if rate is None else rate, "epochs": 1 if epochs is None else epochs}
    return TrainingSpec(**named | settled)


def duration(text: str) -> float:
    """Return a duration such as 90, 90s, 10m or 1.5h in seconds; ValueError for anything else."""
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
class Threshold:
    """The change of speed that `diff` fails on."""

    kind: str
    """slower or faster"""
    percent: float

    @classmethod
    def parse(cls, text: str) -> "Threshold":
        """Parse slower:10% or faster:10%; ValueError for anything else."""
        found = re.fullmatch(r"(slower|faster):(\d+(?:\.\d+)?)%", text)
        if not found:
            raise ValueError(f"got {text!r}, expected slower:PERCENT% or faster:PERCENT%, such as slower:10%")
        return cls(found[1], float(found[2]))

    def passed_by(self, low: float | None, high: float | None) -> bool:
        """Return whether the whole interval of a ratio is beyond the threshold."""
        if low is None or high is None:
            return False
        ratio = 1 + self.percent / 100
        return low > ratio if self.kind == "slower" else high < 1 / ratio

    def __str__(self) -> str:
        return f"{self.kind} by more than {self.percent:g} %"


UPDATES: Final = ("sgd", "momentum", "nesterov", "rmsprop", "adagrad", "adam")
"""The rules to which `check` may hold the updates of a file."""
VISIBILITIES: Final = ("visible", "hidden", "after_due_date", "after_published")
"""Who sees the tests of Gradescope's results.json."""
READINGS: Final = {
    "layout": ("rows", "columns", "one"),
    "labels": ("labels", "one-hot"),
    "weights": ("out-in", "in-out"),
}
"""option of `check` -> how it may say that a file is to be read"""
