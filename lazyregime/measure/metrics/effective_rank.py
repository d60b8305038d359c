"""exp(-sum p log p) of the eigenvalues, normalized to sum 1: how many directions count (Roy & Vetterli 2007)."""

from lazyregime.kernels import effective_rank
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    return None if now.gram is None else effective_rank(now.gram)


METRIC = Metric("effective_rank", "effective rank of the kernel", ".1f", "moment", compute, order=21)
