"""What lock-step has found, in words."""

import pytest

from shared.agreement.envelope import GRADIENTS, PARAMETERS, Departure, Gap
from shared.agreement.lockstep import Inside, Lockstep, Side
from shared.report import lockstep

LAYERS = 11
SIDES = (Side("one", "float32"), Side("two", "float64"))


def found(departure: Departure | None, update: tuple[str, ...] = ()) -> Lockstep:
    """Two networks of eleven layers which part in their second step, and what the first of them does in it."""
    tensors = [f"{name}{l}" for l in range(1, LAYERS + 1) for name in ("W", "b")]
    gaps = [Gap(2, kind, name, 1.0, 1e-6) for kind in (GRADIENTS, PARAMETERS) for name in tensors]
    inside = [Inside(str(SIDES[0]), True, departure, list(update)), Inside(str(SIDES[1]), True, None, [])]
    return Lockstep(SIDES, LAYERS, checked=gaps, departures=gaps[:1], steps=2, inside=inside)


@pytest.mark.parametrize(
    ("kind", "layer", "equation"),
    [
        *(("z", l, "(1)") for l in (1, 11)),
        *(("a", l, "(2)") for l in (1, 11)),
        *(("d", l, "(5)") for l in (1, 9, 10)),
        ("d", 11, "(4)"),
        *(("dW", l, "(6)") for l in (9, 11)),
        *(("db", l, "(7)") for l in (9, 11)),
    ],
)
def test_a_departure_is_named_with_its_equation_however_many_layers_there_are(
    kind: str, layer: int, equation: str
) -> None:
    ours, theirs = lockstep.document(found(Departure(kind, layer, 0.5, 1e-6)), []).more["verdict"][1:]
    assert ours == (
        f"step 2 again, from the same parameters: one (float32) first departs from the reference in "
        f"{kind}{layer}, equation {equation}: off by 5.0e-01, rounding explains 1.0e-06"
    )
    assert theirs.endswith("two (float64) is right")


def test_an_update_that_is_wrong_is_named_by_its_tensors() -> None:
    sentence = lockstep.document(found(None, ("W10", "b11")), []).more["verdict"][1]
    assert "has the right gradients, but a wrong update, equation (8), of W10, b11" in sentence


def test_a_table_has_a_column_for_each_tensor_in_order() -> None:
    parameters, gradients = lockstep.document(found(None), []).tables
    assert parameters.headers == gradients.headers
    assert parameters.headers[-3:] == ["b10", "W11", "b11"]
    assert parameters.lines[0][:2] == ["2", "! 1.0e+00 1e-06x"]
