"""||w - w0||: how far the weights moved, all together and of each parameter, in units of their own [COB19]."""

from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> dict[str, float] | None:  # noqa: D103
    if now.weights is None or first is None or first.weights is None:
        return None
    moved = {name: float((now.weights[name].cpu() - w0.cpu()).norm()) for name, w0 in first.weights.items()}
    return {"": sum(v**2 for v in moved.values()) ** 0.5} | moved


METRIC = Metric("displacement", "weights moved by  |w - w0|", ".3g", "movement", compute, order=31)
