r"""Errors on unseen samples from the training set alone, in closed form from H^{-1} = (K + ridge I)^{-1}.

leave one out   f_{-i}(x_i) = y_i - [H^{-1}]_{ii}^{-1} alpha_i      (blocks k x k if the kernel couples outputs)
GCV             mean(alpha^2) / (tr H^{-1} / n)^2                   (Golub, Heath & Wahba 1979; KARE of 2006.09796)

Both hold at ridge 0 too, where the training error itself says nothing.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def leave_one_out(
    inverse: Float[Tensor, "size size"], dual: Float[Tensor, "n k"], targets: Float[Tensor, "n k"]
) -> Float[Tensor, "n k"]:
    """What the regression without sample i, at the same ridge, predicts for it.

    Args:
        inverse: H^{-1}, with size n, or n k for a kernel that couples outputs.
        dual: H^{-1} Y.
        targets: Y.
    """
    n, k = dual.shape
    if inverse.shape[0] == n:
        return targets - dual / inverse.diagonal()[:, None]
    blocks = inverse.reshape(n, k, n, k).diagonal(dim1=0, dim2=2).permute(2, 0, 1)
    return targets - torch.linalg.solve(blocks, dual[..., None])[..., 0]


def gcv_error(inverse: Float[Tensor, "size size"], dual: Float[Tensor, "n k"]) -> float:
    """The generalized cross-validation estimate of the mean squared error of one output."""
    return float(dual.square().mean() / inverse.diagonal().mean() ** 2)
