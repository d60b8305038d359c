"""min_c ||K_1 - c K_0|| / ||K_1||: the sine of the angle by which the kernel of the anchors turned.

Its growth is apart: 0 where the kernel has only grown or shrunk, 1 where nothing is left of what it was.
"""

from lazyregime.kernels import kernel_angle
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    if now.gram is None or first is None or first.gram is None:
        return None
    return kernel_angle(first.gram, now.gram)


METRIC = Metric("kernel_angle", "sine of the angle by which it turned", ".3g", "movement", compute, order=12)
