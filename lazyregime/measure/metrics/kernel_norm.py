"""||K||_F of the anchors; with `ntk.per_layer` of each layer's kernel too, which add up to the whole."""

from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> dict[str, float] | None:  # noqa: D103
    del first
    if now.gram is None:
        return None
    return {name: float(gram.double().norm()) for name, gram in {"": now.gram, **(now.layer_grams or {})}.items()}


METRIC = Metric("kernel_norm", "norm of the kernel", ".3g", "moment", compute, order=14, in_table=False)
