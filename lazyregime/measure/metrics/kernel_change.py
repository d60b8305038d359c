"""||K_1 - K_0|| / ||K_0||: how far the kernel of the anchors moved, its growth included [GSJW20, figure 5a]."""

from lazyregime.kernels import relative_change
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    if now.gram is None or first is None or first.gram is None:
        return None
    return relative_change(first.gram, now.gram)


METRIC = Metric("kernel_change", "kernel moved by  |T1 - T0| / |T0|", ".3g", "movement", compute, order=10)
