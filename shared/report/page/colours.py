"""One colour, marker and dash for each implementation, the same in every figure of every run.

The colours have medium brightness, so that they have enough contrast to white and to black (WCAG: 3 : 1 for graphics).
Colour-blind readers cannot distinguish ten hues, so no two lines differ by their colour alone.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple


class Look(NamedTuple):
    """How an implementation is drawn."""

    colour: str
    marker: str
    dash: tuple[float, ...]
    """lengths of strokes and gaps; empty for a solid line"""


# The colours of Okabe and Ito, with the light ones darkened, and others between them.
LOOKS: Final = (
    Look("#9a6a4f", "v", (1, 1)),
    Look("#148f8b", "^", (5, 1, 1, 1)),
    Look("#2f8fcf", "<", (3, 1)),
    Look("#7a67d8", ">", (1, 2)),
    Look("#0072b2", "o", ()),
    Look("#d55e00", "s", (4, 1.5)),
    Look("#b07c00", "P", (6, 1, 1, 1, 1, 1)),
    Look("#b8457a", "X", (2, 1)),
    Look("#75851a", "d", (3, 1, 1, 1)),
    Look("#00895f", "D", (1.5, 1)),
    Look("#a760a8", "p", (7, 2)),
    Look("#7c7c7c", "h", (1, 1, 3, 1)),
)


def looks(record: Mapping[str, Any]) -> dict[str, Look]:
    """Return the look of each implementation of a run: by its position among all that existed at that time."""
    known = list(record.get("known", ()))
    names = [*known, *(name for name in record["implementations"] if name not in known)]
    return {name: LOOKS[k % len(LOOKS)] for k, name in enumerate(names) if name in record["implementations"]}
