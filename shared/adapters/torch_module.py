"""A file with a torch.nn.Module, its criterion and its optimizer, as a model that can be stepped."""

import copy
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np

from shared.adapters.loops import why_not
from shared.adapters.port import FORMS, IMAGES, About, Figures, Named, PortError, listening
from shared.adapters.torch_file import TorchFile
from shared.interface import Array, Parameters

UNKNOWN_TARGETS: Final = (
    "its targets are not known, and are taken as (n, 1); if they are (n,), every prediction is compared with every "
    "target of the batch"
)
HINTS: Final = ("lr", "momentum", "dampening", "weight_decay", "eps", "alpha")


class TorchPort(TorchFile):
    """The model of a file; with the body of its training loop as a step, or the usual one if it has none."""

    def __init__(
        self,
        path: Path,
        dtypes: Sequence[str] = ("float64", "float32"),
        named: Named = Named(),  # noqa: B008
    ) -> None:
        super().__init__(path, named)
        for dtype in dtypes:
            self.load(dtype)
            if self.criterion is None and self.loop is None:
                raise PortError(f"{path.name}: found {self.words} and no criterion; add one, such as "
                                "criterion = nn.CrossEntropyLoss(), the training loop, or --criterion")  # fmt: skip
            if self._settle():
                return
        raise PortError(f"{path.name}: a step of {self.words} fails: {self.failure}")

    # ---- Which shapes its inputs and targets have -----------------------------------------------------------

    def _settle(self) -> bool:
        """Find the shapes of a batch with which a step works; of several the one without a warning."""
        self.failure = "no shape of inputs fits"
        for shape in self._input_shapes():
            self.inputs, self.flat = shape, False
            try:
                with self.torch.no_grad():
                    outputs = copy.deepcopy(self.module).eval()(self.as_inputs(np.zeros((2, *self.inputs))))
            except Exception as error:  # noqa: BLE001 - it is a stranger's file
                self.failure = why_not(error)
                continue
            if outputs.ndim not in (1, 2):
                raise PortError(f"{self.path.name}: {self.words} gives outputs of shape {tuple(outputs.shape)}")
            self.n_out = 1 if outputs.ndim == 1 else outputs.shape[1]
            return self._settle_targets()
        return False

    def _settle_targets(self) -> bool:
        works, quiet, failures = list[tuple[bool, str]](), list[tuple[bool, str]](), list[str]()
        known = self._known_form()
        for flat, self.form in product((False, True), (known,) if known else FORMS):
            self.flat = flat
            if (flat and len(self.inputs) == 1) or (self.form in ("column", "numbers") and self.n_out > 1):
                continue
            before = len(self.caught)
            y = np.arange(4.0) / 4 if self.n_out == 1 else np.arange(4) % self.n_out
            try:
                self.restart()
                if np.isfinite(self.step(np.random.default_rng(1).random((4, *self.inputs)), y).loss):
                    works.append((flat, self.form))
                    quiet += [works[-1]] if len(self.caught) == before else []
            except Exception as error:  # noqa: BLE001 - it is a stranger's file
                failures.append(why_not(error))
            if not known:
                del self.caught[before:]
        for self.flat, self.form in [*quiet, *works][:1]:
            forms = {form for _, form in works} - {form for _, form in quiet}
            if self.n_out == 1 and not known and self.form in ("column", "rows") and "numbers" in forms:
                self.notes.append(UNKNOWN_TARGETS)
            return True
        self.failure = failures[0] if failures else self.failure
        return False

    def _input_shapes(self) -> list[tuple[int, ...]]:
        first = next(p for p in self.module.parameters() if p.ndim > 1)
        sample = self._sample()
        known = [tuple(sample[0].shape[1:])] if sample is not None and sample[0].ndim > 1 else []
        if first.ndim == 2:
            flat = [(first.shape[1],)]
            images = [shape for shape in IMAGES if np.prod(shape) == first.shape[1]]
            return [*known, *flat, *images]
        return [*known, *((first.shape[1], *shape[1:]) for shape in IMAGES)]

    def _sample(self) -> Any:
        """Return a batch (x, y) of the file's own data, if it loaded any."""
        loaders = [v for v in self.scope.values() if isinstance(v, self.torch.utils.data.DataLoader)]
        with suppress(Exception):
            batch = next(iter(loaders[0])) if loaders else None
            if isinstance(batch, (tuple, list)) and len(batch) == 2:
                return batch
        if self.loop:
            x, y = self.loop.data_names(self.names())
            of_x = [self.scope.get(n) for n in x if n not in self.source.stand_ins]
            of_y = [self.scope.get(n) for n in y if n not in self.source.stand_ins]
            tensors: list[list[Any]] = [[v for v in of if isinstance(v, self.torch.Tensor)] for of in (of_x, of_y)]
            if all(tensors):
                return tensors[0][0], tensors[1][0]
        return None

    def _known_form(self) -> str:
        """Return the form of the targets in the file's own data; "" if it is not known."""
        if (sample := self._sample()) is None:
            return ""
        y = sample[1]
        if not y.is_floating_point():
            return "labels" if y.ndim == 1 and self.n_out > 1 else ""
        if y.ndim == 1:
            return "numbers" if self.n_out == 1 else ""
        return "column" if y.shape[1] == 1 else "rows"

    def as_inputs(self, x: Array) -> Any:
        """Return examples (n, *inputs) as the module takes them."""
        shape = (len(x), *((-1,) if getattr(self, "flat", False) else self.inputs))
        return self.torch.tensor(x.reshape(shape), dtype=getattr(self.torch, self.dtype))

    def as_targets(self, y: Array) -> Any:
        """Return labels, or numbers, (n,) as the criterion takes them."""
        if self.form == "labels":
            return self.torch.tensor(y.round().astype(np.int64))
        if self.n_out > 1:
            y = np.eye(self.n_out)[y.astype(int)]
        found = self.torch.tensor(y, dtype=getattr(self.torch, self.dtype))
        return found.reshape(-1, 1) if self.form in ("column", "rows") and self.n_out == 1 else found

    # ---- Steps ----------------------------------------------------------------------------------------------

    def about(self) -> About:
        """Return what was found."""
        shapes = {name: list(tensor.shape) for name, tensor in self.tensors().items()}
        group = self.optimizer.param_groups[0]
        hints = {name: float(group[name]) for name in HINTS if isinstance(group.get(name), (int, float))}
        for k, beta in enumerate(group.get("betas", ()), 1):
            hints[f"beta_{k}"] = float(beta)
        words = [self.words, self.criterion_words, self.optimizer_words]
        words += [f"the loop in line {self.loop.node.lineno}"] if self.loop else []
        return About("torch.nn.Module", words, shapes, list(self.inputs), self.n_out, self.dtype, hints, self.own,
                     self.notes, self.modes, has_update=True)  # fmt: skip

    def give(self, parameters: Parameters) -> None:
        """Start again from these parameters."""
        self.restart()
        with self.torch.no_grad():
            for name, tensor in self.tensors().items():
                tensor.copy_(self.torch.from_numpy(np.ascontiguousarray(parameters[name])))

    def parameters(self) -> Parameters:
        """Return copies."""
        return {name: tensor.detach().numpy().copy() for name, tensor in self.tensors().items()}

    def step(self, x: Array, y: Array) -> Figures:
        """Run the body of the file's loop, or the usual step, with this batch."""
        seen: dict[str, Any] = {}
        carried = max((float(p.grad.abs().max()) for p in self.module.parameters() if p.grad is not None), default=0.0)
        with listening(self.path, self.caught), self._watched(seen):
            self.act(self.as_inputs(x), self.as_targets(y))
        if "loss" not in seen or "outputs" not in seen:
            raise PortError(f"{self.path.name}: its step calls {self.words} or backward not once")
        after = self.parameters()
        gradients = seen["gradients"]
        zeroed = self.loop is None or re.search(r"zero_grad|\.grad *= *None|\.grad\.zero_", self.source.text)
        return Figures(seen["outputs"], seen["loss"], gradients, seen.get("used", gradients), after,
                       0.0 if zeroed else carried)  # fmt: skip

    def layers(self, x: Array) -> Parameters:
        """Return z and a of each layer with a kernel, channels first, a of the last left out: the outputs are that."""
        found: dict[str, Any] = {}
        weighted = [m for m in self.module.modules() if getattr(m, "weight", None) is not None and m.weight.ndim > 1]

        def before(_: Any, inputs: Any) -> None:
            if number := len(found) // 2 + len(found) % 2:
                found.setdefault(f"a{number}", inputs[0])

        def after(_: Any, __: Any, outputs: Any) -> None:
            found[f"z{len(found) // 2 + 1}"] = outputs

        hooks = [h for m in weighted for h in (m.register_forward_pre_hook(before), m.register_forward_hook(after))]
        try:
            with self.torch.no_grad():
                self.module(self.as_inputs(x))
        finally:
            for hook in hooks:
                hook.remove()
        return {name: value.numpy().reshape(len(value), -1).copy() for name, value in found.items()}

    def act(self, x: Any, y: Any) -> None:
        """Run the body of the file's loop, or the usual step, with tensors."""
        if self.loop:
            self.loop.feed(self.scope, self.names(), x, y, self.torch.arange(len(x)))
            self.loop.run(self.scope)
            return
        self.optimizer.zero_grad()
        self.criterion(self.module(x), y).backward()
        self.optimizer.step()
        for schedule in self.schedules:
            schedule.step()

    @contextmanager
    def _watched(self, seen: dict[str, Any]) -> Iterator[None]:
        """Record outputs, loss and gradients; `float` gives the precision that is asked for here."""
        Tensor = sys.modules["torch"].Tensor
        backward, to_float = Tensor.backward, Tensor.float
        functional = sys.modules["torch"].nn.functional
        dropout = functional.dropout

        def recorded(loss: Any, *arguments: Any, **named: Any) -> None:
            backward(loss, *arguments, **named)
            seen["loss"] = float(loss.detach())
            seen["gradients"] = self._gradients()

        def heard(_: Any, __: Any, outputs: Any) -> None:
            seen.setdefault("outputs", outputs.detach().numpy().reshape(len(outputs), -1).copy())

        def used(*_: Any) -> None:
            seen.setdefault("used", self._gradients())

        hooks = [self.module.register_forward_hook(heard), self.optimizer.register_step_pre_hook(used)]

        def kept(inputs: Any, p: float = 0.5, *_: Any, **__: Any) -> Any:
            if p and p not in self.modes.get("dropout", []):
                self.modes.setdefault("dropout", []).append(float(p))
            return inputs

        Tensor.backward, functional.dropout = recorded, kept
        Tensor.float = Tensor.double if self.dtype == "float64" else to_float
        try:
            yield
        finally:
            Tensor.backward, Tensor.float, functional.dropout = backward, to_float, dropout
            for hook in hooks:
                hook.remove()

    def _gradients(self) -> Parameters:
        torch = self.torch
        tensors = self.tensors().items()
        return {k: (torch.zeros_like(p) if p.grad is None else p.grad).detach().numpy().copy() for k, p in tensors}
