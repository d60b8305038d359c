"""CKA(K, Y Y^T): how well the kernel of the anchors agrees with their labels, between 0 and 1 (Cortes et al. 2012)."""

from lazyregime.kernels import centred_alignment
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    if now.gram is None or now.labels is None:
        return None
    return centred_alignment(now.gram, now.labels)


METRIC = Metric("kernel_alignment", "kernel aligned with the labels, CKA", ".3f", "moment", compute, order=20)
