"""min_c ||K_1 - c K_0|| / ||K_1||: the sine of the angle by which the kernel of the anchors turned.

Its growth is apart: 0 where the kernel has only grown or shrunk, 1 where nothing is left of what it was. With
`ntk.per_layer` of each layer's kernel too.
"""

from lazyregime.kernels import kernel_angle
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> float | dict[str, float] | None:  # noqa: D103
    if now.gram is None or first is None or first.gram is None:
        return None
    whole, before = kernel_angle(first.gram, now.gram), first.layer_grams or {}
    layers = {name: kernel_angle(before[name], k) for name, k in (now.layer_grams or {}).items() if name in before}
    return {"": whole} | layers if layers else whole


METRIC = Metric("kernel_angle", "sine of the angle by which it turned", ".3g", "movement", compute, order=12)
