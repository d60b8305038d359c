"""f*(x) = k(x, X) H^-1 Y: what regression with the kernel predicts on the test points, and where it is right.

Two protocols (design, section 6; science 6.2). `adh`, the published formula, with anchors that are normalized as the
test images are. `poster`, the survey's script: anchors as raw pixels 0..255, and the class of the single anchor with
the largest weight in k(x, X) H^-1. Real targets have the first only, and a risk E|f - y|^2 in the place of an accuracy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, cast, final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.kernels import KernelRegression, accuracy
from lazyregime.measure.points import Points

PROTOCOLS = ("adh", "poster")
Scalars = dict[str, float | None]

WORDS = {
    "kernel_accuracy_adh": "kernel regression, accuracy on the test set",
    "kernel_accuracy_poster": "kernel regression by the poster's rule, accuracy",
    "kernel_risk_adh": "kernel regression, squared error on the test set",
    "condition_number_adh": "condition number of the kernel",
    "condition_number_poster": "condition number of the kernel of raw anchors",
    "jitter_adh": "jitter added for the solve",
    "jitter_poster": "jitter added for the solve, raw anchors",
}


@final
@dataclass(frozen=True, eq=False)
class Regressed:
    """Scalars by name; and by protocol, for each test point, whether it was right, or its squared error."""

    scalars: Scalars = field(default_factory=dict)
    per_point: dict[str, Tensor] = field(default_factory=dict)


def protocols(points: Points) -> tuple[str, ...]:
    """Those that make sense for these labels."""
    return PROTOCOLS if points.num_classes is not None else PROTOCOLS[:1]


def regress(
    points: Points,
    grams: Mapping[str, Float[Tensor, "n n"]],
    test_kernels: Mapping[str, Float[Tensor, "m n"]],
    relative_ridge: float,
) -> Regressed:
    """Fit on the anchors, predict the test points.

    Args:
        points: Both, with their labels.
        grams: K(X, X) by protocol.
        test_kernels: K(x, X) by protocol, of those that are asked for.
        relative_ridge: Added to the kernel, relative to its mean diagonal.

    Raises:
        LazyRegimeError: If the kernel is none.
    """
    found = Regressed()
    for protocol in test_kernels:
        regression = KernelRegression(
            relative_ridge=relative_ridge, protocol=cast(Any, protocol), n_outputs=points.num_classes
        ).fit_gram(grams[protocol], points.anchor_labels.cpu())
        predicted, truth = regression.predict_gram(test_kernels[protocol]), points.test_labels.cpu()
        if points.num_classes is None:
            errors = (predicted - truth.to(predicted)).square().sum(1)
            found.scalars[f"kernel_risk_{protocol}"] = float(errors.mean())
            found.per_point[protocol] = errors
        else:
            found.scalars[f"kernel_accuracy_{protocol}"] = float(accuracy(predicted, truth))
            found.per_point[protocol] = torch.eq(predicted, truth)
        found.scalars[f"condition_number_{protocol}"] = regression.report.condition_number
        found.scalars[f"jitter_{protocol}"] = regression.report.jitter
    return found
