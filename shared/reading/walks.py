"""Consecutive steps of a file's own update, of which each finds what the last one kept: velocities, t, an optimizer."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from shared.reading import contract, loops
from shared.reading.batch import Batch, Form
from shared.reading.call import Call
from shared.reading.calls import Calls
from shared.reading.functions import own_classes, own_functions, ranked, return_names, signature
from shared.reading.names import has_role, is_rate, plain
from shared.reading.plans import INITIALISE_ONLY, TRAIN, UPDATE, Plan
from shared.reading.program import RATE, Program, Run
from shared.reading.rates import give_rate
from shared.reading.structure import Arrays, Leaf

STEPS: Final = 3
"""So many steps show which rule an update follows."""
COUNT: Final = re.compile(r"t|it|iter|iteration|epoch|i|time_?step|step_?(count|number|num)|count|k")
STATE: Final = re.compile(r"(?:[vsm]|velocity|momentum)_?d?_?(?P<of>[wb].*)|[vsm]_?t?|velocit\w+|mom\w*|cache\w*|state")
"""Names of what an update remembers."""
OPENING: Final = r"init\w*(veloc|adam|mom|rms|optim|state)|(veloc|adam|mom|rms|optim|state)\w*init"
USUAL: Final = {r"mu|gamma|rho|beta_?1?|b_?1|momentum\w*|decay_?rate": 0.9, r"beta_?2|b_?2": 0.999, "eps(ilon)?": 1e-8}
"""Arguments of an update that has no values for them."""


@dataclass
class Walk:
    """The parameters before and after consecutive steps."""

    path: list[Arrays]
    rate: float
    is_count_own: bool
    """whether the file counts its steps itself, and all of them were seen"""
    lines: dict[str, int]
    """"update" or "train" -> its first line"""


def walk(program: Program, arrays: Arrays, batch: Batch, form: Form, prepare: Callable[[], None]) -> Walk | None:
    """Take steps at an ordinary learning rate; None if there is no update that can be called."""
    if isinstance(program, Calls):
        plans = updates(program) if program.plan.backward else [program.plan]
        for plan in plans:
            found = _walked(replace(program, plan=plan), arrays, batch, form, prepare)
            if found is not None:
                return found
    with suppress(Exception, SystemExit):
        if isinstance(program, (loops.Loop, contract.Contract)):
            prepare()
            path, rate = program.walk(arrays, batch, form, STEPS, prepare)
            is_whole = isinstance(program, contract.Contract) or not program.block.is_nested
            return Walk(path, rate, is_whole, {}) if len(path) > 1 else None
    return None


def _walked(program: Calls, arrays: Arrays, batch: Batch, form: Form, prepare: Callable[[], None]) -> Walk | None:
    before, path = dict(program.source.namespace), [arrays]
    stepper = None
    with suppress(Exception, SystemExit):
        for k in range(STEPS):
            prepare()
            if stepper is None or stepper.starts_anew():
                stepper = _Stepper(program, arrays, batch, form)
            path.append(stepper.step(k + 1))
            if all(np.array_equal(path[-1][name], path[-2][name]) for name in arrays):
                del path[-1]
                break
    program.source.namespace.update(before)
    if stepper is None or len(path) == 1:
        return None
    return Walk(path, stepper.rate, stepper.is_count_own, stepper.lines)


class _Stepper(Call):
    """One update after the other, with what each keeps."""

    def __init__(self, program: Calls, arrays: Arrays, batch: Batch, form: Form) -> None:
        root = program.store.filled(arrays)
        if program.store.kind == "globals":
            program.source.namespace.update(root)
            root = program.source.namespace
        super().__init__(program, root, batch, form)
        self.name = program.plan.update or program.plan.train or ""
        self.state: dict[str, Any] = {}
        self.rate, self.is_count_own = 1.0, True
        self.examples = {role: self.roles[role] for role in ("x", "y")}
        self._offer(root)
        self.optimizer: Any = None
        cls, _, method = self.name.rpartition(".")
        if cls:
            self.callables[cls] = own_classes(program.source)[cls]
            self.optimizer = self.call(cls, "update")
            self.callables[self.name] = getattr(self.optimizer, method)
        else:
            self._open()
        code = getattr(self.callables[self.name], "__code__", None)
        is_here = code is not None and code.co_filename == str(program.source.path)
        self.lines = {"update" if program.plan.update else "train": code.co_firstlineno} if code and is_here else {}

    def _offer(self, root: Any) -> None:
        """Offer a dict or list within an object as its parameters."""
        places = {leaf.path[:-1] for leaf in self.program.store.leaves}
        if self.program.store.kind == "object" and len(places) == 1 and any(places):
            self.roles["parameters"] = Leaf("", places.pop()).get(root)

    def _open(self) -> None:
        """Keep what the file's own function makes for its update: initialize_adam(parameters)."""
        wanted = signature(self.callables[self.name]).parameters
        for name in ranked(own_functions(self.program.source), (OPENING,)):
            with suppress(Exception):
                made, names = self.call(name, "update"), return_names(self.program.source, name, None)
                parts = dict(zip(names, made, strict=True)) if isinstance(made, tuple) else {names[0]: made}
                self.state |= {key: part for key, part in parts.items() if key in wanted}

    def starts_anew(self) -> bool:
        """Whether a call takes as many steps as it is told, each call from the first."""
        if self.program.plan.update:
            return False
        return bool(self.turns()) or any(
            has_role(name, "epochs") for name in signature(self.callables[self.name]).parameters
        )

    def step(self, k: int) -> Arrays:
        """Take a step, the k-th; return the parameters after it."""
        known, self.k, found = dict(self.exact), k, Run()
        self.roles |= self.examples
        if self.program.plan.forward:
            self.forward(found)
        if self.program.plan.train:
            if self.starts_anew():
                self.roles["epochs"] = k
            self.train(found, RATE)
            self.rate = found.rate
            return self._go_on(found.after, known)
        self.backward(found)
        self.exact |= {f"d{parameter}": gradient for parameter, gradient in found.gradients.items()}
        before = self.parameters()
        self.rate = self.set_rate(RATE, self.name)
        value = self.call(self.name, "update")
        names = return_names(self.program.source, self.name, self.root if self.optimizer is None else None)
        if isinstance(value, tuple) and len(names) == len(value):
            self.state |= {key: part for key, part in zip(names, value, strict=True) if key in self.state}
        return self._go_on(self.after(value, before, self.name), known)

    def _go_on(self, after: Arrays, known: dict[str, Any]) -> Arrays:
        """Put returned parameters in the place of those before."""
        self.exact = known
        now = self.parameters()
        if self.program.store.kind in ("arguments", "container") and any(
            not np.array_equal(now[name], after[name]) for name in after
        ):
            self.root = self.program.store.filled(after)
            if self.program.store.kind == "arguments":
                self.exact |= self.root
            else:
                self.roles["parameters"] = self.root
        return {name: np.array(array) for name, array in after.items()}

    def set_rate(self, rate: float, name: str) -> float:
        """Give a learning rate, also to an optimizer."""
        found = super().set_rate(rate, name)
        if self.optimizer is not None and give_rate(self.optimizer, self.program.source, rate):
            found = rate
        return found

    def bound(self, name: str, context: str) -> dict[str, Any]:
        """Return the arguments of a call; those of an update may also be what it remembers, and its usual factors."""
        if context not in ("update", "train"):
            return super().bound(name, context)
        known = self.exact
        self.exact = {**known, **self._remembered(name, known, context)}
        try:
            return super().bound(name, context)
        finally:
            self.exact = known

    def _remembered(self, name: str, known: dict[str, Any], context: str) -> dict[str, Any]:
        takes = signature(self.callables[name]).parameters
        found: dict[str, Any] = {}
        for key, parameter in takes.items():
            has_default = parameter.default is not parameter.empty
            self.is_count_own &= not (COUNT.fullmatch(key) or type(parameter.default) is int)
            usual = next((value for names, value in USUAL.items() if re.fullmatch(names, plain(key))), None)
            if key in known:
                continue
            if key in self.state:
                found[key] = self.state[key]
            elif COUNT.fullmatch(key) and context == "update":
                found[key] = self.k
            elif usual is not None and not is_rate(key, takes):
                found[key] = parameter.default if has_default else usual
            elif context == "update" and not has_default and _is_state(key, takes):
                found[key] = self.state[key] = self._zeros(key)
        return found

    def _zeros(self, key: str) -> Any:
        """Return zeros in the shape of the parameters, or of the one that a name says: vW1."""
        zeros = {name: np.zeros_like(array) for name, array in self.parameters().items()}
        match = STATE.fullmatch(plain(key))
        word = (match["of"] or "") if match else ""
        named = {plain(name): array for name, array in zeros.items()}
        if word in named:
            return named[word]
        if self.program.store.kind == "container" and isinstance(self.root, dict):
            made = self.program.store.filled(zeros)
            return made | {f"d{name}": np.array(array) for name, array in made.items() if isinstance(array, np.ndarray)}
        return self.program.store.filled(zeros) if self.program.store.kind == "container" else 0.0


