r"""Errors on unseen samples from the training set alone, in closed form from H^{-1} = (K + ridge I)^{-1}.

leave one out   f_{-i}(x_i) = y_i - [H^{-1}]_{ii}^{-1} alpha_i      (blocks k x k if the kernel couples outputs)
                f_{-i}(x_i) = y_i - (y_i - f(x_i)) / (1 - h_i)         with h_i = phi_i^T (A + ridge I)^{-1} phi_i
GCV             mean(alpha^2) / (tr H^{-1} / n)^2                   (Golub, Heath & Wahba 1979; KARE of 2006.09796)

All hold at ridge 0 too, where the training error itself says nothing.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def leave_one_out(
    dual: Float[Tensor, "*r n k"], targets: Float[Tensor, "n k"], inverse_diagonal: Float[Tensor, "*r n"]
) -> Float[Tensor, "*r n k"]:
    """What the regression without sample i, at the same shift of the diagonal, predicts for it; of one or many ridges.

    Args:
        dual: H^{-1} Y.
        targets: Y.
        inverse_diagonal: diag(H^{-1}).
    """
    return targets - dual / inverse_diagonal[..., None]


def leave_one_out_primal(
    fitted: Float[Tensor, "r n k"], targets: Float[Tensor, "n k"], leverages: Float[Tensor, "r n"]
) -> Float[Tensor, "r n k"]:
    """The same of features: without sample i, at the same ridges, which do not shrink a constant.

    Args:
        fitted: f(X).
        targets: Y.
        leverages: h, and 1 / n more where a constant is fitted.
    """
    return targets - (targets - fitted) / (1 - leverages)[..., None]


def leave_one_out_coupled(
    dual: Float[Tensor, "n k"], targets: Float[Tensor, "n k"], inverse: Float[Tensor, "size size"]
) -> Float[Tensor, "n k"]:
    """The same for a kernel that couples the outputs, whose H has n k rows."""
    n, k = dual.shape
    blocks = inverse.reshape(n, k, n, k).diagonal(dim1=0, dim2=2).permute(2, 0, 1)
    return targets - torch.linalg.solve(blocks, dual[..., None])[..., 0]


def gcv_error(dual: Float[Tensor, "n k"], inverse_diagonal: Float[Tensor, " size"]) -> float:
    """The generalized cross-validation estimate of the mean squared error of one output."""
    return float(dual.square().mean() / inverse_diagonal.mean() ** 2)
