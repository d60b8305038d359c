"""NC1 = tr(S_W S_B^+) / C: how features scatter within classes, over how the means of classes do (Papyan et al. 2020).

S_W = mean (phi - mu_c)(phi - mu_c)^T and S_B = mean_c (mu_c - mu)(mu_c - mu)^T over the anchors and the C classes, with
mu the mean of the means; 0 where each class has become one point.
"""

import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.measure.metric import Metric, Moment

ROUNDING = 1e-6  # a direction of the means with a singular value below this part of the largest is none


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    labels = now.labels
    if now.function is None or now.weights is None or labels is None or labels.is_floating_point():
        return None
    phi = now.function.features(now.weights).double()
    _, member = labels.to(phi.device).unique(return_inverse=True)
    num_classes = int(member.max()) + 1
    means = torch.stack([phi[member == c].mean(0) for c in range(num_classes)])
    _, s, v = torch.linalg.svd(means - means.mean(0), full_matrices=False)
    if num_classes < 2 or float(s[0]) <= ROUNDING * float(means.norm()):
        raise LazyRegimeError("the means of all classes are alike.")
    v, s = v[s > ROUNDING * s[0]], s[s > ROUNDING * s[0]]
    within = (phi - means[member]) @ v.T  # in the directions of S_B, whose eigenvalues are s^2 / C
    return float((within.square().mean(0) / s.square()).sum())


METRIC = Metric(
    "neural_collapse",
    "scatter within classes over that between, NC1",
    ".3g",
    "moment",
    compute,
    order=54,
    in_table=False,
)
