"""Lazy, feature learning, or in between: a judgement on two numbers, how far the kernel moved and how far it turned.

The relative change ||T1 - T0|| / ||T0|| sees any movement, a mere growth included; the distance 1 - cos(T0, T1) sees
only a change of direction, which is what a new kernel needs to prefer other functions. In the lazy limit both vanish
as the width grows [GSJW20, figure 5; Fort et al., arXiv 2010.15110].
"""

LAZY_CHANGE = 0.1
FEATURE_DISTANCE = 0.1


def verdict(kernel_change: float | None, kernel_distance: float | None) -> str | None:
    """One of "lazy" (moved less than a tenth), "feature learning" (cosine below 0.9), "in between"; None of nothing."""
    if kernel_change is None or kernel_distance is None:
        return None
    if kernel_change < LAZY_CHANGE:
        return "lazy"
    return "feature learning" if kernel_distance > FEATURE_DISTANCE else "in between"
