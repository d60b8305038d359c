r"""Errors on unseen samples of a regression whose intercept is the mean of its labels: the mean is left out as well.

With m the mean of all targets, m_{-i} that without sample i, d_i = m - m_{-i} = (y_i - m) / (n - 1), B_i = [H^{-1}]_ii,

    f_{-i}(x_i) = y_i - B_i^{-1} (alpha_i + [H^{-1} 1]_i d_i)

since leaving out is linear in the targets and does not depend on the one that is left out.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels._task import Task
from lazyregime.solve import gcv_error, leave_one_out, leave_one_out_coupled


def left_out(task: Task, dual: Float[Tensor, "n k"], inverse: Float[Tensor, "s s"]) -> Float[Tensor, "n k"]:
    """What a fit without a sample predicts for it, intercept and start included.

    Args:
        task: What was fitted.
        dual: H^{-1} Y.
        inverse: H^{-1}, of n rows, or n k if the kernel couples outputs.

    Raises:
        LazyRegimeError: If there is nothing left when one sample is left out.
    """
    n = len(dual)
    if n < 2:
        raise LazyRegimeError("Leave-one-out needs at least two samples, and the fit had one.")
    truth, alpha = task.truth.to(dual), dual
    if task.is_centred:
        alpha = dual + _times_ones(inverse, task.coded.to(dual) / (n - 1))
    if len(inverse) == n:
        return leave_one_out(alpha, truth, inverse.diagonal())
    return leave_one_out_coupled(alpha, truth, inverse)


def gcv(task: Task, dual: Float[Tensor, "n k"], inverse: Float[Tensor, "s s"]) -> float:
    """The generalized cross-validation estimate of the mean squared error."""
    diagonal = inverse.diagonal()
    if task.is_centred:  # tr(H^{-1} C) in the place of tr H^{-1}, C the centring
        n, k = len(dual), len(inverse) // len(dual)
        sums = inverse.reshape(n, k, n, k).sum(2).diagonal(dim1=1, dim2=2)
        diagonal = diagonal - sums.flatten() / n
    return gcv_error(dual, diagonal)


def _times_ones(inverse: Tensor, d: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
    """[H^{-1} (1 x d_i)]_i for each i."""
    n, k = d.shape
    if len(inverse) == n:
        return inverse.sum(1)[:, None] * d
    return torch.einsum("nab,nb->na", inverse.reshape(n, k, n, k).sum(2), d)
