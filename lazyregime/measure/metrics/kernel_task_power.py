"""sum_{i <= C} |v_i^T Y|^2 / |Y|^2: the part of the centred labels in the first C eigenvectors of the centred kernel.

Task-model alignment, the cumulative power of Canatar, Bordelon & Pehlevan (2021), where C is the number of outputs: 1
where the kernel's leading directions are the task, about C / n for a kernel that knows nothing of it.
"""

from lazyregime.kernels import centre, cumulative_power, target_matrix
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    if now.gram is None or now.labels is None:
        return None
    y = target_matrix(now.labels).to(now.gram.device)
    return float(cumulative_power(centre(now.gram), y - y.mean(0))[y.shape[1] - 1])


METRIC = Metric(
    "kernel_task_power", "labels in the kernel's leading directions", ".3f", "moment", compute, order=23, in_table=False
)
