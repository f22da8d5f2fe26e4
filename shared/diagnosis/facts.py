"""What a person's network does, measured in its own process; what it means is decided elsewhere."""

import contextlib
import io
import traceback
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from shared.boundary import LONGEST_MESSAGE, safe, told
from shared.diagnosis.answers import Trouble
from shared.diagnosis.operators import OperatorFacts
from shared.diagnosis.others import others
from shared.diagnosis.subject import CONSTANTS, meant, spec_of
from shared.errors import SpecError
from shared.processes.harmless import harmless
from shared.reading import choose, contract, torch_module, walks
from shared.reading.batch import FORMS, Batch, Form
from shared.reading.derivatives import ENTRIES, OWN, Derivatives, derivatives, fix_chance, total
from shared.reading.program import RATE, Program, UnreadableError
from shared.reading.source import Source
from shared.reading.structure import Arrays, Layout
from shared.reading.trials import UNKNOWN, Trial, is_convolutional, trials

ANOTHER: Final = 21
"""A seed of parameters and images, where the first ones show a mistake."""
FEWER: Final = 2
"""So many entries of a tensor are shifted there."""
LARGE: Final = 1e3
"""Factor for the inputs at which exp overflows."""


@dataclass
class Options:
    """How a file is to be read, where a person says it; `READINGS` has the values."""

    layout: str | None = None
    labels: str | None = None
    weights: str | None = None
    entry: str | None = None
    """a function or class that must be called"""
    optimizer: str | None = None
    """the rule that the updates are meant to follow, one of `UPDATES`"""
    network: dict[str, Any] = field(default_factory=dict)
    """network, sizes, activation and loss, for a class `Network` of our contract"""


@dataclass
class Facts:
    """Everything that a verdict needs."""

    found: list[str]
    """what is called"""
    form: Form
    layout: Layout
    derivatives: Derivatives
    definitions: dict[str, tuple[int, int]]
    """"forward", "backward", "loss", "train", "update" -> the lines of what is called, first and last"""
    text: str
    is_autograd: bool = False
    """whether the gradients are torch's own"""
    missing: dict[str, int] = field(default_factory=dict)
    """names that the file takes from its data, and what they were given"""
    path: list[Arrays] = field(default_factory=list)
    """the parameters before and after consecutive steps of the file's own at `rate`; [] if it has no update"""
    slopes: list[Arrays] = field(default_factory=list)
    """the gradients before each of these steps"""
    rate: float = RATE
    is_count_own: bool = False
    """whether the file itself counts these steps"""
    hazards: list[Trouble] = field(default_factory=list)
    """warnings for large inputs"""
    operators: list[list[Trial]] = field(default_factory=list)
    """the convolutions and pools of a network for images, each by itself"""
    optimizer: str | None = None
    """the rule that a person says the updates follow"""
    not_finite: bool = False
    """whether the outputs for large inputs are not finite"""
    others: dict[str, bool | None] = field(default_factory=dict)
    """further arrays on which the loss depends, and whether their gradients are right; None where none was found"""
    bias_column: int = -1
    """of weights that hold the biases: the last column, or the first"""

    def words(self) -> str:
        """Return how the file was read."""
        W = "W (out, in)" if self.layout.out_first else "W (in, out)"
        return f"{self.form.words()}, {W}"

    @property
    def after(self) -> Arrays:
        """The parameters after the first step; {} if there is none."""
        return self.path[1] if self.path else {}

    @property
    def step_gradients(self) -> Arrays:
        """The gradients before the first step; {} if they are not known."""
        return self.slopes[0] if self.slopes else {}


class Subject:
    """A loaded file."""

    def __init__(self, path: str) -> None:
        self.source = Source(Path(path))
        self.source.load()

    @classmethod
    def load(cls, path: str) -> "Subject":
        """Load a file without its training."""
        with contextlib.redirect_stdout(io.StringIO()):
            return cls(path)

    def facts(self, options: Options) -> Facts | OperatorFacts:
        """Read the file and measure: all of it, or its convolutions by themselves; UnreadableError if it cannot be."""
        with contextlib.redirect_stdout(io.StringIO()), harmless(self.source.path.parent):
            try:
                every = chain(self._contract(options), choose.programs(self.source))
            except SpecError as error:  # its constants: it may be read without them
                with contextlib.suppress(UnreadableError):
                    return measured(self.source, self._others(options), options)
                raise UnreadableError(str(error)) from None
            try:
                return measured(self.source, (program for program in every if _fits(program, options)), options)
            except UnreadableError as error:
                found, failures = _operators(self.source)
                found = [each for each in found if options.entry is None or options.entry in each[0].entries]
                raised = [why for why in failures if not why.endswith(UNKNOWN)]
                if raised:
                    raise UnreadableError("; ".join(raised)) from error
                if found:
                    return OperatorFacts(found, self.source.text, str(error), failures)
                if is_convolutional(self.source):  # by its names; it may be a dense network for all that
                    dense = choose.dense_programs(self.source)
                    with contextlib.suppress(UnreadableError):
                        return measured(self.source, (each for each in dense if _fits(each, options)), options)
                raise

    def _others(self, options: Options) -> Iterator[Program]:
        return (program for program in choose.programs(self.source) if _fits(program, options))

    def _contract(self, options: Options) -> Iterator[Program]:
        names = self.source.namespace
        constants = meant({name: names[name] for name in CONSTANTS if name in names})
        return (
            contract.candidates(self.source, spec_of(constants, options.network))
            if contract.follows(self.source)
            else iter(())
        )


