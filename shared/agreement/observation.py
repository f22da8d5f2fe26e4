"""What is compared: outputs, loss and gradients at the initial parameters, and the parameters after 1, 10, 100 steps.

Gradients at the start alone prove little: a bias that is never updated has the correct gradient. The parameters after
updates are therefore observed too, through the implementation's own loop.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from shared.agreement.metrics import TensorError, Worst, errors, largest
from shared.agreement.tolerances import TOLERANCES
from shared.interface import Array, Labels, Network, Parameters
from shared.record import arrays, files
from shared.spec import NetworkSpec

STEPS: Final = (1, 10, 100)
N_OUTPUTS: Final = 100
"""Examples whose output activations are compared."""


def after_name(steps: int) -> str:
    """Return the name of the stage after this many steps."""
    return f"after {steps} step{'s' * (steps > 1)}"


STAGES: Final = ("outputs", "loss", "gradients", *map(after_name, STEPS))
ROUNDING_OF_A_STEP: Final = 10
"""Rounding of one step, in machine epsilons; for gradients up to 12 was measured where nothing magnifies it."""
TWINS: Final = 4
SPREAD: Final = 3
"""How much the rounding of two correct implementations may differ, as they sum in different orders."""
INCONCLUSIVE: Final = 1e-2
"""Above this relative error, rounding and a fault cannot be told apart."""


Stages = dict[str, dict[str, Array]]


@dataclass(frozen=True)
class Observation:
    """What one implementation computed from given parameters on given batches."""

    stages: Stages
    """stage -> name of a tensor -> the tensor; the stages are `STAGES`"""

    def save(self, path: Path) -> None:
        """Write an npz file without pickle, in one piece: a run that is killed meanwhile finds the old one."""
        named = {
            f"{stage}/{name}": tensor for stage, tensors in self.stages.items() for name, tensor in tensors.items()
        }
        with files.replacing(path) as file:
            np.savez(file, allow_pickle=False, **named)

    @classmethod
    def load(cls, path: Path, spec: NetworkSpec) -> "Observation":
        """Read what `save` wrote for a network; ArraysError if it is no such file, or too large."""
        sets = len(STAGES) - 2  # of the parameters
        numbers = sets * spec.parameter_count + N_OUTPUTS * spec.n_out + 1
        found = arrays.read(path, 8 * numbers + arrays.HEADER * (sets * len(spec.parameter_shapes) + 2))
        stages: Stages = {}
        for key, tensor in found.items():
            stage, _, name = key.rpartition("/")
            stages.setdefault(stage, {})[name] = tensor
        return cls(stages)


def observe(network: Network, initial: Parameters, x: Array, y: Labels, order: Labels, batch_size: int) -> Observation:
    """Observe a network from the initial parameters on the batches of `order`, repeated if it is too short."""
    network.load(x, y)
    stages = at_start(network, initial, x, y, order, batch_size)
    return Observation(stages | take_steps(network, initial, order, batch_size))


def at_start(network: Network, initial: Parameters, x: Array, y: Labels, order: Labels, batch_size: int) -> Stages:
    """Return the stages at the initial parameters: outputs of some examples, loss and gradients of the first batch."""
    order = _repeated(order, batch_size)
    batch = order[:batch_size]
    network.reset(initial)
    loss, gradients = network.loss_and_gradients(x[batch], y[batch])
    return {
        "outputs": {"a_L": network.predict(x[order[:N_OUTPUTS]])},
        "loss": {"C": np.array([loss])},
        "gradients": gradients,
    }


def take_steps(network: Network, initial: Parameters, order: Labels, batch_size: int) -> Stages:
    """Return the stages after steps from the initial parameters, on the training set that the network has loaded.

    `train` is called once per stage, so that its own loop over several batches is observed. The last batch is half a
    batch (from a batch size of 2), so that dropping or mis-scaling it is detected.
    """
    order = _repeated(order, batch_size)
    network.reset(initial)
    stages: Stages = {}
    done = 0
    for k in STEPS:
        end = k * batch_size - (batch_size // 2 if k == STEPS[-1] else 0)
        network.train(order[done:end])
        stages[after_name(k)], done = network.parameters(), end
    return stages


def _repeated(order: Labels, batch_size: int) -> Labels:
    """Return the order of all steps, which repeats a small training set."""
    return np.resize(order, STEPS[-1] * batch_size)


def errors_of(candidate: Observation, reference: Observation) -> dict[str, dict[str, TensorError]]:
    """Return for each stage the errors of each of its tensors; ValueError if stages, tensors or shapes differ."""
    if candidate.stages.keys() != reference.stages.keys():
        raise ValueError(f"stages: got {', '.join(candidate.stages)}, expected {', '.join(reference.stages)}")
    return {stage: errors(candidate.stages[stage], tensors) for stage, tensors in reference.stages.items()}


def compare(candidate: Observation, reference: Observation) -> dict[str, Worst]:
    """Return the worst relative L2 error of the tensors in each stage; ValueError as `errors_of`."""
    return {stage: largest(found) for stage, found in errors_of(candidate, reference).items()}


def twins(parameters: Parameters, dtype: str, n: int = TWINS) -> Iterator[Parameters]:
    """Yield n copies of float64 parameters, each changed at random by the rounding of a step in `dtype`."""
    size = ROUNDING_OF_A_STEP * float(np.finfo(dtype).eps)

    def change(tensor: Array, generator: np.random.Generator) -> Array:
        return tensor * (1 + size * generator.choice([-1.0, 1.0], tensor.shape))

    for generator in map(np.random.default_rng, range(n)):
        yield {name: change(tensor, generator) for name, tensor in parameters.items()}


def allowed_errors(
    reference: Observation, observed_twins: list[Observation], in_float32: Observation, dtype: str
) -> dict[str, float]:
    """Return the largest error that rounding explains, for each stage.

    It is the tolerance of the table, unless the problem itself magnifies rounding further. This is measured on the
    reference alone: the growth of one step's rounding in its twins (training that diverges, a ReLU at its kink), and
    the error of the reference itself in float32 (a_L - y of an output that is almost correct), times `SPREAD`. inf if
    this is so large that nothing can be concluded.
    """
    limit = TOLERANCES[dtype].limit
    scale = SPREAD * float(np.finfo(dtype).eps / np.finfo("float32").eps)
    rounded = {stage: scale * w.error for stage, w in compare(in_float32, reference).items()}
    allowed = {}
    for stage in reference.stages:
        grown = [compare(twin, reference)[stage].error for twin in observed_twins]
        if dtype == "float32" or np.isfinite(rounded[stage]):  # an overflow in float32 says nothing about float64
            grown.append(rounded[stage])
        # written so that nan (an overflow of the reference) is inconclusive too
        conclusive = all(error <= INCONCLUSIVE for error in grown)
        allowed[stage] = max(limit, *grown) if conclusive else float("inf")
    return allowed


def disagreements(found: dict[str, Worst], allowed: dict[str, float]) -> list[str]:
    """Return a message for each stage whose error exceeds the allowed one, or is nan where that is finite."""
    return [
        f"{stage}: {w.tensor} is off by {w.error:.1e}, allowed {allowed[stage]:.1e}"
        for stage, w in found.items()
        if np.isfinite(allowed[stage]) and not w.error <= allowed[stage]
    ]
