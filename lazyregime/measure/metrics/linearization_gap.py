"""||f(w) - f_lin(w)|| / ||f(w) - f(w0)|| on the anchors: how much of what was learned the tangent model at w0 misses.

f_lin(w) = f(w0) + J(w0) (w - w0) with the weights that training found [COB19, JGH18]. Near 0 in the lazy regime; 1 or
more where the tangent model says nothing of the network. Buffers (of batch norm) are those of the moment in both.
"""

from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    if now.function is None or now.weights is None or first is None or first.weights is None:
        return None
    f, f0 = now.function.outputs(now.weights).double(), now.function.outputs(first.weights).double()
    learned = float((f - f0).norm())
    if learned == 0:
        return None
    return float((f - now.function.tangent(first.weights, now.weights).double()).norm()) / learned


METRIC = Metric(
    "linearization_gap",
    "gap to the tangent model  |f - f_lin| / |f - f0|",
    ".3g",
    "movement",
    compute,
    order=50,
    in_table=False,
)
