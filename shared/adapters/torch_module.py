"""A file with a torch.nn.Module, its criterion and its optimizer, as a model that can be stepped."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from shared.adapters.epochs import order_of
from shared.adapters.layout import channels_first
from shared.adapters.pipelines import Order
from shared.adapters.port import About, Figures, PortError, first_of, listening
from shared.adapters.torch_batches import TorchBatches
from shared.interface import Array, Parameters

HINTS: Final = ("lr", "momentum", "dampening", "weight_decay", "eps", "alpha")


class TorchPort(TorchBatches):
    """The model of a file; with the body of its training loop as a step, or the usual one if it has none."""

    def about(self) -> About:
        """Return what was found."""
        shapes = {name: list(tensor.shape) for name, tensor in self.tensors().items()}
        group = self.optimizer.param_groups[0]
        hints = {name: float(group[name]) for name in HINTS if isinstance(group.get(name), (int, float))}
        for k, beta in enumerate(group.get("betas", ()), 1):
            hints[f"beta_{k}"] = float(beta)
        where = f"the loop in line {self.loop.node.lineno}" if self.loop else ""
        return self.described("torch.nn.Module", [self.criterion_words, self.optimizer_words, where], shapes, hints)

    def give(self, parameters: Parameters) -> None:
        """Start again from these parameters."""
        self.afresh()
        with self.torch.no_grad():
            for name, tensor in self.tensors().items():
                tensor.copy_(self.torch.from_numpy(self.native(name, parameters[name])))

    def parameters(self) -> Parameters:
        """Return copies."""
        return {name: self.shared(name, tensor.detach().numpy()) for name, tensor in self.tensors().items()}

    def step(self, x: Array, y: Array) -> Figures:
        """Run the body of the file's loop, or the usual step, with this batch."""
        seen: dict[str, Any] = {}
        carried = max((float(p.grad.abs().max()) for p in self.module.parameters() if p.grad is not None), default=0.0)
        with listening(self.path, self.caught), self.watched(seen):
            self.act(self.as_taken(x), self.as_targets(y))
        if "loss" not in seen or "outputs" not in seen:
            raise PortError(f"{self.path.name}: its step calls {self.words} or backward not once")
        self.reached = seen["inputs"]
        after = self.parameters()
        gradients = seen["gradients"]
        zeroed = self.loop is None or re.search(r"zero_grad|\.grad *= *None|\.grad\.zero_", self.source.text)
        return Figures(seen["outputs"], seen["loss"], gradients, seen.get("used", gradients), after,
                       0.0 if zeroed else carried)  # fmt: skip

    def layers(self, x: Array) -> Parameters:
        """Return z and a of each layer with a kernel, channels first, a of the last left out: the outputs are that."""
        found: dict[str, Any] = {}
        weighted = [m for m in self.module.modules() if getattr(m, "weight", None) is not None and m.weight.ndim > 1]

        images = {id(t): self.images[name] for name, t in self.tensors().items() if name in self.images}

        def before(layer: Any, inputs: Any, named: Any) -> None:
            if number := len(found) // 2 + len(found) % 2:
                values, image = first_of(inputs, named).numpy(), images.get(id(layer.weight))
                found.setdefault(f"a{number}", channels_first(values, image, channels_last=image is not None))

        def after(_: Any, __: Any, outputs: Any) -> None:
            found[f"z{len(found) // 2 + 1}"] = outputs.numpy()

        hooks = [
            h
            for m in weighted
            for h in (m.register_forward_pre_hook(before, with_kwargs=True), m.register_forward_hook(after))
        ]
        try:
            with self.torch.no_grad():
                self.module(self.as_inputs(x))
        finally:
            for hook in hooks:
                hook.remove()
        return {name: value.reshape(len(value), -1).copy() for name, value in found.items()}

    def order(self) -> Order | None:
        """Return what an epoch of the file's loop takes of the examples; None where that is not known."""
        return order_of(self)

    @contextmanager
    def heard(self) -> Iterator[Callable[[], Array | None]]:
        """Listen to the module; what is yielded returns what it got since the last call."""
        given: dict[str, Any] = {}

        def kept(_: Any, inputs: Any, named: Any) -> None:
            given.setdefault("inputs", first_of(inputs, named))

        hook = self.module.register_forward_pre_hook(kept, with_kwargs=True)
        try:
            with self.watched({}):
                yield lambda: given.pop("inputs").detach().numpy() if given else None
        finally:
            hook.remove()

    def act(self, x: Any, y: Any) -> None:
        """Run the body of the file's loop, or the usual step, with tensors."""
        if self.loop:
            self.loop.feed(self.scope, self.names, x, y, lambda: self.torch.arange(len(x)))
            self.loop.run(self.scope)
            return
        self.optimizer.zero_grad()
        self.criterion(self.module(x), y).backward()
        self.optimizer.step()
        for schedule in self.schedules:
            schedule.step()

    @contextmanager
    def watched(self, seen: dict[str, Any]) -> Iterator[None]:
        """Record outputs, loss and gradients; `float` gives the precision that is asked for here."""
        Tensor = sys.modules["torch"].Tensor
        backward, to_float = Tensor.backward, Tensor.float
        functional = sys.modules["torch"].nn.functional
        dropout = functional.dropout

        def recorded(loss: Any, *arguments: Any, **named: Any) -> None:
            backward(loss, *arguments, **named)
            seen["loss"] = float(loss.detach())
            seen["gradients"] = self._gradients()

        def heard(_: Any, inputs: Any, named: Any, outputs: Any) -> None:
            seen.setdefault("inputs", first_of(inputs, named).detach().numpy().reshape(len(outputs), -1).copy())
            seen.setdefault("outputs", outputs.detach().numpy().reshape(len(outputs), -1).copy())

        def used(*_: Any) -> None:
            seen.setdefault("used", self._gradients())

        hooks = [
            self.module.register_forward_hook(heard, with_kwargs=True),
            self.optimizer.register_step_pre_hook(used),
        ]

        called: list[float] = []

        def kept(*given: Any, **named: Any) -> Any:
            p, is_training = (named.get(name, next(iter(given[k:]), usual))
                              for k, (name, usual) in enumerate({"p": 0.5, "training": True}.items(), 1))  # fmt: skip
            if p and is_training and "outputs" not in seen:  # of the first call of the module in a step
                called.append(float(p))
                self.modes["dropout"] = [*self.dropouts, *called]
            return first_of(given, named)

        Tensor.backward, functional.dropout = recorded, kept
        Tensor.float = Tensor.double if self.dtype == "float64" else to_float
        try:
            yield
        finally:
            Tensor.backward, Tensor.float, functional.dropout = backward, to_float, dropout
            for hook in hooks:
                hook.remove()

    def _gradients(self) -> Parameters:
        gradients = {k: p.grad if p.grad is not None else self.torch.zeros_like(p) for k, p in self.tensors().items()}
        return {name: self.shared(name, gradient.detach().numpy()) for name, gradient in gradients.items()}
