r"""CKA(K, K') = <HKH, HK'H>_F / (||HKH||_F ||HK'H||_F), H = I - 11^T/n.

With K' = Y Y^T it is the centred kernel-target alignment (Cortes et al. 2012; Kornblith et al. 1905.00414).
"""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.metrics._kernels import check_positive, kernel_matrix, unit
from lazyregime.solve import as_float64, rounding, symmetric

_ALIKE = 10.0  # times the rounding of its entries: what is left of a constant kernel once it is centred


def centre(kernel: Shaped[Tensor, "n n"]) -> Float[Tensor, "n n"]:
    """HKH: the kernel of the features with their mean over the samples taken out, in float64."""
    k, scale = unit(symmetric(kernel))
    return _centred(k) * scale


def cka(k0: Shaped[Tensor, "n n"], k1: Shaped[Tensor, "n n"]) -> float:
    """Centred alignment of two kernels of the same samples, between 0 and 1.

    Raises:
        LazyRegimeError: If a centred kernel is not positive semi-definite, or zero: all samples alike.
    """
    a, b = _centred_kernel(k0, "first kernel"), _centred_kernel(k1, "second kernel")
    return _cosine(a, b.to(a.device))


def centred_alignment(kernel: Shaped[Tensor, "n n"], targets: Shaped[Tensor, "n ..."]) -> float:
    """CKA(K, Y Y^T) with targets (n,) or (n, k), or integer labels (n,) that are one-hot coded.

    Raises:
        LazyRegimeError: If all targets, or all samples, are alike, or the kernel is none.
    """
    y, _ = unit(target_matrix(targets))
    centred = y - y.mean(0)
    if float(centred.norm()) <= _ALIKE * rounding(y.dtype) * float(y.norm()):
        raise LazyRegimeError("The alignment has no meaning: all targets are alike, so centred they are zero.")
    k = _centred_kernel(kernel, "kernel")
    return _cosine(k, (centred @ centred.T).to(k.device))


def target_alignment(kernel: Shaped[Tensor, "n n"], targets: Shaped[Tensor, "n ..."]) -> float:
    """<K, Y Y^T>_F / (||K||_F ||Y Y^T||_F), not centred; for one output y^T K y / (||K||_F ||y||^2).

    Raises:
        LazyRegimeError: If the targets are zero, or the kernel is none.
    """
    y, _ = unit(target_matrix(targets))
    k = kernel_matrix(kernel)
    return _cosine(k, (y @ y.T).to(k.device))


def target_matrix(targets: Shaped[Tensor, "n ..."]) -> Float[Tensor, "n c"]:
    """Targets as a float64 matrix; integer labels (n,) become one-hot rows.

    Raises:
        LazyRegimeError: If they are no real numbers, or integer labels have more than one axis or a negative entry.
    """
    y = as_float64(targets, "targets")
    if y.ndim == 0:
        raise LazyRegimeError("The targets are one number; give one for each sample, (n,) or (n, k).")
    if targets.is_floating_point():
        return y.reshape(y.shape[0], -1)
    if targets.ndim != 1 or int(y.min()) < 0:
        raise LazyRegimeError("Integer targets are class labels: one axis, from 0; give floating targets otherwise.")
    return torch.nn.functional.one_hot(targets.long()).to(torch.float64)


def _centred_kernel(kernel: Tensor, name: str) -> Tensor:
    """HKH at a scale of 1, for which K itself need not be positive, as minus squared distances are not."""
    k, _ = unit(symmetric(kernel, name))
    centred = _centred(k)
    if float(centred.norm()) <= _ALIKE * rounding(kernel.dtype) * float(k.norm()):
        raise LazyRegimeError(
            f"The alignment has no meaning: the {name} is zero or constant, so all samples are alike to it, and what "
            "centring leaves is rounding."
        )
    check_positive(centred, f"centred {name}", rounding(kernel.dtype))
    return centred


def _centred(k: Tensor) -> Tensor:
    rows = k.mean(0)
    return k - rows - rows[:, None] + rows.mean()


def _cosine(a: Tensor, b: Tensor) -> float:
    if a.shape != b.shape:
        raise LazyRegimeError(
            f"A kernel of {a.shape[0]} samples cannot be aligned with targets or a kernel of {b.shape[0]} samples."
        )
    norm = a.norm() * b.norm()
    if norm == 0:
        raise LazyRegimeError("The alignment has no meaning: the targets are zero everywhere.")
    return float((a * b).sum() / norm)
