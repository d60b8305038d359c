"""GCV of kernel regression on the anchors: the squared error it should have on new points (Golub, Heath & Wahba 1979).

(1/n) |H^-1 Y|^2 / (tr H^-1 / n)^2 with H = K + ridge I, over all outputs, in which classes are one-hot and centred, and
over the variance of those; it is KARE (Jacot et al. 2006.09796) too. The ridge is a thousandth of K's mean diagonal.
"""

import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import target_matrix
from lazyregime.measure.metric import Metric, Moment

RIDGE = 1e-3


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    if now.gram is None or now.labels is None:
        return None
    k = now.gram.double()
    y = target_matrix(now.labels).to(k.device)
    y = y - y.mean(0)
    if float(y.norm()) == 0:
        raise LazyRegimeError("all targets are alike.")
    values, vectors = torch.linalg.eigh(k + RIDGE * k.diagonal().mean() * torch.eye(len(k), dtype=k.dtype))
    if float(values[0]) <= 0:
        raise LazyRegimeError("the kernel is zero, or no kernel.")
    squared = ((vectors.T @ y) / values[:, None]).square().sum()
    return float(squared / len(k) / (1 / values).mean() ** 2 / (y.square().sum() / len(k)))


METRIC = Metric(
    "kernel_gcv", "error that GCV predicts for the kernel", ".3f", "moment", compute, order=22, in_table=False
)
