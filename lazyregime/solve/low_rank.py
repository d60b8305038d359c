r"""(Q + lambda I)^{-1} v for a Q = U diag(theta) U^T close to a kernel matrix K, from products with few vectors.

It preconditions conjugate gradients. Q is a Nystrom approximation, K Omega (Omega^T K Omega)^{-1} Omega^T K, with Omega
random (Frangella, Tropp & Udell, 2110.02820) or columns of the identity, which are samples as landmarks.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.solve.stability import check_not_zero
from lazyregime.solve.tensors import as_float64

Matmul = Callable[[Tensor], Tensor]


@final
@dataclass(frozen=True)
class LowRank:
    """Q = U diag(theta) U^T + rest (I - U U^T).

    Attributes:
        vectors: U, orthonormal.
        values: theta.
        rest: The eigenvalue that is taken for all that U does not reach.
    """

    vectors: Float[Tensor, "n m"]
    values: Float[Tensor, " m"]
    rest: float

    @classmethod
    def by_random_products(cls, matmul: Matmul, n: int, rank: int, accuracy: float, device: torch.device) -> "LowRank":
        """From the products of K with some random vectors; the rest is taken to be as large as the last eigenvalue.

        Raises:
            LazyRegimeError: If K is not positive semi-definite.
        """
        generator = torch.Generator().manual_seed(0)
        omega, _ = torch.linalg.qr(torch.randn(n, rank, generator=generator, dtype=torch.float64).to(device))
        sketch = matmul(omega)
        shift = accuracy * float(as_float64(sketch, "kernel's product with vectors").norm())  # keeps the core positive
        sketch = sketch + shift * omega
        core = omega.T @ sketch
        check_not_zero(core.diagonal())
        asymmetry, scale = float((core - core.T).abs().max()), float(core.abs().max())
        if asymmetry > max(accuracy, 1e-7) ** 0.5 * scale:
            raise LazyRegimeError(
                f"The kernel matrix is not symmetric: u^T K v and v^T K u of random vectors differ by {asymmetry:.3g}, "
                f"where they reach {scale:.3g}. Rows and columns must be the same samples in the same order."
            )
        factor, info = torch.linalg.cholesky_ex((core + core.T) / 2)
        if int(info) != 0:
            raise LazyRegimeError("The kernel is not positive semi-definite: random vectors have negative products.")
        u, s, _ = torch.linalg.svd(torch.linalg.solve_triangular(factor.T, sketch, upper=True, left=False), False)
        theta = (s**2 - shift).clamp_min(0)
        return cls(u, theta, max(float(theta[-1]), shift))

    @classmethod
    def by_landmarks(cls, cross: Float[Tensor, "n m"], chosen: Tensor, *, centre: bool, accuracy: float) -> "LowRank":
        """From K(X, S), centred as with an intercept if asked for; 2 n m float64 numbers at the peak.

        Args:
            cross: The kernel of all samples with the landmarks.
            chosen: Which of the samples these are.
            centre: Whether K is centred on the samples.
            accuracy: Relative; eigenvalues below it are left out.
        """
        theta, v = torch.linalg.eigh((cross[chosen] + cross[chosen].T) / 2)
        check_not_zero(theta)
        large = theta > accuracy * theta[-1]
        root = cross @ (v[:, large] / theta[large].sqrt())
        if centre:
            root -= root.mean(0)
        theta, v = torch.linalg.eigh(root.T @ root)
        large = theta > accuracy * theta[-1]
        kept = theta[large]
        return cls(root @ (v[:, large] / kept.sqrt()), kept, accuracy * float(theta[-1]))

    def solve(self, ridge: float | Float[Tensor, " c"], y: Float[Tensor, "n c"]) -> Float[Tensor, "n c"]:
        """(Q + lambda)^{-1} y, with one lambda or one for each column."""
        rest = self.rest + ridge
        share = 1 - rest / (self.values.clamp_min(self.rest)[:, None] + ridge)
        return (y - self.vectors @ (share * (self.vectors.T @ y))) / rest
