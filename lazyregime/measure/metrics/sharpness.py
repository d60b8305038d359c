"""lambda_max(H), the largest eigenvalue of the Hessian of the training loss by all weights, on at most 100 anchors.

By Lanczos iterations on products H v, a few per cent from below. Gradient descent at the rate eta is stable below
2 / eta; at a constant rate the sharpness often rises to that and stays, the edge of stability (Cohen et al.
2103.00065). The loss is l(F, y) / alpha^2, to which learning rates refer; weights count as they are, without the
multipliers of a layer.
"""

from dataclasses import replace

import torch

from lazyregime.measure.metric import Metric, Moment
from lazyregime.solve.lanczos import largest_eigenvalue

MOST_POINTS = 100  # of which a product takes about as long as three gradients
TOLERANCE = 0.05  # of the Ritz residual, which bounds the relative error
MOST_PRODUCTS = 20


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    if now.function is None or now.weights is None or now.labels is None or now.objective is None:
        return None
    objective, total = now.objective, len(now.labels)
    chosen = torch.linspace(0, total - 1, min(MOST_POINTS, total)).round().long()  # anchors stand class by class
    initial = now.function.outputs((first or now).weights or now.weights)[chosen]
    labels = now.labels[chosen.to(now.labels.device)].to(initial.device)
    labels = labels.to(initial.dtype) if labels.is_floating_point() else labels
    few = replace(now.function, x=now.function.x[chosen.to(now.function.x.device)])
    product, size = few.curvature(now.weights, lambda outputs: objective(outputs, initial, labels))
    like = initial.new_empty(size)
    return largest_eigenvalue(product, like, num_iterations=MOST_PRODUCTS, tolerance=TOLERANCE, reorthogonalize=False)


METRIC = Metric(
    "sharpness", "sharpness, the Hessian's largest eigenvalue", ".3g", "moment", compute, order=56, in_table=False
)
