"""||K_1|| / ||K_0||: how much the kernel of the anchors grew, apart from how far it turned.

A kernel that only grows learns the same functions, faster: cross-entropy makes weights, and with them the kernel, grow
for as long as it is trained on.
"""

from lazyregime.errors import LazyRegimeError
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    if now.gram is None or first is None or first.gram is None:
        return None
    before, after = (float(kernel.double().norm()) for kernel in (first.gram, now.gram))
    if before == 0:
        raise LazyRegimeError("The first kernel is zero everywhere, so a relative change has no meaning.")
    return after / before


METRIC = Metric("kernel_growth", "kernel grew by a factor of  |T1| / |T0|", ".3g", "movement", compute, order=14)
