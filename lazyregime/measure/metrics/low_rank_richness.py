"""D_LR = 1 - CKA(Phi Phi^T, P): how much more the features hold than what the outputs need (Nam et al. 2410.04264).

P projects onto the outputs on the anchors, which is the least that any features must span; both are centred. 0 is as
rich as can be (with balanced classes it is neural collapse), near 1 are the many features of the lazy regime.
"""

import torch

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import centre, kernel_distance
from lazyregime.measure.metric import Metric, Moment

SMALLEST = 1e-3  # a direction of the outputs with a singular value below this part of the largest is none


def compute(now: Moment, first: Moment | None) -> float | None:  # noqa: D103
    if now.function is None or now.weights is None:
        return None
    phi, f = now.function.features(now.weights).double(), now.function.outputs(now.weights).double()
    u, s, _ = torch.linalg.svd(f - f.mean(0), full_matrices=False)
    if float(s[0]) <= 1e-6 * float(f.norm()):
        raise LazyRegimeError("the outputs of all anchors are alike.")
    u = u[:, s > SMALLEST * s[0]]
    return kernel_distance(centre(phi @ phi.T), u @ u.T)


METRIC = Metric(
    "low_rank_richness", "features beyond what outputs need, D_LR", ".3f", "moment", compute, order=53, in_table=False
)
