r"""K = sum_i lambda_i v_i v_i^T: its spectrum, how many directions count, and how the task lies along them."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.metrics._kernels import kernel_matrix, unit
from lazyregime.kernels.metrics.alignment import target_matrix
from lazyregime.solve import symmetric


def spectrum(kernel: Shaped[Tensor, "n n"]) -> Float[Tensor, " n"]:
    """Eigenvalues in float64, descending."""
    return torch.linalg.eigvalsh(symmetric(kernel)).flip(0)


def effective_rank(kernel: Shaped[Tensor, "n n"]) -> float:
    """exp(-sum_i p_i log p_i), p_i = lambda_i / sum_j lambda_j (Roy & Vetterli 2007): n for the identity, 1 for rank 1.

    Raises:
        LazyRegimeError: If the kernel is not positive semi-definite, or zero.
    """
    eigenvalues = torch.linalg.eigvalsh(kernel_matrix(kernel)).clamp_min(0)  # below zero only by rounding
    p = eigenvalues / eigenvalues.sum()
    return float(torch.exp(-torch.xlogy(p, p).sum()))


def participation_ratio(kernel: Shaped[Tensor, "n n"]) -> float:
    """(sum_i lambda_i)^2 / sum_i lambda_i^2 = tr(K)^2 / ||K||_F^2, from 1 to n.

    Raises:
        LazyRegimeError: If the kernel is not positive semi-definite, or zero.
    """
    k = kernel_matrix(kernel)
    return float(k.trace() ** 2 / (k**2).sum())


def eigenprojections(
    kernel: Shaped[Tensor, "n n"], targets: Shaped[Tensor, "n ..."]
) -> tuple[Float[Tensor, " n"], Float[Tensor, "n c"]]:
    """Eigenvalues, descending, and the projections v_i^T Y of the targets (integer labels are one-hot coded)."""
    y, k = target_matrix(targets), symmetric(kernel)
    if len(y) != len(k):
        raise LazyRegimeError(f"A kernel of {len(k)} samples has no projections of {len(y)} targets.")
    eigenvalues, vectors = torch.linalg.eigh(k)
    return eigenvalues.flip(0), vectors.flip(1).T @ y.to(vectors.device)


def cumulative_power(kernel: Shaped[Tensor, "n n"], targets: Shaped[Tensor, "n ..."]) -> Float[Tensor, " n"]:
    """C(i) = sum_{j<=i} ||v_j^T Y||^2 / ||Y||_F^2: the share of the task in the top i directions; ends at 1.

    Task-model alignment of Canatar, Bordelon & Pehlevan (2021).

    Raises:
        LazyRegimeError: If the targets are zero, or the kernel is not positive semi-definite.
    """
    y, _ = unit(target_matrix(targets))
    _, projections = eigenprojections(kernel_matrix(kernel), y)
    power = (projections**2).sum(1)
    if power.sum() == 0:
        raise LazyRegimeError("The cumulative power has no meaning: the targets are zero everywhere.")
    return power.cumsum(0) / power.sum()
