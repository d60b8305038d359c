"""||w - w0|| / ||w0||: how far the weights moved, all together and of each parameter."""

from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> dict[str, float] | None:  # noqa: D103
    if now.weights is None or first is None or first.weights is None:
        return None
    moved = {name: float((now.weights[name].cpu() - w0.cpu()).norm()) for name, w0 in first.weights.items()}
    size = {name: float(w0.norm()) for name, w0 in first.weights.items()}
    total = sum(v**2 for v in moved.values()) ** 0.5 / sum(v**2 for v in size.values()) ** 0.5
    return {"": total} | {name: moved[name] / size[name] for name in moved if size[name] > 0}


METRIC = Metric("parameter_displacement", "weights moved by  |w - w0| / |w0|", ".3g", "movement", compute, order=30)
