"""lambda_max(K) / n, the largest eigenvalue of the kernel of the anchors: gradient descent needs eta < 2 / lambda_max.

Of the mean square loss over n points; above it the catapult begins (Lewkowycz et al. 2003.02218).
"""

from lazyregime.kernels import spectrum
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    return None if now.gram is None else float(spectrum(now.gram)[0]) / len(now.gram)


METRIC = Metric(
    "kernel_top_eigenvalue",
    "largest eigenvalue of the kernel over n",
    ".3g",
    "moment",
    compute,
    order=24,
    in_table=False,
)
