r"""(K + lambda I)^{-1} Y for many lambda from one block Krylov space of K and Y, which no shift changes.

V^T K V = H on an orthonormal basis V of span{Y, K Y, K^2 Y, ..}: the solution for each lambda is V (H + lambda)^{-1}
V^T Y, and its residual is known from the last block alone. Directions that no longer grow the space are dropped.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.linalg import eigvals_banded, solve_banded
from torch import Tensor

Matmul = Callable[[Tensor], Tensor]

_GROWTH = 1.05  # of the basis between two looks at the residuals
_RANK = 1e-13  # of the scale of the kernel: smaller directions are rounding


@dataclass(frozen=True)
class KrylovSolution:
    """What one Krylov space gave.

    Attributes:
        solutions: (r, n, k), one for each lambda.
        residuals: ||(K + lambda) alpha - Y||_F / ||Y||_F of each, from the recurrence.
        basis_size: Vectors of the basis.
        num_products: Products of K with a block of vectors.
        ends: Smallest and largest eigenvalue of H: within the spectrum of K, and its ends where the space is large.
    """

    solutions: Float[Tensor, "r n k"]
    residuals: Float[Tensor, " r"]
    basis_size: int
    num_products: int
    ends: tuple[float, float]


def block_lanczos(
    matmul: Matmul,
    rhs: Float[Tensor, "n k"],
    ridges: Sequence[float],
    *,
    tolerance: float = 1e-9,
    max_basis: int = 3000,
    enough: Callable[[Tensor, int], bool] | None = None,
) -> KrylovSolution:
    """Solves for all ridges to a relative residual, or as far as the basis may grow.

    Memory peaks at max_basis * (n + 3 max_basis) float64 numbers beside K.

    Args:
        matmul: K times a float64 matrix (n, b).
        rhs: Y.
        ridges: The lambdas, not negative.
        tolerance: Of the residual at which a lambda counts as solved.
        max_basis: Upper limit of the basis.
        enough: Told the residuals and the basis' size at each look; True ends the iterations.
    """
    y = rhs.double()
    n, size = len(y), min(max_basis, len(y))
    lam = torch.tensor(list(ridges), dtype=torch.float64)  # it stays on the CPU, as all that is small
    norm = float(y.norm())
    block, start = _orthonormal(y, norm)
    v, h = y.new_empty(size + block.shape[1], n), y.new_zeros(size + block.shape[1], size + block.shape[1])
    k = block.shape[1]
    if k == 0:
        return KrylovSolution(y.new_zeros(len(lam), *y.shape), lam.new_zeros(len(lam)), 0, 0, (0.0, 0.0))
    v[:k] = block.T
    products, looked, first = 0, 0, k
    while True:
        w = matmul(block)
        products += 1
        low = k - block.shape[1]
        for _ in range(2):  # twice is enough
            c = v[:k] @ w
            w = w - v[:k].T @ c
            h[:k, low:k] += c
        h[low:k, :k] = h[:k, low:k].T.clone()
        block, b = _orthonormal(w, float(h[:k, :k].diagonal().abs().max()))
        last = block.shape[1] == 0 or k + block.shape[1] > size
        if last or k > _GROWTH * looked + 2 * first:
            looked = k
            band, first_block, last_block = h[:k, :k].cpu(), start.cpu(), b.cpu()
            projected = [_solve_projected(band, first_block, float(ridge)) for ridge in lam]
            residuals = torch.stack([(last_block @ z[low:k]).norm() for z in projected]) / norm
            if last or bool((residuals <= tolerance).all()) or (enough is not None and enough(residuals, k)):
                coefficients = torch.cat(projected, 1).to(v)
                solutions = (v[:k].T @ coefficients).reshape(n, len(lam), -1).permute(1, 0, 2)
                return KrylovSolution(solutions.contiguous(), residuals, k, products, _ends(band, len(start)))
        v[k : k + block.shape[1]] = block.T
        k += block.shape[1]


def _orthonormal(w: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Q and B with W = Q B, Q orthonormal and of the rank of W."""
    q, r = torch.linalg.qr(w)  # ten times faster than singular values of the tall matrix
    u, s, vh = torch.linalg.svd(r)
    rank = int((s > _RANK * scale).sum())
    return q @ u[:, :rank], s[:rank, None] * vh[:rank]


def _ends(h: Tensor, block: int) -> tuple[float, float]:
    """The extreme eigenvalues of the band."""
    k, width = len(h), min(2 * block - 1, len(h) - 1)
    band = np.zeros((width + 1, k))
    for offset in range(width + 1):
        band[offset, : k - offset] = h.diagonal(-offset).numpy()
    lowest, highest = (float(eigvals_banded(band, True, False, "i", (i, i))[0]) for i in (0, k - 1))
    return lowest, highest


def _solve_projected(h: Tensor, start: Tensor, ridge: float) -> Tensor:
    """(H + lambda)^{-1} [start; 0], NaN if singular; beyond a band of blocks, the first the largest, H is rounding."""
    k, width = len(h), min(2 * len(start) - 1, len(h) - 1)
    band = np.zeros((2 * width + 1, k))
    for offset in range(-width, width + 1):
        band[width - offset, max(offset, 0) : k + min(offset, 0)] = h.diagonal(offset).numpy()
    band[width] += ridge
    right = np.zeros((k, start.shape[1]))
    right[: len(start)] = start.numpy()
    try:
        return torch.from_numpy(solve_banded((width, width), band, right, check_finite=False))
    except np.linalg.LinAlgError:
        return torch.full((k, start.shape[1]), torch.nan, dtype=torch.float64)
