"""What a file with a module of Flax or Equinox holds: the module, its optimizer, its loss and its step."""

import ast
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

import numpy as np

from shared.adapters.equinox_modules import Equinox
from shared.adapters.file_port import FilePort
from shared.adapters.flax_modules import Linen, Nnx
from shared.adapters.jax_modules import Modules
from shared.adapters.jax_recording import GRADS, JaxRecording
from shared.adapters.jax_scans import SCANS
from shared.adapters.loop_finding import stepping, training_loop
from shared.adapters.named_models import named_model
from shared.adapters.port import PortError, by_name, listening
from shared.boundary import read_source
from shared.reading import functions
from shared.reading.source import Source

FEATURES: Final = {"mnist": 784, "cifar": 3072, "digits": 64}
"""a word in a file -> the features of the examples that stand for its data"""
HINTS: Final = {"learning_rate": "lr", "b1": "beta_1", "b2": "beta_2", "decay": "rho", "eps": "eps",
                "momentum": "momentum", "weight_decay": "weight_decay"}  # fmt: skip
"""arguments of optax -> as the rules call them"""

COMMON: Final = {
    "crossentropyloss": "softmax_cross_entropy_with_integer_labels", "mseloss": "squared_error",
    "sparsecategoricalcrossentropy": "softmax_cross_entropy_with_integer_labels", "mse": "squared_error",
    "crossentropy": "softmax_cross_entropy_with_integer_labels", "bcewithlogitsloss": "sigmoid_binary_cross_entropy",
}  # fmt: skip
"""losses of other frameworks -> as optax calls them; the mean is taken over all of their values"""


