"""What all ports begin with: a file is loaded in the first precision in which a step of it works."""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from shared.adapters.followed import Followed, Way
from shared.adapters.loops import why_not
from shared.adapters.port import FORMS, About, Named, PortError
from shared.adapters.scaling import Scaling
from shared.interface import Array, Parameters


class FilePort(Followed):
    """A file with a model, that was loaded without its training.

    Parameters
    ----------
    dtypes : in which it may be computed, the best first.
    named : what is used where the file has none.

    Raises
    ------
    PortError
        If it holds no model of which a step works; the message says why.
    """

    words = "its model"
    own: Parameters
    modes: dict[str, list[float]]
    way: Way

    def __init__(
        self,
        path: Path,
        dtypes: Sequence[str] = ("float64", "float32"),
        named: Named = Named(),  # noqa: B008 - it does not change
    ) -> None:
        self.path, self.named = path, named
        self.caught, self.notes = list[str](), list[str]()
        self.failure = "no shape of inputs fits"
        self.begin()
        for dtype in dtypes:
            try:
                self.load(dtype)
                if self._settle():
                    return
            except PortError:
                raise
            except Exception as error:  # noqa: BLE001 - it is a stranger's file
                self.failure = why_not(error)
        raise PortError(f"{path.name}: a step of {self.words} fails: {self.failure}")

    def begin(self) -> None:
        """Import the framework."""
        raise NotImplementedError

    def load(self, dtype: str) -> None:
        """Run the file's definitions, and find what it holds; the model computes in this dtype from now on."""
        raise NotImplementedError

    def _input_shapes(self) -> Iterator[tuple[int, ...]] | list[tuple[int, ...]]:
        """Return shapes of an example as the model may take it."""
        raise NotImplementedError

    def _take_shape(self, shape: tuple[int, ...]) -> None:
        """Call the model with examples of a shape, and keep that and the number of outputs."""
        raise NotImplementedError

    def _known_form(self) -> str:
        """Return the form of the targets in the file's own data; "" if it is not known."""
        raise NotImplementedError

    def _ways(self, forms: Sequence[str]) -> Iterator[Way]:
        """Yield in which shapes and forms a loop may take its batches."""
        raise NotImplementedError

    def _unknown(self, works: Sequence[Way], quiet: Sequence[Way]) -> str:
        """Return what to note of targets that could have several forms."""
        raise NotImplementedError

    # ---- A batch with which a step works --------------------------------------------------------------------

    def _settle(self) -> bool:
        """Find the shapes of a batch with which a step works; of several the one without a warning."""
        for shape in self._input_shapes():
            try:
                self._take_shape(shape)
            except PortError:
                raise
            except Exception as error:  # noqa: BLE001 - it is a stranger's file
                self.failure = why_not(error)
                continue
            return self._settle_targets()
        return False

    def _settle_targets(self) -> bool:
        works, quiet, failures = list[Way](), list[Way](), list[str]()
        known = self._known_form()
        self.within, self.followed = Scaling(), self._follow()
        ways = self._ways((known,) if known else FORMS if self.n_out == 1 else FORMS[:2])
        for way in chain([self.followed] if self.followed else [], ways):
            self.way = way
            if (works and self.way.is_odd != works[0].is_odd) or (quiet and self.n_out > 1):
                break
            before = len(self.caught)
            try:
                tried = self._tried()
                works.append(self.way)
                quiet += [self.way] if len(self.caught) == before else []
            except Exception as error:  # noqa: BLE001 - it is a stranger's file
                failures.append(why_not(error))
            if not (known or self.way == self.followed):
                del self.caught[before:]
            if works and self.way == self.followed:
                self._settle_scaling(*tried)
                return True
        if self.followed:
            self.preparation = None
            self.unfollowed = f"its loop does not run with what it makes of images: {failures[0]}"
        for self.way in [*quiet, *works][:1]:
            note = self._unknown(works, quiet) if self.n_out == 1 and not known else ""
            self.notes += [note] if note else []
            return True
        self.failure = failures[0] if failures else self.failure
        return False

    def _tried(self, seed: int = 1) -> tuple[Array, Array]:
        """Take a step with some examples; return these, and what the model got of them."""
        n = 4 + (self.n_out in (4, 1))
        y: Array = np.arange(n) / n if self.n_out == 1 else np.arange(float(n)) % self.n_out
        x = np.random.default_rng(seed).random((n, *self.inputs))
        return x, self.probe(x, y)

    def described(
        self, kind: str, words: Sequence[str], shapes: dict[str, list[int]], hints: dict[str, float]
    ) -> About:
        """Return what was found.

        Parameters
        ----------
        words : of the loss, the optimizer, and where the step is.
        """
        lines = self.preparation.lines if self.preparation else []
        of_data = f"its data as lines {lines[0]} to {lines[-1]} prepare them" if lines else ""
        if len(lines) == 1:
            of_data = f"its data as line {lines[0]} prepares them"
        found, notes = ([each for each in said if each] for said in (
            [self.words, *words, of_data], [*self.notes, self.unfollowed]))  # fmt: skip
        return About(kind, found, shapes, list(self.inputs), self.n_out, self.dtype, hints, self.own, notes, self.modes,
                     has_update=True)  # fmt: skip
