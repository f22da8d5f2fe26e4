"""What a file with a torch.nn.Module holds: the module, its criterion, its optimizer and its training loop."""

import ast
import copy
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from shared.adapters.file_port import FilePort
from shared.adapters.loop_finding import training_loop
from shared.adapters.named_models import named_model
from shared.adapters.port import PortError, by_name, listening, numbered
from shared.boundary import told
from shared.reading import constructions, functions
from shared.reading.source import Inert, Source

NORMS: Final = "BatchNorm|LayerNorm|GroupNorm"

MOST_STATE: Final = 1_000_000
"""Entries of a tensor that is put back."""


class TorchFile(FilePort):
    """A file that is loaded without its training."""

    def begin(self) -> None:
        """Import PyTorch."""
        self.torch: Any = __import__("torch")

    def load(self, dtype: str) -> None:
        """Run its definitions, and find what it holds; the module computes in this dtype from now on."""
        self.dtype = dtype
        self.torch.set_default_dtype(getattr(self.torch, self.dtype))
        self.read()
        self.own = {name: tensor.detach().double().numpy().copy() for name, tensor in self.tensors().items()}
        is_odd = {str(p.dtype) for p in self.module.parameters()} - {"torch.float32", "torch.float64"}
        if is_odd:
            self.notes.append(f"its parameters are {', '.join(sorted(is_odd))}, computed in {self.dtype} here")
        self.module.to(getattr(self.torch, self.dtype))
        self.modes = self._modes()
        self.dropouts = self.modes.get("dropout", [])
        self.criterion, self.criterion_words = self._criterion()
        self.optimizer, self.optimizer_words = self._optimizer()
        if self.loop:  # what the function gets as arguments, of which nothing is known
            for name, method in re.findall(r"\b(\w+)(\.step)?\(", ast.unparse(self.loop.node)):
                if isinstance(self.scope.get(name), Inert):
                    self.scope[name] = self.optimizer if method else self.criterion or self.scope[name]
        every = self.torch.optim.lr_scheduler
        kinds = (every.LRScheduler, every.ReduceLROnPlateau)
        self.schedules = [v for v in self.scope.values() if isinstance(v, kinds)]
        self._kept = list(self._own_state())
        whole = [copy.deepcopy(each.state_dict()) for each in (self.optimizer, *self.schedules)]
        self._start = {k: v.clone() for k, v in self.module.state_dict().items()}, whole

    def read(self) -> None:
        """Load the file, and find its module and its loop."""
        self.source = Source(self.path, real=frozenset({"torch"}))
        with listening(self.path, self.caught):
            self.source.load()
        self.loop = training_loop(self.source, asked=self.named.model)
        self.scope = self.loop.scope() if self.loop else dict(self.source.namespace)
        in_class = re.search(r"\bbackward\(", "".join(map(ast.unparse, self._classes())))
        if self.loop is None and in_class:
            self.notes.append("its training loop is in a class, and is not run: the usual step is taken")
        self._look_into_objects()
        self.module, self.words = self._module()
        if self.loop and not any(value is self.module for value in self.scope.values()):
            self.scope = self.loop.scope(self.module)
        if self.named.model and self.loop and not self.names() & self.mentioned():
            self.notes.append("its loop trains another model: the usual step is taken")
            self.loop, self.scope = None, dict(self.source.namespace)

    def _own_state(self) -> Iterator[tuple[Any, Any]]:
        """Yield the tensors and the names of numbers that the file's loop may change, with what they are now."""
        for name, value in self.scope.items():
            inner = (
                value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else [value]
            )
            for each in inner:
                is_tensor = isinstance(each, self.torch.Tensor) and each.numel() <= MOST_STATE
                if is_tensor and not isinstance(each, self.torch.nn.Parameter):
                    yield each, each.detach().clone()
            if isinstance(value, (int, float)) and not name.startswith("__"):
                yield name, value

    def afresh(self) -> None:
        """Put back everything as it was loaded: the model, the optimizer, and what the loop itself keeps."""
        self.module.load_state_dict(self._start[0])
        for each, state in zip((self.optimizer, *self.schedules), self._start[1], strict=True):
            each.load_state_dict(copy.deepcopy(state))
        with self.torch.no_grad():
            for owner, value in self._kept:
                if isinstance(owner, str):
                    self.scope[owner] = value
                else:
                    owner.copy_(value)
        self.module.zero_grad()
        self.module.train()

    # ---- What the file holds --------------------------------------------------------------------------------

    def _module(self) -> tuple[Any, str]:
        nn = self.torch.nn
        if self.named.model:
            return named_model(self.source, self.scope, self.named.model, nn.Module)
        loss = nn.modules.loss._Loss
        found = [(v, k) for k, v in self.scope.items() if isinstance(v, nn.Module) and not isinstance(v, loss)]
        found = [(v, k) for v, k in found if any(True for _ in v.parameters())]
        called = self.called()
        found.sort(key=lambda each: (each[1] not in called, each[1] not in ("model", "net", "network")))
        if found:
            return found[0]
        reasons = []
        for name, cls in reversed(functions.own_classes(self.source).items()):
            if issubclass(cls, nn.Module) and not issubclass(cls, loss):
                for arguments, words in [({}, ""), *constructions.constructions(self.source, cls)]:
                    try:
                        return cls(**arguments), f"{name}({words})"
                    except Exception as error:  # noqa: BLE001 - it is a stranger's file
                        reasons.append(told(error))
        for name, value in self._makers():
            with suppress(Exception):
                if isinstance(made := value(), nn.Module):
                    return made, f"{name}()"
        why = "; ".join([*self.source.troubles(), *reasons][:2])
        raise PortError(f"{self.path.name}: found no torch.nn.Module{f' ({why})' if why else ''}; expected one, such as"
                        " model = nn.Sequential(...), or a class that can be made without arguments")  # fmt: skip

    def _classes(self) -> list[ast.ClassDef]:
        return [node for node in self.source.tree.body if isinstance(node, ast.ClassDef)]

    def _look_into_objects(self) -> None:
        """Take what an object such as a Trainer holds, where the file has no module by a name."""
        nn = self.torch.nn.Module
        if self.named.model or any(isinstance(value, nn) and any(True for _ in value.parameters())
                                   for value in self.scope.values()):  # fmt: skip
            return
        own = {name: cls for name, cls in functions.own_classes(self.source).items() if not issubclass(cls, nn)}
        owner = next((value for value in self.scope.values() if type(value) in own.values()), None)
        for name in own if owner is None else ():
            with suppress(Exception):
                self.source.run(ast.parse(f"_held = {name}()").body[0], scope := dict(self.scope))
                owner = scope["_held"]
        held = getattr(owner, "__dict__", {})
        if any(isinstance(value, nn) for value in held.values()):
            self.scope |= {name: value for name, value in held.items() if name not in self.scope}

    def _makers(self) -> Iterator[tuple[str, Any]]:
        for name, node in self.source.functions.items():
            text = ast.unparse(node)
            makes = "nn." in text and not re.search(r"backward\(|DataLoader|\bwhile\b", text)
            if makes and "." not in name and len(node.args.args) == len(node.args.defaults):
                yield name, self.scope.get(name)

    def called(self) -> set[str]:
        """Return the names of what the loop, or the file, calls."""
        nodes = ast.walk(self.loop.node) if self.loop else ast.walk(self.source.tree)
        calls = [node.func for node in nodes if isinstance(node, ast.Call)]
        return {function.id for function in calls if isinstance(function, ast.Name)}

    def mentioned(self) -> set[str]:
        """Return the names in the loop, and in the functions of the file that it calls."""
        assert self.loop is not None
        nodes = [self.loop.node, *(node for name, node in self.source.functions.items() if name in self.called())]
        return {each.id for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name)}

    def _modes(self) -> dict[str, list[float]]:
        """Return what acts in training alone; dropout is random, and is left out of what is compared."""
        found: dict[str, list[float]] = {}
        for module in self.module.modules():
            if "Dropout" in type(module).__name__:
                found.setdefault("dropout", []).append(float(module.p))
                module.p = 0.0
            elif "BatchNorm" in type(module).__name__:
                found.setdefault("batch norm epsilon", []).append(float(module.eps))
                found.setdefault("batch norm momentum", []).append(float(module.momentum or 0))
        return found

    def names(self) -> set[str]:
        """Return the names of the module."""
        return {name for name, value in self.scope.items() if value is self.module}

    def _criterion(self) -> tuple[Any, str]:
        loss = self.torch.nn.modules.loss._Loss
        found = [v for v in self.scope.values() if isinstance(v, loss)]
        if found:
            return found[-1].to(getattr(self.torch, self.dtype)), repr(found[-1])
        for name in ("criterion", "loss_fn", "loss_func", "loss_function", "loss", "cost", "objective"):
            value = self.scope.get(name)
            if callable(value) and not isinstance(value, Inert):
                return value, f"its function {name}" if hasattr(value, "__code__") else name
        text = self.source.text if self.source else ""
        names = dict.fromkeys(re.findall(r"\bnn\.(\w+Loss)\(\)", text))
        known = [getattr(self.torch.nn, name)() for name in names if hasattr(self.torch.nn, name)]
        if not known and not self.loop and self.named.criterion:
            kind = by_name([self.torch.nn], self.named.criterion, ("", "Loss"))
            if kind is None:
                raise PortError(f"got the criterion {self.named.criterion}, expected one of torch.nn, such as "
                                "CrossEntropyLoss")  # fmt: skip
            known = [kind()]
        return (known[0], repr(known[0])) if known else (None, "the loss of its loop" if self.loop else "no criterion")

    def _optimizer(self) -> tuple[Any, str]:
        found = [v for v in self.scope.values() if isinstance(v, self.torch.optim.Optimizer)]
        mine = {id(p) for p in self.module.parameters()}
        found = [o for o in found if any(id(p) in mine for group in o.param_groups for p in group["params"])]
        if not found and self.source:
            found = [made for node in ast.walk(self.source.tree) if (made := self._made(node)) is not None]
        if not found and self.named.optimizer:
            kind = by_name([self.torch.optim], self.named.optimizer)
            if kind is None:
                raise PortError(f"got the optimizer {self.named.optimizer}, expected one of torch.optim, such as Adam")
            rate = {} if self.named.rate is None else {"lr": self.named.rate}
            found = [kind(self.module.parameters(), **rate)]
        if not found:
            return self.torch.optim.SGD(self.module.parameters(), lr=0.1), "no optimizer: SGD with rate 0.1 here"
        listed = [p for group in found[0].param_groups for p in group["params"]]
        count = sum(1 for p in listed if id(p) in mine and p.requires_grad)
        if 0 < count < len(mine):
            self.notes.append(f"its optimizer updates {count} of {len(mine)} tensors")
        return found[0], type(found[0]).__name__

    def _made(self, node: ast.AST) -> Any:
        """Return the optimizer that a call within a function makes, of the model that was found."""
        if not isinstance(node, ast.Call) or not re.search(r"\.parameters\(\)", ast.unparse(node)[:200]):
            return None
        call = copy.deepcopy(node)
        call.args[:1] = [ast.Name("_parameters", ast.Load())]
        scope = self.scope | {"_parameters": list(self.module.parameters())}
        with suppress(Exception):
            made = eval(compile(ast.fix_missing_locations(ast.Expression(call)), str(self.path), "eval"), scope)
            return made if isinstance(made, self.torch.optim.Optimizer) else None
        return None

    def tensors(self) -> dict[str, Any]:
        """Return the parameters by the names that all frameworks share."""
        kinds: list[tuple[str, ...]] = []
        tensors, taken, odd = list[Any](), set[int](), list[str]()
        for module in self.module.modules():
            own = dict(module.named_parameters(recurse=False))
            own = {name: tensor for name, tensor in own.items() if id(tensor) not in taken}
            taken |= {id(tensor) for tensor in own.values()}
            is_norm = re.search(NORMS, type(module).__name__)
            kind = {"weight": "gamma", "bias": "beta"} if is_norm else {"weight": "W", "bias": "b"}
            if own and (set(own) - set(kind) or "Transpose" in type(module).__name__):
                odd.append(f"{type(module).__name__} ({', '.join(own)})")
            elif own:
                kinds.append(tuple(kind[name] for name in own))
                tensors += own.values()
        if odd:
            raise PortError(f"{self.path.name}: the parameters of {odd[0]} cannot be mapped")
        return dict(zip(numbered(kinds), tensors, strict=True))
