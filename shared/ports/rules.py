"""Which rule do the updates follow? Known rules, driven by the model's own gradients, beside its own steps.

The rate of each step is left free, one number a step, and read afterwards: so schedules show. The rules that `check`
knows are in `shared.diagnosis.updates`; those there take a rate that does not change, as files of learners have it.
"""

from typing import Final

import numpy as np

from shared.ports.adaptive import adaptive
from shared.ports.momenta import of_gradients
from shared.ports.paths import NOTHING, Path, Rule, period

EXACT: Final = {"float64": 1e-9, "float32": 3e-4}
"""dtype -> relative residual of a rule that is surely the one."""
NEAREST: Final = {"float64": 1e-4, "float32": 3e-3}
"""dtype -> the same of the nearest of all rules, if none is exact: Keras keeps its rate in float32."""
CONSTANT: Final = {"float64": 1e-6, "float32": 2e-3}
"""dtype -> relative spread of rates that do not change."""
SURE: Final = 1e-11
"""Residual of a rule beside which no other is tried."""
SIMPLER: Final = 3.0
"""Of rules that differ by less than this factor the simplest is believed; they are tried from the simplest on."""
LEAST: Final = 3


def rule_of(path: Path, dtype: str, hints: dict[str, float]) -> Rule | None:
    """Return the rule that the steps follow; None if it is none of the known ones.

    Parameters
    ----------
    hints : what the optimizer declares; tried first, and believed only if the numbers agree.
    """
    if len(path.g) < LEAST or not all(np.isfinite(v).all() for v in (*path.g, *path.moved)) or not path.g[0].any():
        return None
    if not any(m.any() for m in path.moved):
        return Rule(NOTHING, "", [0.0] * len(path.g), 0.0)
    if (k := period([bool(m.any()) for m in path.moved])) > 1:  # gradients are added up
        rule, rates = rule_of(Path(*(vectors[k - 1 :: k] for vectors in path)), dtype, hints), [0.0] * len(path.g)
        if rule is not None:
            rates[k - 1 :: k] = rule.rates
        return rule._replace(every=k, rates=rates) if rule else None
    some, found = path.some(), list[Rule]()
    with np.errstate(all="ignore"):
        for make in (of_gradients, adaptive):
            for rule in make(some, hints):
                found.append(rule)
                if rule.residual <= SURE:
                    return rule
            if min(rule.residual for rule in found) <= EXACT[dtype]:
                break
    least = min(rule.residual for rule in found)
    simplest = next(rule for rule in found if rule.residual <= SIMPLER * least)
    return simplest if simplest.residual <= NEAREST[dtype] else None
