"""From the checks of shared batches to a diagnosis: which mistake of data-parallel training or accumulation it is."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import numpy as np

from shared.agreement.finite_differences import flatten
from shared.diagnosis import shares as scenes
from shared.diagnosis import weights
from shared.diagnosis.answers import GRADIENTS
from shared.diagnosis.checks import is_number, misfits
from shared.diagnosis.diagnose import RAISES, SHAPE, UNKNOWN, Diagnosis
from shared.diagnosis.findings import DTYPE, MISSING, NOT_FINITE, Findings
from shared.diagnosis.findings import SHAPE as WRONG_SHAPE
from shared.diagnosis.matching import ALIKE
from shared.diagnosis.mistakes import MISTAKES, Mistake, behaviour, parallel
from shared.diagnosis.rehearsal import per_example, rehearsals
from shared.diagnosis.share_checks import Compared, is_finite
from shared.diagnosis.shares import ask_filled, ask_probes, ask_whole
from shared.diagnosis.weights import Reading, Vector
from shared.diagnosis.words import Lines, line_at, look_at, sentence
from shared.interface import Labels

Ask = Callable[..., Any]
"""(function, *arguments) -> function(subject, *arguments), in the process of the subject"""


UNFIT: Final = {MISSING: "a missing {}", DTYPE: "a wrong dtype", WRONG_SHAPE: SHAPE}


class Judge:
    """Finds out which mistake explains what failed."""

    def __init__(self, c: Compared, ask: Ask, lines: list[str]) -> None:
        self.c, self.shared, self.ask, self.lines = c, c.shared, ask, lines
        self.measured = ""
        self.workers, self.micro_batches = c.shared.training.workers, c.shared.training.accumulate
        self.x, self.y = c.shared.data()
        self.a, self.b = (flatten(c.shared.parameters(which)) for which in "AB")

    def diagnosis(self, failed: dict[str, Findings]) -> Diagnosis:
        """Go through the checks, causes before consequences."""
        name, found = next((name, each) for name, each in failed.items() if name != "shared: runs" or len(failed) == 1)
        scene = found[0].scene
        self.measured = measured = sentence(found)
        if name == "shared: inputs kept":
            return self.known(MISTAKES[behaviour.MODIFIED], measured)
        if name == "shared: runs":
            return self.raised(found)
        if found[0].kind in UNFIT:
            what = "gradient" if found[0].tensor.startswith("d") else "parameter"
            text = f"with {self.shared}, {scene}: {measured}; with one it is right"
            remedy = f"return every {what}, in floating point and in the shape that it has with one worker"
            return Diagnosis(UNFIT[found[0].kind].format(what), text, remedy)
        if found[0].kind == NOT_FINITE and self.is_of_empty_shares(scene):
            return self.known(parallel.SHARES[parallel.EMPTY], measured)
        explained = {
            "shared: few examples": self.of_gradients,
            "shared: gradients": self.of_gradients,
            "shared: update": self.of_step,
            "shared: reset": self.of_step if scene == scenes.SECOND else self.of_gradients,
            "shared: batches": self.of_batches,
            "shared: optimizer": self.rehearsed,
            "shared: loss": self.of_loss,
        }[name](scene)
        text = f"with {self.shared}, {scene}: {measured}; with one it is right"
        remedy = "compare the shares with C = sum_k C_k, C_k = 1/n times the sum over share k, n of the whole batch"
        return explained or Diagnosis(UNKNOWN, text, remedy, "(3)")

    def known(self, mistake: Mistake, measured: str, detail: str = "") -> Diagnosis:
        """Return the diagnosis of a mistake."""
        description = f"{mistake.description}; here {detail}" if detail else mistake.description
        return Diagnosis(
            mistake.name, description, mistake.remedy, mistake.equation, measured, look_at(mistake, self.lines)
        )

    def raised(self, found: Findings) -> Diagnosis:
        """Return the diagnosis of an exception."""
        scene = found[0].scene
        answer = (self.c.answers | self.c.state)[scene]
        assert answer.trouble is not None
        at: Lines = line_at(self.lines, answer.trouble.line)
        if self.is_of_empty_shares(scene):
            return replace(self.known(parallel.SHARES[parallel.EMPTY], f"{scene}: {answer.trouble.message}"), lines=at)
        where = f", {scene}" * (scene in (*scenes.SMALL_SCENES, scenes.BATCHES))
        text = f"with {self.shared}{where}: {answer.trouble.message}"
        return Diagnosis(RAISES, text, "correct the line that raises it", lines=at)

    def is_of_empty_shares(self, scene: str) -> bool:
        """Return whether what goes wrong in a scene is right for a small batch with an example in each share."""
        parts, is_one_level = self.workers * self.micro_batches, 1 in (self.workers, self.micro_batches)
        if scene not in (*scenes.SMALL_SCENES, scenes.BATCHES) or parts > self.shared.n:
            return False
        if scene == scenes.ONE and is_one_level and self.shared.few > 1:
            return False  # with more examples a share was empty, too
        answer = self.ask(ask_filled, self.shared).get(scenes.BATCHES if scene == scenes.BATCHES else scenes.FEW)
        tensors = {} if answer is None or answer.trouble else answer.gradients or answer.parameters
        return bool(tensors) and is_finite(tensors)

    # ---- By weights ------------------------------------------------------------------------------------

    def of_gradients(self, scene: str) -> Diagnosis | None:
        """Return what the gradients of a scene show."""
        found = flatten(self.c.answers[scene].tensors(GRADIENTS))
        at = self.b if self.c.start(scene) == "B" else self.a
        earlier = [] if scene == scenes.BUILT else [self.a, self.b, *self.trained(scenes.FIRST, scenes.BATCHES)]
        examples = np.arange(self.shared.examples(scene))
        return self.by_weights(found, at, examples, earlier, scene) or (
            self.by_probes(by_steps=False) if scene == scenes.BUILT else None
        )

    def of_step(self, scene: str) -> Diagnosis | None:
        """Return what a step of plain gradient descent shows."""
        start = self.b if self.c.start(scene) == "B" else self.a
        earlier = [] if scene == scenes.FIRST else [self.a, *self.trained(scenes.FIRST)]
        gradient = self.subtracted(scene, start)
        found = self.by_weights(gradient, start, self.shared.order(self.shared.n), earlier, scene)
        everything = self.shared.inputs.order()
        found = found or self.by_all(gradient, start, everything, [self.shared.n]) or self.rehearsed(scene)
        return found or (self.by_probes(by_steps=True) if scene == scenes.FIRST else None)

    def of_batches(self, scene: str) -> Diagnosis | None:
        """Return what a training of several batches shows, of which the first one is right."""
        if (found := self.rehearsed(scene)) is not None:
            return found
        n, n_all, whole = self.shared.n, self.shared.n_all, self.ask(ask_whole, self.shared)
        sizes = [min(n, n_all - first) for first in range(0, n_all, n)]
        return None if whole is None else self.by_all(whole, self.a, self.shared.order(n_all), sizes)

    def trained(self, *names: str) -> list[Vector]:
        """Return the parameters after these trainings, as the network gave them."""
        there = [(self.c.answers[name].parameters, self.c.expected[name]) for name in names if name in self.c.answers]
        return [flatten(found) for found, right in there if not misfits("", found, right.parameters)]

    def subtracted(self, scene: str, start: Vector) -> Vector:
        """Return by what gradient a step has changed the parameters."""
        return (start - flatten(self.c.answers[scene].parameters)) / self.shared.training.learning_rate

    def by_weights(
        self, found: Vector, at: Vector, examples: Any, earlier: list[Vector], scene: str
    ) -> Diagnosis | None:
        """Return what the weights of the examples show, at these parameters or, for some, at earlier ones."""
        n = len(examples)
        x, y = self.x[examples], self.y[examples]
        here = per_example(self.shared, at, x, y)[1]
        plain = weights.weights(here, found, n)
        if plain.fits:
            reading = weights.read(plain.values, self.workers, self.micro_batches)
            text = weights.in_words(plain.values, self.workers, self.micro_batches)
            return self.reading(reading, f"{scene}: {text}") if reading else None
        if not plain.is_unique and (guess := weights.read_gradient(here, found, self.workers, self.micro_batches)):
            text = weights.in_words(guess.values, self.workers, self.micro_batches)
            return self.reading(guess, f"{scene}: {text}")
        for other in earlier:
            there = per_example(self.shared, other, x, y)[1]
            if self.workers > 1 and self.is_mixed(here, there, found):
                text = f"{scene}: the share of worker 0 counts at the right parameters, the others at earlier ones"
                return self.known(parallel.SHARES[parallel.NOT_BROADCAST], text, "some workers have kept earlier ones")
        return None

    def is_mixed(self, here: Vector, there: Vector, found: Vector) -> bool:
        """Return whether worker 0 computes its gradient at some parameters, and the other workers at others."""
        close = weights.PREDICTED * float(np.linalg.norm(found))
        for cut in weights.cuts(len(here), self.workers):
            mixed = there.copy()
            mixed[cut[0]] = here[cut[0]]
            if np.abs(there - here).max() > 0 and np.linalg.norm(mixed.mean(axis=0) - found) <= close:
                return True
        return False

    def reading(self, reading: Reading, measured: str) -> Diagnosis:
        """Return the diagnosis of one mistake, or of two."""
        one, *others = (self.known(parallel.SHARES[name], measured, reading.where) for name in reading.names)
        for other in others:
            one = replace(
                one,
                name=f"{one.name}; and {other.name}",
                description=f"{one.description}; and {parallel.SHARES[other.name].description}",
                lines=tuple(dict.fromkeys(one.lines + other.lines)),
            )
        return one

    def by_all(self, gradient: Vector, start: Vector, order: Labels, sizes: list[int]) -> Diagnosis | None:
        """Return that each worker has an order of its own: batches of these sizes use examples of others."""
        n = self.shared.n
        found = weights.weights(per_example(self.shared, start, self.x[order], self.y[order])[1], gradient, n)
        if not found.fits or not weights.is_shuffled(found.values, sizes, self.workers):
            return None
        text = weights.in_words(found.values, 1, 1)
        return self.known(parallel.SHARES[parallel.SHUFFLED], text, f"over the examples of all batches, n = {n}")

    def by_probes(self, *, by_steps: bool) -> Diagnosis | None:
        """Return that some workers compute at unknown parameters: an example there changes the gradient otherwise."""
        probes = self.ask(ask_probes, self.shared, by_steps=by_steps) if self.workers > 1 else None
        if not probes:
            return None
        n = self.shared.n
        order = self.shared.inputs.order() if by_steps else np.arange(len(self.y))
        gradients = per_example(self.shared, self.a, self.x[order], self.y[order])[1]
        known = []
        for k, probe in enumerate(probes[1:]):
            change = gradients[n + k] - gradients[k]
            known.append(weights.weights(change[None], probe - probes[0], n).fits)
        fits = [{all(known[i] for i in share) or not any(known[i] for i in share) for share in cut}
                for cut in weights.cuts(n, self.workers) if sum(map(len, cut)) == n]  # fmt: skip
        if not any(known) or all(known) or {True} not in fits:
            return None
        text = f"of {n} examples, {sum(known)} count at the given parameters, the others at none that are known"
        return self.known(parallel.SHARES[parallel.NOT_BROADCAST], text, "some workers have others from the start")

    # ---- By rehearsal, and by the loss -----------------------------------------------------------------

    def rehearsed(self, scene: str) -> Diagnosis | None:
        """Return the mistake that leads to the parameters after a training."""
        c, which = self.c, self.c.start(scene)
        is_state, number = scene in c.state, int(scene == scenes.RETRAINED)
        shared, n = (c.with_state if is_state else c.shared), (self.shared.n if "step" in scene else self.shared.n_all)
        answers, expected = (c.state, c.expected_state) if is_state else (c.answers, c.expected)
        found, right = (flatten(each[scene].parameters) for each in (answers, expected))
        moved = float(np.linalg.norm(right - (self.b if which == "B" else self.a)))
        for way, predicted in rehearsals(shared, which, n):
            far = float(np.linalg.norm(predicted[number] - right))
            if np.linalg.norm(found - predicted[number]) <= ALIKE * moved < far:
                return self.known(parallel.SHARES[way.name], f"{scene}: {self.measured}", way.description)
        return None

    def of_loss(self, scene: str) -> Diagnosis | None:
        """Return whose loss it is."""
        n, mistake = self.shared.n, MISTAKES[behaviour.LOSS_WRONG]
        if not is_number(self.c.answers[scene].loss):
            return self.known(mistake, f"C: {self.measured}")
        losses, _ = per_example(self.shared, self.a, self.x[:n], self.y[:n])
        found = float(np.ravel(self.c.answers[scene].loss)[0])
        for reading in weights.readings(n, self.workers, self.micro_batches):
            if abs(reading.values @ losses / n - found) <= ALIKE * ALIKE * abs(found):
                what = " and ".join(reading.names) + f" ({reading.where})" * bool(reading.where)
                return replace(self.known(mistake, f"C: {self.measured}", what), remedy=parallel.ADD)
        return replace(self.known(mistake, f"C: {self.measured}"), remedy=parallel.ADD)