def _is_state(name: str, others: Iterable[str]) -> bool:
    """Return whether an argument is what an update remembers; m is only beside v, else it is a number of examples."""
    return STATE.fullmatch(plain(name)) is not None and (plain(name) != "m" or any(plain(o) == "v" for o in others))


def updates(program: Calls) -> Iterator[Plan]:
    """Yield the plan of a program with each update, and then with each step, that its file may have."""
    callables = program.callables(program.store.root)
    taken = {program.plan.forward, program.plan.backward, program.plan.loss}
    usable = {name: f for name, f in callables.items() if name not in taken and not re.search(INITIALISE_ONLY, name)}
    for name in ranked(usable, UPDATE, r"train|batch"):
        yield replace(program.plan, update=name)
    for name in _optimizers(program):
        yield replace(program.plan, update=name)
    for name in ranked(usable, TRAIN, r"prime|deriv|forward"):
        for is_listed in (False, True):
            yield replace(program.plan, train=name, is_listed=is_listed)


def _optimizers(program: Calls) -> list[str]:
    """Return the methods of classes that update parameters which they are given, those that the file makes first."""
    found = []
    for cls, value in own_classes(program.source).items():
        for name, method in vars(value).items():
            takes = list(signature(method).parameters) if callable(method) else []
            if any(has_role(key, "gradients") for key in takes) and ranked({name: None}, UPDATE):
                found.append(f"{cls}.{name}")
    made = re.findall(r"(?<!class )\b(\w+)\(", program.source.text)
    return sorted(found, key=lambda name: name.partition(".")[0] not in made)
