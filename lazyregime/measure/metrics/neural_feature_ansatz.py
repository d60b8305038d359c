"""cos(W^T W, AGOP): the neural feature ansatz, of each linear layer but the last (Radhakrishnan et al. 2212.13881).

AGOP is the mean over anchors of sum_k (df_k / da)(df_k / da)^T, a being what the layer is given. A layer that learned
features has a W^T W that is like it. Of the last layer both are the same by definition; convolutions are left out.
"""

import torch

from lazyregime.measure.metric import Metric, Moment


def compute(now: Moment, first: Moment | None) -> dict[str, float] | None:  # noqa: D103
    if now.function is None or now.weights is None:
        return None
    layers = now.function.layer_gradients(now.weights)
    return {name: _cosine(w, g) for name, (w, g) in layers.items()} or None


def _cosine(w: torch.Tensor, g: torch.Tensor) -> float:
    rows = g.flatten(0, 1)  # AGOP is rows^T rows, which is larger than what its products need
    small = w @ w.T if len(w) <= w.shape[1] else w.T @ w  # of one norm
    return float((w @ rows.T).square().sum() / (small.norm() * (rows @ rows.T).norm()))


METRIC = Metric(
    "neural_feature_ansatz",
    "neural feature ansatz, cos(W^T W, AGOP)",
    ".3f",
    "moment",
    compute,
    order=55,
    in_table=False,
)
