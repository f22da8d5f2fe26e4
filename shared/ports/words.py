"""Why two models part, in words, from the losses, the rules and the settings that were found."""

from dataclasses import replace
from typing import Final

import numpy as np

from shared.adapters.port import Figures
from shared.interface import Array
from shared.ports import data
from shared.ports.clipping import changed_gradients, clipped
from shared.ports.paths import PLACES, Rule
from shared.ports.rarer import PLACED
from shared.ports.rows import Row
from shared.ports.rules import CONSTANT
from shared.ports.sides import Comparison, Side

ORDERS: Final = {
    "last": "its training leaves the smaller last batch out (drop_last): examples never seen, and fewer steps",
    "random": "its training takes the examples in an order of its own (shuffle): a given order is not kept",
    "steps": "its training of several batches in one call is not that of the batches one by one: an order of its own, "
    "or something that it does once a call, such as a schedule by epoch",
    "nothing": "its training changes nothing in the parameters that it returns",
}
LEAST_STEPS: Final = 3
UNTOLD: Final = "by less than the rules tell"


def explain(found: Comparison) -> list[str]:
    """Return sentences: for each side what it computes, then in what the two differ."""
    said: list[str] = []
    for side in found.sides:
        said += _of_side(side, len(found.sides) == 1 or not all(row.same for row in found.rows))
    said += data.causes(found.sides, found.rows)
    said += found.of_outputs
    if len(found.sides) == 2:
        said += _differences(found) + _running_variances(found.sides)
    return said


def _of_side(side: Side, with_all: bool) -> list[str]:
    said = []
    if side.loss is not None and (with_all or side.loss.fault):
        said.append(f"{side.name}: loss: {side.loss.words} (residual {side.loss.residual:.0e})")
    if side.loss is not None and side.loss.fault:
        said.append(f"  {side.name}: to mend it: {side.loss.fault}")
    if side.loss is None and with_all and np.isfinite(side.walk[0].loss):
        said.append(f"{side.name}: loss: none of those that are known here")
    known = {f" of the {kind}": rule for kind, rule in side.apart.items()} | ({"": side.rule} if side.rule else {})
    if not known and with_all and side.about.has_update and len(side.walk) >= LEAST_STEPS and not side.unused:
        said.append(f"{side.name}: update: none of the rules that are known here, on the data that it is given")
    for kind, rule in known.items() if with_all else ():
        words = rule.words(CONSTANT[side.about.dtype])
        said.append(f"{side.name}: update{kind}: {words} (residual {rule.residual:.0e})")
    if side.unused:
        names = ", ".join(side.unused)
        said.append(f"{side.name}: does not use the given weights: {names} are not those that were given")
    if side.other_data:
        said.append(f"{side.name}: its training uses {side.other_data}")
    if side.order:
        said.append(f"{side.name}: {ORDERS[side.order]}")
    if any(figures.carried > 0 for figures in side.walk[1:]):
        said.append(f"{side.name}: gradients are never set to zero: each step adds its own to those before (zero_grad)")
    if changed := changed_gradients(side):
        said.append(f"{side.name}: {changed}")
    said += [f"{side.name}: {text}" for text in (*_one_number(side), *_rounded(side))]
    if not side.repeats:
        said.append(f"{side.name}: the same step gives other outputs: something random acts in it, such as dropout")
    return said


def _one_number(side: Side) -> list[str]:
    """Return that the gradients of a bias are one number for all units: a sum over everything."""
    found = []
    for name in side.walk[0].gradients:
        g = [np.asarray(figures.gradients[name]) for figures in side.walk]
        is_one = all(np.ptp(each) <= 1e-9 * np.abs(each).max() for each in g) and any(each.any() for each in g)
        if name[0] == "b" and g[0].size > 1 and is_one:
            found.append(name)
    if not found:
        return []
    return [f"the gradient of {', '.join(found)} is one number for all units: it is summed over all axes; sum over the "
            "examples alone (axis 0)"]  # fmt: skip


