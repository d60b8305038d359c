"""1 - <K_0, K_1> / (||K_0|| ||K_1||): how far the kernel of the anchors turned (Fort et al., arXiv 2010.15110)."""

from lazyregime.kernels import kernel_distance
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    if now.gram is None or first is None or first.gram is None:
        return None
    return kernel_distance(first.gram, now.gram)


METRIC = Metric("kernel_distance", "kernel turned by  1 - cos(T0, T1)", ".3g", "movement", compute, order=11)
