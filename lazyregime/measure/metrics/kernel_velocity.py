"""S(t, t + dt) / dt, S = 1 - cos: how fast the kernel turned since the look before (Fort et al., arXiv 2010.15110).

Per epoch; of a gradient flow per unit of its time; of `RegimeProbe` per call of `step`.
"""

from lazyregime.kernels import kernel_distance
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    del first
    if now.gram is None or now.earlier is None:
        return None
    return kernel_distance(now.earlier.gram, now.gram) / now.earlier.elapsed


METRIC = Metric("kernel_velocity", "speed of its turn since the look before", ".3g", "movement", compute,
                order=15, in_table=False)  # fmt: skip