def _rounded(side: Side) -> list[str]:
    """Return that figures are computed in a lower precision than they are kept in."""
    kept = np.float64 if side.about.dtype == "float64" else np.float32
    for dtype, size in (("float16", 5e-4), ("bfloat16", 4e-3), ("float32", 6e-8)):
        if np.dtype(kept).itemsize == 4 and dtype == "float32":
            continue
        for what in ("outputs", "gradients"):
            if _is_rounded(side.walk[0], what, dtype):
                return [f"its {what} are rounded to {dtype} (steps of {size:.0e}), in a model of {side.about.dtype}"]
    return []


def _is_rounded(figures: Figures, what: str, dtype: str) -> bool:
    arrays = [figures.outputs] if what == "outputs" else list(figures.gradients.values())
    values = np.concatenate([np.ravel(a) for a in arrays])
    values = values[(values != 0) & (np.abs(values) > 1e-4) & (np.abs(values) < 1e4)]
    if len(values) < 10 or len(np.unique(values)) < 5:
        return False
    return bool(np.array_equal(_as(values, dtype), values))


def _as(values: Array, dtype: str) -> Array:
    if dtype != "bfloat16":
        with np.errstate(over="ignore"):
            return np.asarray(values.astype(dtype).astype(values.dtype))
    bits = values.astype(np.float32).view(np.uint32) & np.uint32(0xFFFF0000)
    return np.asarray(bits.view(np.float32).astype(values.dtype))


# ---- Between the two ------------------------------------------------------------------------------------


def _differences(found: Comparison) -> list[str]:
    a, b = found.sides
    parted = {row.what: row for row in found.rows if not row.same}
    said = []
    for mode in found.modes if "outputs" in parted else found.unseen:
        one, two = a.about.modes.get(mode, []), b.about.modes.get(mode, [])
        said.append(f"the two differ: {mode} {_numbers(one)} in {a.name}, {_numbers(two)} in {b.name}"
                    + _keep(mode, one, two) + _as_torch(mode, found.sides))  # fmt: skip
    if "outputs" in parted:
        if not (a.unused or b.unused or said or found.of_outputs):
            said.append("the outputs part: the layers or the activations differ, or an axis of a weight"
                        if parted["outputs"].step == 1 else
                        "the outputs part after equal updates: something else is kept from step to step")  # fmt: skip
        return said
    if "loss" in parted or "gradients" in parted:
        said += _losses(a, b, parted)
    elif "update" in parted:
        kinds = list(a.apart or b.apart)
        pairs = [[replace(side, rule=side.apart.get(kind, side.rule)) for side in (a, b)] for kind in kinds]
        both = _clipping(a, b)
        apart = [(kind, text) for kind, pair in zip(kinds, pairs, strict=True) for text in _rules(*pair)]
        said += [f"the two differ in the update of the {kind}: {text}" for kind, text in apart]
        both += [] if apart else _rules(a, b) or ([] if both else [UNTOLD])
        said += [f"the two differ in the update: {each}" for each in both]
    return said


def _running_variances(sides: list[Side]) -> list[str]:
    """Return that batch norm keeps another variance in PyTorch, where both have it: it acts in predictions alone."""
    normed = [side for side in sides if "batch norm momentum" in side.about.modes]
    torch = [side.name for side in normed if side.about.kind == "torch.nn.Module"]
    others = [side.name for side in normed if side.name not in torch]
    if not (torch and others):
        return []
    return [f"batch norm: the running variance is divided by n - 1 in {torch[0]}, by n in {others[0]}, as their "
            "frameworks have it: after equal training predictions differ by about 1/n"]  # fmt: skip


def _numbers(values: list[float]) -> str:
    counted = f" ({len(values)} times)" if len(values) > 1 else ""
    same = [f"{values[0]:g}{counted}"] if len(set(values)) == 1 else [f"{value:g}" for value in values]
    return ", ".join(same) or "none"


def _keep(mode: str, one: list[float], two: list[float]) -> str:
    is_reversed = mode == "dropout" and len(one) == len(two) and np.allclose(np.add(one, two), 1)
    return ": the share that is kept against the share that is dropped" if is_reversed else ""


def _as_torch(mode: str, sides: list[Side]) -> str:
    """Return how momentum is counted where a framework does it the other way round."""
    others = [side.name for side in sides if side.about.kind != "torch.nn.Module" and mode in side.about.modes]
    is_turned = mode == "batch norm momentum" and others
    return f"; counted as in PyTorch: {' and '.join(others)} says 1 minus that" if is_turned else ""