def measured(source: Source, programs: Iterator[Program], options: Options) -> Facts:
    """Choose a reading and measure; UnreadableError if none fits."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        reading = choose.read(source, programs, forms(options))
        arrays, batch = _lively(reading)
        found = derivatives(reading.program, arrays, batch, reading.form, most=_entries(reading))
        if reading.layout.image and not _is_right(found):  # two maxima may be too close for a difference
            again = derivatives(reading.program, *reading.draw(ANOTHER), reading.form, most=FEWER)
            arrays, batch, found = (*reading.draw(ANOTHER), again) if _is_right(again) else (arrays, batch, found)
        facts = Facts(
            reading.program.found,
            reading.form,
            reading.layout,
            found,
            _definitions(source, reading.program.lines),
            source.text,
            isinstance(reading.program, torch_module.TorchModule),
            reading.missing,
            optimizer=options.optimizer,
        )
        if facts.layout.image and not facts.is_autograd:
            facts.operators, _ = trials(source)
        facts.others = others(reading, arrays, batch) if OWN in found.by_loss else {}
        _take_step(facts, reading, arrays, batch)
        _enlarge(facts, source, reading.program, arrays, batch)
        return facts


def _entries(reading: choose.Reading) -> int:
    """Return how many entries of a tensor are shifted: fewer where loops go over all places of an image."""
    return ENTRIES // 3 if reading.layout.image else ENTRIES


def _is_right(found: Derivatives) -> bool:
    """Return whether all gradients are the derivatives of the file's own loss."""
    return OWN in found.by_loss and found.fit(found.gradients, OWN, factor=1.0).is_right


def _operators(source: Source) -> tuple[list[list[Trial]], list[str]]:
    """Return the convolutions and pools of a file, each by itself, and why others cannot be called."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        return trials(source)


class Measured(NamedTuple):
    """The facts about a network or, where a file has none, about its convolutions and pools; the other is None."""

    network: Facts | None
    operators: OperatorFacts | None


def ask(subject: Subject, options: Options) -> Measured:
    """Return the facts; called in the file's process."""
    found = subject.facts(options)
    return Measured(None, found) if isinstance(found, OperatorFacts) else Measured(found, None)


def outline(subject: Subject) -> list[str]:
    """Return the functions and classes of a file with their arguments, for who must say what is what."""
    functions = subject.source.functions.items()
    return [f"{name}({', '.join(argument.arg for argument in node.args.args)})" for name, node in functions]


def troubles(subject: Subject) -> list[str]:
    """Return why statements of the file did not run."""
    return subject.source.troubles()


def forms(options: Options) -> list[Form]:
    """Return the forms of examples that the options allow."""
    kinds = {"rows": ("rows",), "columns": ("columns",), "one": ("vector", "column", "row")}
    return [
        form
        for form in FORMS
        if (options.layout is None or form.x in kinds[options.layout]) and options.labels in (None, form.y)
    ]


def _fits(program: Program, options: Options) -> bool:
    if options.weights and program.layout.out_first != (options.weights == "out-in"):
        return False
    return options.entry is None or any(word.partition("(")[0] == options.entry for word in program.found)


def _lively(reading: choose.Reading) -> tuple[Arrays, Batch]:
    """Return the first parameters at which every gradient of the file is there: a layer of ReLUs may be dead."""
    for seed in range(1, 20):
        arrays, batch = reading.draw(seed)
        run = total(reading.program, arrays, batch, reading.form, backward=True)
        sizes = [float(np.abs(gradient).max(initial=0)) for gradient in run.gradients.values()]
        if min(sizes, default=0) > 1e-4 * max(sizes, default=0):
            return arrays, batch
    return reading.draw(1)


def _definitions(source: Source, lines: dict[str, int]) -> dict[str, tuple[int, int]]:
    """Return the lines of what is called; of a loop, those of all of it."""
    nodes = {node.lineno: node.end_lineno or node.lineno for node in source.functions.values()}
    return {part: (line, nodes.get(line, len(source.lines))) for part, line in lines.items()}


def _take_step(facts: Facts, reading: choose.Reading, arrays: Arrays, batch: Batch) -> None:
    """Let the file update its parameters at an ordinary learning rate, if it has an update that can be called."""
    program, part = reading.program, reading.form.parts(batch)[0]

    def slopes(at: Arrays) -> Arrays:
        fix_chance(program)
        found = program.run(at, part, reading.form).gradients
        return {name: np.asarray(gradient, float) for name, gradient in found.items()}

    with contextlib.suppress(Exception, SystemExit):
        facts.slopes = [slopes(arrays)]
    found = walks.walk(program, arrays, part, reading.form, lambda: fix_chance(program))
    if found is None:
        return
    facts.path, facts.rate, facts.is_count_own = found.path, found.rate, found.is_count_own
    facts.definitions |= _definitions(reading.source, found.lines)
    with contextlib.suppress(Exception, SystemExit):
        facts.slopes += [slopes(at) for at in found.path[1:-1]]


def _enlarge(facts: Facts, source: Source, program: Program, arrays: Arrays, batch: Batch) -> None:
    """Run the forward pass on inputs that are a thousand times as large."""
    large = Batch(LARGE * batch.x, batch.y, batch.n_out)
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        try:
            for part in facts.form.parts(large)[:2]:
                outputs = program.run(arrays, part, facts.form, backward=False).outputs
                facts.not_finite |= outputs is not None and not np.isfinite(outputs).all()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - it is a stranger's code
            frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == str(source.path)]
            facts.hazards.append(Trouble(told(error), frames[-1].lineno if frames else None))
    found = [w for w in caught if issubclass(w.category, RuntimeWarning) and w.filename == str(source.path)]
    facts.hazards += [Trouble(safe(str(w.message)[:LONGEST_MESSAGE]), w.lineno) for w in found]
