"""(sum l)^2 / sum l^2 over the eigenvalues of the features' covariance: how many directions they use.

The participation ratio of the inputs of the last layer with weights, centred, on the anchors; between 1 and the width.
"""

from lazyregime.kernels import centre, participation_ratio
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    if now.function is None or now.weights is None:
        return None
    phi = now.function.features(now.weights).double()
    return participation_ratio(centre(phi @ phi.T))  # which has the covariance's eigenvalues


METRIC = Metric(
    "feature_rank", "participation ratio of the features", ".1f", "moment", compute, order=52, in_table=False
)