def factor_of(a: Side, b: Side) -> float | None:
    """Return the constant that b's gradients are of a's in the first step; None if they are no multiple."""
    one, two = (np.concatenate([np.ravel(t).astype(float) for t in side.walk[0].gradients.values()]) for side in (a, b))
    norm = float(one @ one)
    c = float(one @ two) / norm if norm else 0.0
    return c if c and np.linalg.norm(two - c * one) <= 1e-5 * np.linalg.norm(two) else None


def _losses(a: Side, b: Side, parted: dict[str, Row]) -> list[str]:
    said = []
    if a.loss and b.loss and a.loss.words != b.loss.words:
        said.append("the two differ: in the loss")
    elif "loss" not in parted:
        what = ", ".join(parted["gradients"].tensors) if "gradients" in parted else ""
        said.append(f"the two differ: the loss is the same, and the gradients of {what} are not")
    factor = factor_of(a, b)
    of_batch = any(side.loss and "class weights" in side.loss.words for side in (a, b))  # another in each batch
    if factor is not None and not of_batch:
        said.append(f"  every gradient of {b.name} is {factor:.6g} times that of {a.name}: another effective rate, as "
                    "far as the update follows the size of the gradients")  # fmt: skip
    return said


def _rules(a: Side, b: Side) -> list[str]:
    """Return in what two rules differ."""
    if a.rule is None or b.rule is None:
        return ["the rule of one of them is not a known one"]
    x, y = a.rule, b.rule
    differ = []
    if x.name != y.name:
        differ.append(f"{x.name} in {a.name}, {y.name} in {b.name}")
    if ("inside" in x.details) != ("inside" in y.details):
        inside = a if "inside" in x.details else b
        differ.append(f"{inside.name} has the rate inside the velocity: the two part where the rate changes")
    differ += _decays(a, b, x, y)
    if x.name == y.name and (x.epsilon, x.place) != (y.epsilon, y.place):
        where = PLACES if "Adam" in x.name else PLACED
        places = [f"{r.epsilon:g} {where.get(r.place, '')} in {side.name}" for side, r in ((a, x), (b, y))]
        differ.append(f"epsilon: {', '.join(places)}")
    if x.name == y.name and abs(x.momentum - y.momentum) > 1e-4:
        differ.append(f"the momentum: {x.momentum:.4g} in {a.name}, {y.momentum:.4g} in {b.name}")
    if x.every != y.every:
        differ.append(f"{a.name} updates in {_share(x)}, {b.name} in {_share(y)}")
    r, s = np.array(x.rates), np.array(y.rates)
    if x.every == y.every and np.abs(r - s).max() > 1e-4 * np.abs(r).max() and x.name == y.name:
        step = int(np.argmax(np.abs(r - s) > 1e-4 * np.abs(r).max())) + 1
        differ.append(f"the rate of step {step}: {r[step - 1]:.5g} in {a.name}, {s[step - 1]:.5g} in {b.name}")
    return differ


def _clipping(a: Side, b: Side) -> list[str]:
    how = " and ".join(f"in {side.name} {clipped(side) or 'they are not clipped'}" for side in (a, b))
    adds_up = any(side.rule is not None and side.rule.every > 1 for side in (a, b))
    return [f"clipped gradients: {how}"] if clipped(a) != clipped(b) and not adds_up else []


def _share(rule: Rule) -> str:
    return f"one of {rule.every} steps" if rule.every > 1 else "each step"


def _decays(a: Side, b: Side, x: Rule, y: Rule) -> list[str]:
    if bool(x.decay) != bool(y.decay):
        side, rule = (a, x) if x.decay else (b, y)
        return [f"weight decay {rule.decay:.3g} in {side.name} alone"]
    if x.decay and (x.how != y.how):
        return [f"weight decay, {x.how.partition(':')[0]} in {a.name}, {y.how.partition(':')[0]} in {b.name}"]
    if x.decay and abs(x.decay / y.decay - 1) > 1e-3:
        return [f"weight decay {x.decay:.3g} in {a.name}, {y.decay:.3g} in {b.name}"]
    return []
