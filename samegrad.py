"""samegrad for scripts and notebooks: the functions behind `compare.py`, with options as keyword arguments.

    >>> import samegrad
    >>> samegrad.networks()[:3]
    ['jax_jit', 'jax_sharded', 'keras_fit']
    >>> run = samegrad.compare("numpy_scratch", "pytorch", effort="quick", dataset="digits")
    >>> run.ok, len(run.answer), [row.status for row in run.rows]
    (True, 3, ['ok', 'ok'])
    >>> samegrad.Run.open(run.folder).rows == run.rows
    True
    >>> samegrad.agree("minitorch", network="784-30tanh-10identity", dataset="digits").ok
    True
    >>> samegrad.lockstep("numpy_per_example", steps=20, dataset="digits").ok
    True
    >>> samegrad.check("shared/diagnosis/example.py").verdict.right
    True
    >>> samegrad.predict("docs/digits/seven.png", run=run.folder).activations["pytorch"].shape
    (1, 10)
    >>> spec, training = samegrad.NetworkSpec.parse("784-30-10"), samegrad.TrainingSpec()
    >>> parameters = samegrad.draw_parameters(spec, training)
    >>> network = samegrad.load("numpy_scratch")(spec, training, parameters)
    >>> {name: tensor.shape for name, tensor in network.parameters().items()}
    {'W1': (30, 784), 'b1': (30,), 'W2': (10, 30), 'b2': (10,)}
    >>> x, y = samegrad.dataset("digits").train.first(10).arrays("float32")
    >>> loss, by_hand = network.loss_and_gradients(x, y)
    >>> float(abs(samegrad.gradients("minitorch", spec=spec, x=x, y=y)["minitorch"]["W1"] - by_hand["W1"]).max()) < 1e-6
    True

Results print as the command prints them, and as tables in a notebook.
"""

from shared import __version__
from shared.api.models import Models, models
from shared.api.own import Checked, Predicted, check, predict
from shared.api.parts import dataset, gradients
from shared.api.ports import Ported
from shared.api.proofs import Agreement, Steps, agree, lockstep
from shared.api.runs import Run, compare
from shared.api.sweeps import Sweep, sweep
from shared.api.teaching import Submissions, check_folder
from shared.data import DataError, Dataset
from shared.errors import SettingError, SpecError
from shared.implementations import UnknownImplementationError, load
from shared.implementations import names as networks
from shared.initial import draw_orders, draw_parameters
from shared.layers import Dense
from shared.processes.calls import CallError
from shared.record.journal import RunError
from shared.spec import NetworkSpec, TrainingSpec

__all__ = [
    "Agreement",
    "CallError",
    "Checked",
    "DataError",
    "Dataset",
    "Dense",
    "Models",
    "NetworkSpec",
    "Ported",
    "Predicted",
    "Run",
    "RunError",
    "SettingError",
    "SpecError",
    "Steps",
    "Submissions",
    "Sweep",
    "TrainingSpec",
    "UnknownImplementationError",
    "__version__",
    "agree",
    "check",
    "check_folder",
    "compare",
    "dataset",
    "draw_orders",
    "draw_parameters",
    "gradients",
    "load",
    "lockstep",
    "models",
    "networks",
    "predict",
    "sweep",
]
