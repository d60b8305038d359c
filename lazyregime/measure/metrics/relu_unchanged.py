"""The fraction of ReLUs that are on where they were on at w0, and off where they were off, over all units and points.

All together and of each layer: the "activation stability" of [COB19].
"""

from lazyregime.measure.gates import unchanged_fraction
from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> dict[str, float] | None:  # noqa: D103
    if now.gates is None or first is None or first.gates is None:
        return None
    after, before = now.gates(), first.gates()
    each = {f"layer{i + 1}": unchanged_fraction([a], [b]) for i, (a, b) in enumerate(zip(after, before, strict=True))}
    return {"": unchanged_fraction(after, before)} | each


METRIC = Metric("relu_unchanged", "ReLUs unchanged since initialization", ".4f", "movement", compute, order=40)
