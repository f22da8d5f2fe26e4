"""Arrays of a network that are no weights or biases of a layer, such as gamma and beta of a batch norm."""

import re
from contextlib import suppress
from dataclasses import replace
from typing import Final

import numpy as np

from shared.reading.batch import Batch
from shared.reading.calls import Calls
from shared.reading.choose import Reading
from shared.reading.derivatives import OWN, derivatives, total
from shared.reading.names import has_role
from shared.reading.stores import own_leaves
from shared.reading.structure import Arrays, Leaf

FEW: Final = 6
"""Entries of a tensor that are shifted."""
NOT_LEARNED: Final = r"running|moving|mean|var|std|mask"


def others(reading: Reading, arrays: Arrays, batch: Batch) -> dict[str, bool | None]:
    """Return the other arrays on which the file's loss depends, and whether their gradients are right.

    None stands for a gradient that was not found. With other values of these arrays than 1 and 0, those of the weights
    may be wrong: they are in it then, too.
    """
    program, source = reading.program, reading.source
    if not isinstance(program, Calls) or program.store.kind not in ("object", "container"):
        return {}
    if any(type(leaf) is not Leaf for leaf in program.store.leaves):
        return {}  # parts of a vector, or lists of neurons
    store, generator, moved = program.store, np.random.default_rng(1), Arrays()
    every = own_leaves(store.root, source, store.words if isinstance(store.root, list) else "")
    known = {path for leaf in store.leaves for path in (leaf.path, *leaf.also)}
    new = [leaf for leaf in every if not known & {leaf.path, *leaf.also} and not re.search(NOT_LEARNED, leaf.name)]
    new = [leaf for leaf in new if not any(has_role(leaf.name, role) for role in ("x", "y", "cache"))]
    wide = replace(program, store=replace(store, leaves=(*store.leaves, *new)))
    with suppress(Exception, SystemExit), np.errstate(all="ignore"):
        loss = total(program, arrays, batch, reading.form, backward=False).loss
        for leaf in new:
            value = np.asarray(leaf.get(store.root), float)
            shifted = {leaf.name: value + 0.1 * generator.standard_normal(value.shape)}
            if total(wide, arrays | shifted, batch, reading.form, backward=False).loss != loss:
                moved |= shifted
        if loss is None or not moved:
            return {}
        wide = replace(program, store=replace(store, leaves=(*store.leaves, *(e for e in new if e.name in moved))))
        found = derivatives(wide, arrays | moved, batch, reading.form, most=FEW)
        right = found.fit(found.gradients, OWN).right
        silent = [name for name in moved if name in found.missing or not np.any(found.gradients[name])]
        return {name: None if name in silent else right[name] for name in right if name in moved or not right[name]}
    return {}
