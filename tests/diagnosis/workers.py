"""Networks that share their batches among workers, simulated in one process: right ones, and ones with a mistake each.

They know nothing of the diagnosis.
"""

from typing import Any

import numpy as np

from impls.numpy_scratch import OPTIMIZERS
from impls.numpy_scratch import Network as Worker
from shared.interface import Array, Labels, Parameters
from shared.spec import NetworkSpec, TrainingSpec


class Network:
    """Right: K workers with parameters and optimizers of their own, whose gradients are summed."""

    def __init__(self, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> None:
        self.spec, self.training, self.names = spec, training, list(parameters)
        self.K, self.M = training.workers, training.accumulate
        alone = TrainingSpec(training.optimizer, training.learning_rate, training.batch_size, dtype=training.dtype)
        self.ranks: list[Worker] = [self.worker(k, spec, alone, parameters) for k in range(self.K)]
        self.optimizers = [self.optimizer(k) for k in range(self.K)]

    def worker(self, k: int, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> Worker:
        return Worker(spec, training, parameters)

    def optimizer(self, k: int) -> Any:
        return OPTIMIZERS[self.training.optimizer](self.ranks[k].theta, self.training.learning_rate)

    # ---- What is planted is planted here -----------------------------------------------------------------

    def share(self, i: Labels, parts: int) -> list[Labels]:
        n = len(i)
        return [i[n * k // parts : n * (k + 1) // parts] for k in range(parts)]

    def micro(self, k: int, x: Array, y: Labels, i: Labels, n: int) -> tuple[float, Array]:
        """C and g of one micro-batch, as part of a batch of n."""
        if not len(i):
            return 0.0, np.zeros_like(self.ranks[k].theta)
        loss, _ = self.ranks[k].loss_and_gradients(x[i], y[i])
        return loss * len(i) / n, self.ranks[k].g * len(i) / n

    def accumulated(self, k: int, x: Array, y: Labels, i: Labels, n: int) -> tuple[float, Array]:
        parts = [self.micro(k, x, y, j, n) for j in self.share(i, self.M)]
        return sum(loss for loss, _ in parts), np.sum([g for _, g in parts], axis=0)

    def all_reduce(self, parts: list[tuple[float, Array]]) -> tuple[float, Array]:
        return sum(loss for loss, _ in parts), np.sum([g for _, g in parts], axis=0)

    def assign(self, i: Labels) -> list[Labels]:
        return self.share(i, self.K)

    def whole(self, x: Array, y: Labels, i: Labels) -> tuple[float, Array]:
        return self.all_reduce([self.accumulated(k, x, y, j, len(i)) for k, j in enumerate(self.assign(i))])

    def step(self, i: Labels) -> None:
        _, g = self.whole(self.x, self.y, i)
        for optimizer in self.optimizers:
            optimizer.step(g.copy())

    # ---- The contract --------------------------------------------------------------------------------------

    def reset(self, parameters: Parameters) -> None:
        for k, rank in enumerate(self.ranks):
            rank.reset(parameters)
            self.optimizers[k] = self.optimizer(k)

    def parameters(self) -> Parameters:
        return self.ranks[0].parameters()

    def predict(self, x: Array) -> Array:
        return self.ranks[0].predict(x)

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        loss, g = self.whole(x, y, np.arange(len(y)))
        return loss, self.ranks[0].to_parameters(g)

    def load(self, x: Array, y: Labels) -> None:
        self.x, self.y = x, y

    def train(self, order: Labels) -> None:
        for start in range(0, len(order), self.training.batch_size):
            self.step(order[start : start + self.training.batch_size])


class ArraySplit(Network):
    """Right, although the first shares are the larger ones."""

    def share(self, i: Labels, parts: int) -> list[Labels]:
        return list(np.array_split(i, parts))


class Strided(Network):
    """Right, although worker k takes every K-th example."""

    def assign(self, i: Labels) -> list[Labels]:
        return [i[k :: self.K] for k in range(self.K)]


class MicroBatchesFirst(Network):
    """Right: each micro-batch is shared among the workers."""

    def whole(self, x: Array, y: Labels, i: Labels) -> tuple[float, Array]:
        parts = [self.micro(k, x, y, j, len(i)) for m in self.share(i, self.M) for k, j in enumerate(self.assign(m))]
        return self.all_reduce(parts)


class OneOptimizer(Network):
    """Right: worker 0 takes the step, and sends its parameters to the others."""

    def step(self, i: Labels) -> None:
        _, g = self.whole(self.x, self.y, i)
        self.optimizers[0].step(g)
        for rank in self.ranks[1:]:
            rank.theta[:] = self.ranks[0].theta


class Reduced32(Network):
    """Right to the digits of float32, in which the gradients are sent."""

    def all_reduce(self, parts: list[tuple[float, Array]]) -> tuple[float, Array]:
        loss, g = super().all_reduce([(loss, g.astype(np.float32)) for loss, g in parts])
        return loss, g.astype(self.ranks[0].theta.dtype)


RIGHT = (Network, ArraySplit, Strided, MicroBatchesFirst, OneOptimizer, Reduced32)


# ---- Means and sums --------------------------------------------------------------------------------------


class OwnMeans(Network):
    """Each worker has the mean over its own share; what is missing is what the all-reduce does."""

    def accumulated(self, k: int, x: Array, y: Labels, i: Labels, n: int) -> tuple[float, Array]:
        return super().accumulated(k, x, y, i, max(1, len(i)))


class MeanOfMeans(OwnMeans):
    def all_reduce(self, parts: list[tuple[float, Array]]) -> tuple[float, Array]:
        loss, g = super().all_reduce(parts)
        return loss / self.K, g / self.K


class MeanOfMeansSplit(ArraySplit, MeanOfMeans):
    pass


class MeanOfMeansStrided(Strided, MeanOfMeans):
    pass


class SumForMean(OwnMeans):
    pass


class SumOverExamples(Network):
    def all_reduce(self, parts: list[tuple[float, Array]]) -> tuple[float, Array]:
        loss, g = super().all_reduce(parts)
        return loss * self.K, g * self.K


class MeanOfParts(Network):
    def all_reduce(self, parts: list[tuple[float, Array]]) -> tuple[float, Array]:
        loss, g = super().all_reduce(parts)
        return loss / self.K, g / self.K


class LastShareLost(Network):
    def all_reduce(self, parts: list[tuple[float, Array]]) -> tuple[float, Array]:
        return super().all_reduce(parts[: max(1, self.K - 1)])


class SecondShareLostMean(OwnMeans):
    def all_reduce(self, parts: list[tuple[float, Array]]) -> tuple[float, Array]:
        left = parts[:1] + parts[2:]
        loss, g = super().all_reduce(left)
        return loss / len(left), g / len(left)


class OnlyWorker0(OwnMeans):
    def all_reduce(self, parts: list[tuple[float, Array]]) -> tuple[float, Array]:
        return parts[0]


class RemainderLost(Network):
    def assign(self, i: Labels) -> list[Labels]:
        q = len(i) // self.K
        return [i[k * q : (k + 1) * q] for k in range(self.K)]


class Padded(Network):
    def whole(self, x: Array, y: Labels, i: Labels) -> tuple[float, Array]:
        return super().whole(x, y, np.concatenate([i, i[: -len(i) % self.K]]))


# ---- Orders of their own ---------------------------------------------------------------------------------


class OwnShuffling(Network):
    def assign(self, i: Labels) -> list[Labels]:
        own = [np.random.default_rng(k).permutation(i) for k in range(self.K)]
        return [self.share(order, self.K)[k] for k, order in enumerate(own)]


class OwnShufflingMean(OwnShuffling, MeanOfMeans):
    pass


class OwnShufflingOfAll(Network):
    """Each worker shuffles the whole order, before it is cut into batches; only `train` shows it."""

    def train(self, order: Labels) -> None:
        size = self.training.batch_size
        own = [np.random.default_rng(k).permutation(order) if self.K > 1 else order for k in range(self.K)]
        for start in range(0, len(order), size):
            n = len(order[start : start + size])
            shares = [self.share(each[start : start + size], self.K)[k] for k, each in enumerate(own)]
            _, g = self.all_reduce([self.accumulated(k, self.x, self.y, i, n) for k, i in enumerate(shares)])
            for optimizer in self.optimizers:
                optimizer.step(g.copy())


# ---- Parameters ------------------------------------------------------------------------------------------


class OwnParameters(Network):
    """Each worker but the first draws its own parameters."""

    def worker(self, k: int, spec: NetworkSpec, training: TrainingSpec, parameters: Parameters) -> Worker:
        draw = np.random.default_rng(k)
        own: Parameters = {name: draw.normal(size=tensor.shape) for name, tensor in parameters.items()}
        return super().worker(k, spec, training, own if k else parameters)


class ResetOfWorker0(Network):
    def reset(self, parameters: Parameters) -> None:
        self.ranks[0].reset(parameters)
        self.optimizers[0] = self.optimizer(0)


class StepOfWorker0(Network):
    def step(self, i: Labels) -> None:
        _, g = self.whole(self.x, self.y, i)
        self.optimizers[0].step(g)


# ---- Optimizers ------------------------------------------------------------------------------------------


class LocalOptimizers(OwnMeans):
    """Each worker takes its own step, and the parameters are averaged; the gradients that are returned are right."""

    weights_by_size = True

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        return self.ranks[0].loss_and_gradients(x, y)

    def step(self, i: Labels) -> None:
        shares = self.assign(i)
        for k, j in enumerate(shares):
            self.optimizers[k].step(self.accumulated(k, self.x, self.y, j, len(i))[1])
        sizes = [len(j) if self.weights_by_size else 1 for j in shares]
        self.average(sizes)

    def average(self, sizes: list[int]) -> None:
        mean = np.average([rank.theta for rank in self.ranks], axis=0, weights=sizes)
        for rank in self.ranks:
            rank.theta[:] = mean


class StateNotReset(Network):
    def reset(self, parameters: Parameters) -> None:
        for rank in self.ranks:
            rank.reset(parameters)
        self.optimizers[0] = self.optimizer(0)


class AveragedAtTheEnd(LocalOptimizers):
    def step(self, i: Labels) -> None:
        for k, j in enumerate(self.assign(i)):
            self.optimizers[k].step(Network.accumulated(self, k, self.x, self.y, j, len(i))[1] * self.K)

    def train(self, order: Labels) -> None:
        super().train(order)
        self.average([1] * self.K)


# ---- Micro-batches ---------------------------------------------------------------------------------------


class MicroMeansAdded(Network):
    def micro(self, k: int, x: Array, y: Labels, i: Labels, n: int) -> tuple[float, Array]:
        return super().micro(k, x, y, i, max(1, len(i)) * (1 if self.K == 1 else self.K))


class MicroMeanOfMeans(Network):
    def micro(self, k: int, x: Array, y: Labels, i: Labels, n: int) -> tuple[float, Array]:
        return super().micro(k, x, y, i, max(1, len(i)) * self.M)


class LastMicroBatch(Network):
    def accumulated(self, k: int, x: Array, y: Labels, i: Labels, n: int) -> tuple[float, Array]:
        parts = [self.micro(k, x, y, j, n) for j in self.share(i, self.M)]
        return sum(loss for loss, _ in parts), parts[-1][1]


class LastMicroBatchMean(Network):
    """zero_grad between micro-batches, each of which is a mean divided by M."""

    def accumulated(self, k: int, x: Array, y: Labels, i: Labels, n: int) -> tuple[float, Array]:
        for j in self.share(i, self.M):
            found = self.micro(k, x, y, j, max(1, len(j)) * self.M)
        return found


class StepForEachMicroBatch(Network):
    def step(self, i: Labels) -> None:
        for j in self.share(i, self.M):
            if len(j):
                super().step(j)


# ---- Only some of it -------------------------------------------------------------------------------------


class InTrainOnly:
    """`loss_and_gradients` is that of worker 0 alone, for the whole batch."""

    def loss_and_gradients(self, x: Array, y: Labels) -> tuple[float, Parameters]:
        found: tuple[float, Parameters] = self.ranks[0].loss_and_gradients(x, y)  # type: ignore[attr-defined]
        return found


class EmptyShares(Network):
    def accumulated(self, k: int, x: Array, y: Labels, i: Labels, n: int) -> tuple[float, Array]:
        loss, g = super().accumulated(k, x, y, i, n)
        with np.errstate(all="ignore"):
            return loss, g * np.float64(len(i)) / len(i)


class LossOfWorker0(Network):
    def all_reduce(self, parts: list[tuple[float, Array]]) -> tuple[float, Array]:
        return parts[0][0], super().all_reduce(parts)[1]


WORKERS = {
    "mean of means": (MeanOfMeans, MeanOfMeansSplit, MeanOfMeansStrided),
    "sum for mean": (SumForMean, SumOverExamples),
    "divided by the number of shares twice": (MeanOfParts,),
    "one share dropped": (LastShareLost, SecondShareLostMean),
    "all shares but one dropped": (OnlyWorker0,),
    "the remainder of the batch is dropped": (RemainderLost,),
    "the batch is padded with repeated examples": (Padded,),
    "each worker its own shuffling": (OwnShuffling, OwnShufflingMean, OwnShufflingOfAll),
    "parameters not broadcast": (OwnParameters, ResetOfWorker0, StepOfWorker0),
    "optimizer state not shared": (LocalOptimizers, StateNotReset),
    "parameters averaged only at the end": (AveragedAtTheEnd,),
    "a share without examples": (EmptyShares,),
    "wrong loss": (LossOfWorker0,),
}
"""mistake -> ways to make it with several workers"""
MICRO_BATCHES = {
    "accumulation without 1/M": (MicroMeansAdded,),
    "mean of means": (MicroMeanOfMeans,),
    "only the last micro-batch counts": (LastMicroBatch, LastMicroBatchMean),
    "a step for each micro-batch": (StepForEachMicroBatch,),
}
"""mistake -> ways to make it with several micro-batches"""
