"""1 - CKA(K_0, K_1) on points that were not trained on: how far the kernel turned, what all points share left out.

Centring takes out what is common to all points: the kernel of images is nearly a constant matrix, which hides most of
what turns from a distance that is not centred (Kornblith et al., arXiv 1905.00414).
"""

from lazyregime.kernels import centre, kernel_distance
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    if now.held_out is None or first is None or first.held_out is None or len(now.held_out) < 2:
        return None  # a kernel of one point is nothing once it is centred
    return kernel_distance(centre(first.held_out), centre(now.held_out))


METRIC = Metric("kernel_cka", "kernel turned on held-out points by  1 - CKA", ".3g", "movement", compute, order=13)
