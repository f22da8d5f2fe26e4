"""Wrong shares of a batch: the mistakes of data-parallel training and of gradient accumulation.

They are no networks to compare with, like the others of the catalogue: the weight of each example in a gradient shows
them (`shared.diagnosis.weights`), or a rehearsal of what the workers do (`shared.diagnosis.rehearsal`).
"""

from typing import Final

from shared.diagnosis.mistakes.catalogue import Mistake

ADD: Final = "divide each share's sum by n of the whole batch, and add: C = sum_k C_k, C_k = 1/n sum over share k"

MEAN_OF_MEANS: Final = "mean of means"
SUM_FOR_MEAN: Final = "sum for mean"
NOT_DIVIDED: Final = "accumulation without 1/M"
DIVIDED_TWICE: Final = "divided by the number of shares twice"
DROPPED: Final = "one share dropped"
ONLY_ONE: Final = "all shares but one dropped"
LAST_ONLY: Final = "only the last micro-batch counts"
REMAINDER: Final = "the remainder of the batch is dropped"
PADDED: Final = "the batch is padded with repeated examples"
SHUFFLED: Final = "each worker its own shuffling"
NOT_BROADCAST: Final = "parameters not broadcast"
STATE: Final = "optimizer state not shared"
AT_THE_END: Final = "parameters averaged only at the end"
EACH_MICRO: Final = "a step for each micro-batch"
EMPTY: Final = "a share without examples"

SHARES: Final[dict[str, Mistake]] = {
    mistake.name: mistake
    for mistake in (
        Mistake(
            MEAN_OF_MEANS, "(3)", "the shares' own means are averaged: an example of a small share counts more than "
            "one of a large share", ADD, r"mean\(|AVG|(?<!/)/ ?(len|world_size|(self\.)?(training\.)?workers)",
        ),
        Mistake(
            SUM_FOR_MEAN, "(3)", "the shares' own means are added as if they were parts of one mean: the gradient is "
            "as many times too large as there are shares", ADD, r"all_?reduce|\bsum\(",
        ),
        Mistake(
            NOT_DIVIDED, "(3)", "the means of the M micro-batches are added, and not divided by M", ADD,
            r"accumulate|backward\(|\+= ?.*(g\b|grad)",
        ),
        Mistake(
            DIVIDED_TWICE, "(3)", "the shares are divided by n of the whole batch, and their sum by the number of "
            "shares again", "add the shares without a mean: all-reduce with SUM, or multiply by the number of workers "
            "what DistributedDataParallel averages", r"AVG|mean\(|(?<!/)/ ?(self\.)?(training\.)?(workers|accumulate)",
        ),
        Mistake(
            DROPPED, "(3)", "the gradient of one share is lost", "let each share of the batch count once: " + ADD,
            r"range\(1, ?|range\(.*- ?1\)",
        ),
        Mistake(
            ONLY_ONE, "(3)", "the gradient is that of one share, the others are lost",
            "all-reduce the gradients before the step: " + ADD, r"all_?reduce|no_sync",
        ),
        Mistake(
            LAST_ONLY, "(3)", "the gradient is that of the last micro-batch: those before it are overwritten or set to "
            "zero", "set the gradients to zero once a step, before its first micro-batch, and add: +=",
            r"zero_grad|\.fill\(0|\[:\] ?= ?0|zeros_like",
        ),
        Mistake(
            REMAINDER, "(3)", "the batch is cut into equal shares, and what is left over is not used",
            "let the sizes of the shares differ by one: shares(n, K) of shared/spec.py", r"// ?",
        ),
        Mistake(
            PADDED, "(3)", "examples are repeated so that all shares have one size, as DistributedSampler does",
            "let the sizes of the shares differ by one: shares(n, K) of shared/spec.py", r"DistributedSampler|ceil|pad",
        ),
        Mistake(
            SHUFFLED, "(3)", "each worker cuts its share from an order of its own: some examples count several times, "
            "others not at all", "shuffle once, with one seed for all, and give each worker its share of that order",
            r"shuffle|permutation|default_rng|seed",
        ),
        Mistake(
            NOT_BROADCAST, "(3)", "not all workers compute their gradients at the same parameters",
            "send the parameters to every worker: when the network is built, in reset, and after each step",
            r"broadcast|def reset\(",
        ),
        Mistake(
            STATE, "(8)", "each worker has an optimizer with a state of its own",
            "add the gradients of all workers first, then take one step of one optimizer; reset it on every worker",
            r"optimizer|Adam|moment",
        ),
        Mistake(
            AT_THE_END, "(8)", "the workers train by themselves, and their parameters are averaged at the end of "
            "`train`", "add the gradients of all workers in each step", r"mean\(|average",
        ),
        Mistake(
            EACH_MICRO, "(8)", "the optimizer takes a step for each micro-batch",
            "add the gradients of all micro-batches first, then take one step", r"\.step\(",
        ),
        Mistake(
            EMPTY, "(3)", "a batch of fewer examples than shares goes wrong: a share without examples has no mean",
            "a share without examples contributes exactly 0 to the loss and to the gradients: " + ADD,
            r"mean\(|(?<!/)/ ?len",
        ),
    )
}  # fmt: skip
"""name -> mistake"""
