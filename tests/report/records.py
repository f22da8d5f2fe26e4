"""Records of runs made by hand, with round numbers."""

from typing import Any

from shared.agreement.observation import STAGES as STAGES
from shared.spec import NetworkSpec


def sample(name: str, round_: int = 1, milliseconds: tuple[int, ...] = (100, 300, 200), **changes: Any) -> Any:
    """Return the result of a worker that did all it should: 50 steps of 10 examples an epoch."""
    return {
        "implementation": name,
        "round": round_,
        "seed": round_,
        "status": "ok",
        "threads": {"blas": 1},
        "parameter_count": 23_860,
        "finite": True,
        "test_accuracy": 0.9,
        "predictions": "0123456789",
        "steps_per_epoch": 50,
        "examples_per_epoch": 500,
        "epochs": [{"wall_ns": 10**6 * ms, "cpu_ns": 10**6 * ms} for ms in milliseconds],
        "noise": {"canary_seconds": [0.001, 0.001], "switches_per_second": 3.0, "steal": 0.0},
        "seconds": {"import": 0.25, "first step": 0.0625},
        "wall_seconds": 2.0,
        "peak_memory_bytes": 100_000_000,
        "errors": errors(2e-7),
        "pairs": {},
    } | changes


def network(*sizes: int) -> Any:
    """Return how a record names a network; 784-30-10 without sizes."""
    spec = NetworkSpec.dense(sizes or (784, 30, 10))
    title = {"title": str(spec), "sizes": list(spec.sizes), "loss": spec.loss}
    return title | {"parameter_count": spec.parameter_count}


def errors(relative_l2: float | None) -> Any:
    """Return the errors of every stage, whose worst tensor, W1, has this one."""
    worst, other = ({"relative_l2": error, "ulps": 1.5} for error in (relative_l2, 1e-8))
    return {stage: {"W1": worst, "b1": other} for stage in STAGES}


def turns(name: str, round_: int = 1, ratio: float = 2.0, share: float = 1.0, **changes: Any) -> Any:
    """Return the turns of an implementation that takes so many times as long as the baseline, with such a share."""
    cpu = 1_000_000
    own = [int(cpu * ratio / share), int(cpu * ratio)]
    result = {"implementation": name, "round": round_, "seed": round_, "status": "ok", "clock": "cpu"}
    result |= {"steps": 100, "baseline_steps": 100, "call_share": 0.001, "share": 1.0, "baseline_share": 1.0}
    return result | {"blocks": [own] * 5, "gaps": [[[cpu, cpu]]] * 6} | changes


def crashed(name: str, round_: int = 1, reason: str = "exit status 1", *stderr: str) -> Any:
    return {
        "implementation": name,
        "round": round_,
        "seed": round_,
        "status": "crashed",
        "reason": reason,
        "stderr": list(stderr),
    }


def reference(round_: int = 1, **changes: Any) -> Any:
    result = {"implementation": "float64-reference", "round": round_, "seed": round_, "status": "ok"}
    return result | {"allowed": dict.fromkeys(STAGES, 1e-5), "bounds": {"W1": 2e-6, "b1": 2e-6}} | changes


def compared(sample_: Any, other: str, error: float | None = 3e-7) -> Any:
    """Return the sample with its errors to another one of its round."""
    return sample_ | {"pairs": sample_["pairs"] | {other: dict.fromkeys(STAGES, error)}}


def record(*samples: Any, **changes: Any) -> Any:
    """Return the record of a run of these samples; the implementations are in the order of the samples."""
    rounds = sorted({s["round"] for s in samples})
    return {
        "implementations": list(dict.fromkeys(s["implementation"] for s in samples)),
        "baseline": "numpy_scratch",
        "network": network(),
        "training": {"title": "sgd, learning rate 3", "seed": 1, "batch_size": 10, "dtype": "float32"},
        "rounds": len(rounds),
        "threads": 1,
        "dataset": {"title": "MNIST: 50,000 training images, sha256 0123456789ab", "sizes": [50_000, 10_000, 10_000]},
        "tolerance": 1e-5,
        "machine": {"cpu": "A Processor"},
        "started": "2026-01-02T03:04:05+00:00",
        "ended": "complete",
        "named": False,
        "git": {},
        "references": [reference(round_) for round_ in rounds],
        "samples": list(samples),
    } | changes
