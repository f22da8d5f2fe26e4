"""The order in which the implementations run."""

import random


def schedule(implementations: tuple[str, ...], rounds: int, seed: int) -> list[list[str]]:
    """Return the order of the implementations in each round: shuffled by the seed, and reversed in even rounds.

    A drift of the machine, or a neighbour that slows the next one, then does not always affect the same implementation.
    """
    shuffled = random.Random(seed)
    order: list[list[str]] = []
    for index in range(rounds):
        if index % 2:
            order.append(order[-1][::-1])
        else:
            order.append(shuffled.sample(implementations, len(implementations)))
    return order