class JaxFile(JaxRecording, FilePort):
    """A file that is loaded without its training; what it differentiates and updates is recorded."""

    is_compared = True
    """whether steps are compared, not timed: what runs few times is compiled quickly"""

    def begin(self) -> None:
        """Import JAX, optax and the package of the file's modules."""
        if "jax" in sys.modules and sys.modules["jax"] is None:
            del sys.modules["jax"]  # a model of Keras in the same process wanted none
        self.kind = self.kind_of_modules()
        try:
            for package in ("jax", "optax", self.kind.package):
                __import__(package)
        except ImportError as error:
            package = self.kind.package.partition(".")[0]
            raise PortError(f"{self.path.name}: a {self.kind.kind} needs jax, optax and {package} ({error}); to "
                            "install them: pip install -c constraints.txt flax optax equinox") from None  # fmt: skip
        self.jax: Any = sys.modules["jax"]
        self.optax: Any = sys.modules["optax"]
        self.seen, self.asked, self.made = None, 0, []

    def kind_of_modules(self) -> type[Modules]:
        """Return the kind of the file's modules."""
        text = read_source(self.path)
        if re.search(r"^\s*(import|from) equinox", text, re.M):
            return Equinox
        return Nnx if "nnx" in text else Linen

    def load(self, dtype: str) -> None:
        """Run its definitions, and find what it holds; the module computes in this dtype from now on."""
        self.dtype = dtype
        self.jax.config.update("jax_enable_x64", dtype == "float64")
        self.jax.config.update("jax_disable_most_optimizations", self.is_compared)
        self.modules = self.kind()
        self.made.clear()
        self.modes = {}
        self.is_scanned = self.path.is_file() and bool(SCANS.search(read_source(self.path)))
        with self.watched(), listening(self.path, self.caught):
            self.read()
        self.modules.take(self.model, self.scope.values())

    def read(self) -> None:
        """Load the file, and find its module and its loop."""
        self.text = read_source(self.path)
        features = next((n for word, n in FEATURES.items() if word in self.text.lower()), 6)
        self.source = Source(self.path, real=frozenset({"jax", "flax", "equinox", "optax"}), features=features)
        self.source.load()
        if self.is_scanned:  # within what is compiled arrays of NumPy cannot be indexed
            own = self.source.namespace
            own |= {name: self.jax.numpy.asarray(own[name]) for name in self.source.stand_ins & own.keys()}
        self.loop = training_loop(self.source, GRADS, self.named.model)
        self.scope: dict[str, Any] = self.loop.scope() if self.loop else dict(self.source.namespace)
        self.model, self.words = self._module()
        if self.loop and not any(value is self.model for value in self.scope.values()):
            self.scope = self.loop.scope(self.model)
        self.function = "" if self.loop else self._step_function()

    # ---- What the file holds --------------------------------------------------------------------------------

    def _module(self) -> tuple[Any, str]:
        if self.named.model:
            return named_model(self.source, self.scope, self.named.model, self.modules.base, self.modules.made)
        found = [(v, k) for k, v in self.scope.items() if isinstance(v, self.modules.base)]
        if isinstance(self.modules, Linen):
            begun = [(module, type(module).__name__) for module, _, _ in self.modules.inits]
            found = begun[-1:] or found
        found = [each for each in found if self._entries(each[0])] or list(self._instances())
        if found:
            return max(found, key=lambda each: self._entries(each[0]))
        why = "; ".join(self.source.troubles()[:2])
        raise PortError(f"{self.path.name}: found no {self.kind.kind}{f' ({why})' if why else ''}; expected one, such "
                        "as model = MLP(...)")  # fmt: skip

    def _entries(self, model: Any) -> int:
        """Return the number of parameters that a module holds; 1 of linen, which holds none."""
        if isinstance(self.modules, Linen):
            return 1
        return sum(np.size(leaf) for leaf in self.jax.tree.leaves(model) if hasattr(leaf, "dtype"))

    def _instances(self) -> Iterator[tuple[Any, str]]:
        """Yield what other objects hold, and what classes of the file make without arguments, the last first."""
        for value in self.scope.values():
            holder = getattr(value, "model", getattr(getattr(value, "apply_fn", None), "__self__", None))
            if isinstance(holder, self.modules.base):
                yield holder, type(holder).__name__
        for name, cls in reversed(functions.own_classes(self.source).items()):
            if issubclass(cls, self.modules.base):
                with suppress(Exception):
                    yield next(iter(self.modules.made(cls))), f"{name}()"
                    return

    def names(self) -> set[str]:
        """Return the names by which the file calls its model."""
        return {name for name, value in self.scope.items() if value is self.model}

    def _step_function(self) -> str:
        """Return the name of the function that takes a step, of a file without a loop; "" if there is none."""
        begun = stepping(self.source, GRADS)
        updates = [name for name, node in self.source.functions.items() if name in begun
                   and re.search(r"\bupdate\(|apply_gradients\(|apply_updates\(", ast.unparse(node))]  # fmt: skip
        scans = [name for name, node in self.source.functions.items() if name in begun
                 and SCANS.search(ast.unparse(node))]  # fmt: skip
        return next(iter(scans[:1] or updates[-1:]), "")

    def criterion(self) -> tuple[Any, str]:
        """Return the loss for the usual step, and in words that of the file."""
        known = dict.fromkeys(re.findall(r"optax\.(?:losses\.)?(\w*(?:entropy|loss|l2|error|kl)\w*)", self.text))
        own = f"{' and '.join(known)} of optax" if known else "the loss of its own step"
        if self.loop or self.function:
            return None, own
        for name in ("criterion", "loss_fn", "loss_function", "loss"):
            if callable(value := self.scope.get(name)):
                return value, f"its function {name}"
        name = self.named.criterion or next(iter(known), "")
        name = COMMON.get(re.sub("[_ ]", "", name).lower(), name)
        found = by_name([self.optax.losses, self.optax], name) if name else None
        if name and found is None:
            raise PortError(f"got the criterion {name}, expected one of optax.losses, such as "
                            "softmax_cross_entropy_with_integer_labels")  # fmt: skip
        if found is None:
            raise PortError(f"{self.path.name}: found {self.words} and no loss; add a function that takes a step, the "
                            "training loop, or --criterion")  # fmt: skip
        return found, name

    def optimizer(self) -> tuple[Any, str]:
        """Return the optimizer of optax, and in words; None for one that the file writes itself."""
        names = [name for name, _, _ in self.made if name != "chain"]
        if self.made:
            return self.made[-1][2], f"optax: {', '.join(dict.fromkeys(names))}"
        for value in self.scope.values():
            if isinstance(value, self.optax.GradientTransformation):
                return value, "an optimizer of optax"
        if self.loop or self.function:
            return None, "an update of its own"
        if self.named.optimizer:
            with self.watched():
                found = getattr(self.optax, self.named.optimizer.lower(), None)
                if found is None:
                    raise PortError(f"got the optimizer {self.named.optimizer}, expected one of optax, such as adam")
                return found(self.named.rate or 0.001), self.named.optimizer
        return self.optax.sgd(0.1), "no optimizer: sgd with rate 0.1 here"

    def hints(self) -> dict[str, float]:
        """Return the numbers that optimizers were made with."""
        found = [(HINTS[k], v) for _, given, _ in self.made for k, v in given.items() if k in HINTS]
        return {name: float(value) for name, value in found if isinstance(value, (int, float))}
