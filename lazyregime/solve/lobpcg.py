"""The smallest eigenvalue of a positive matrix H, by its products with a few vectors and a preconditioner.

Locally optimal block preconditioned conjugate gradients (Knyazev 2001): each step minimizes Rayleigh quotients on the
span of the present vectors, their preconditioned residuals, and the last step's directions.
"""

from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

_DEPENDENT = 1e-12  # of a Gram matrix: combinations that are rounding


@final
class SmallestEigenvalue:
    """The iterations, one product at a time.

    Args:
        start: Any vectors.
        precondition: R -> P^{-1} R.
        tolerance: Done when the residual of the lowest pair is below this fraction of its eigenvalue, whose relative
            error is then about the square of it.

    Attributes:
        vectors: What H is to be applied to next.
        smallest: The eigenvalue so far, which converges from above; infinite before the first product.
        done: Whether it is known to the tolerance.
    """

    def __init__(
        self, start: Float[Tensor, "n b"], precondition: Callable[[Tensor], Tensor], *, tolerance: float = 0.05
    ) -> None:
        self.vectors = torch.linalg.qr(precondition(start)).Q
        self._precondition, self._tolerance = precondition, tolerance
        self._size = start.shape[1]
        self._span = self._products = start.new_empty(len(start), 0)
        self.smallest, self.done = float("inf"), start.shape[1] == 0

    def begin(self, span: Float[Tensor, "n c"], products: Float[Tensor, "n c"]) -> None:
        """Begin anew with one vector, the lowest on a span whose products with H are known."""
        self._size = 1
        self._span = self._products = span[:, :0]
        self._improve(span, products)

    def step(self, products: Float[Tensor, "n b"]) -> None:
        """Take H times `vectors`."""
        self._improve(torch.cat([self._span, self.vectors], 1), torch.cat([self._products, products], 1))

    def _improve(self, s: Tensor, hs: Tensor) -> None:
        theta, c = _ritz(s, hs)
        theta, c = theta[: self._size], c[:, : self._size]
        x, hx = s @ c, hs @ c
        self.smallest = float(theta[0])
        residual = hx - theta * x
        self.done = float(residual[:, 0].norm()) <= self._tolerance * self.smallest
        # the last step's directions are what is new in x
        new = c.clone()
        new[: min(self._size, self._span.shape[1])] = 0
        self._span, self._products = (torch.cat([a @ c, a @ new], 1) for a in (s, hs))
        w = self._precondition(residual)
        w = w - x @ (x.T @ w)
        self.vectors = w / w.norm(dim=0).clamp_min(torch.finfo(torch.float64).tiny)


def _ritz(s: Float[Tensor, "n c"], hs: Float[Tensor, "n c"]) -> tuple[Float[Tensor, " d"], Float[Tensor, "c d"]]:
    """Eigenvalues of H on the span of s, ascending, and the combinations of s that belong to them."""
    norms = s.norm(dim=0).clamp_min(torch.finfo(torch.float64).tiny)
    s, hs = s / norms, hs / norms
    mass, v = torch.linalg.eigh(s.T @ s)
    large = mass > _DEPENDENT * mass[-1]
    v = v[:, large] / mass[large].sqrt()
    projected = v.T @ (s.T @ hs) @ v
    theta, w = torch.linalg.eigh((projected + projected.T) / 2)
    return theta, (v @ w) / norms[:, None]
