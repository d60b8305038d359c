r"""CKA(K, K') = <HKH, HK'H>_F / (||HKH||_F ||HK'H||_F), H = I - 11^T/n.

With K' = Y Y^T it is the centred kernel-target alignment (Cortes et al. 2012; Kornblith et al. 1905.00414).
"""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.solve import as_float64, symmetric


def centre(kernel: Float[Tensor, "n n"]) -> Float[Tensor, "n n"]:
    """HKH: the kernel of the features with their mean over the samples taken out, in float64."""
    k = symmetric(kernel)
    rows = k.mean(0)
    return k - rows - rows[:, None] + rows.mean()


def cka(k0: Float[Tensor, "n n"], k1: Float[Tensor, "n n"]) -> float:
    """Centred alignment of two kernels of the same samples, between 0 and 1.

    Raises:
        LazyRegimeError: If a centred kernel is zero: all samples alike.
    """
    a, b = centre(k0), centre(k1)
    return _cosine(a, b.to(a.device))


def centred_alignment(kernel: Float[Tensor, "n n"], targets: Shaped[Tensor, "n ..."]) -> float:
    """CKA(K, Y Y^T) with targets (n,) or (n, k), or integer labels (n,) that are one-hot coded.

    Raises:
        LazyRegimeError: If all targets, or all samples, are alike.
    """
    y = target_matrix(targets)
    y = y - y.mean(0)
    k = centre(kernel)
    return _cosine(k, (y @ y.T).to(k.device))


def target_alignment(kernel: Float[Tensor, "n n"], targets: Shaped[Tensor, "n ..."]) -> float:
    """<K, Y Y^T>_F / (||K||_F ||Y Y^T||_F), not centred; for one output y^T K y / (||K||_F ||y||^2)."""
    y = target_matrix(targets)
    k = symmetric(kernel)
    return _cosine(k, (y @ y.T).to(k.device))


def target_matrix(targets: Shaped[Tensor, "n ..."]) -> Float[Tensor, "n c"]:
    """Targets as a float64 matrix; integer labels (n,) become one-hot rows.

    Raises:
        LazyRegimeError: If integer labels have more than one axis or a negative entry.
    """
    if targets.is_floating_point():
        y = as_float64(targets, "targets")
        return y.reshape(y.shape[0], -1)
    if targets.ndim != 1 or int(targets.min()) < 0:
        raise LazyRegimeError("Integer targets are class labels: one axis, from 0; give floating targets otherwise.")
    return torch.nn.functional.one_hot(targets.long()).to(torch.float64)


def _cosine(a: Tensor, b: Tensor) -> float:
    if a.shape != b.shape:
        raise LazyRegimeError(
            f"A kernel of {a.shape[0]} samples cannot be aligned with targets or a kernel of {b.shape[0]} samples."
        )
    norm = a.norm() * b.norm()
    if norm == 0:
        raise LazyRegimeError("The alignment has no meaning: the (centred) kernel or the targets are zero everywhere.")
    return float((a * b).sum() / norm)
