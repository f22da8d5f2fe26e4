"""In which order the implementations run."""

import random


def schedule(implementations: tuple[str, ...], rounds: int, seed: int) -> list[list[str]]:
    """Return the order of the implementations in each round: shuffled by the seed, and reversed in even rounds.

    What slows the machine over time, or an implementation's neighbour, then hits no implementation always.
    """
    shuffled = random.Random(seed)
    order: list[list[str]] = []
    for index in range(rounds):
        if index % 2:
            order.append(order[-1][::-1])
        else:
            order.append(shuffled.sample(implementations, len(implementations)))
    return order
