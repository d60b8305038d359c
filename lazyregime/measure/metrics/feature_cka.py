"""1 - CKA of the features before and after: how far what the last layer is given turned (Kornblith et al. 1905.00414).

The features phi(x) are the inputs of the last layer with weights, on the anchors; their kernel is <phi(x), phi(x')>.
"""

from lazyregime.kernels import centre, kernel_distance
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    if now.function is None or now.weights is None or first is None or first.weights is None:
        return None
    before, after = (now.function.features(weights).double() for weights in (first.weights, now.weights))
    return kernel_distance(centre(before @ before.T), centre(after @ after.T))


METRIC = Metric("feature_cka", "features turned by  1 - CKA", ".3g", "movement", compute, order=51, in_table=False)
