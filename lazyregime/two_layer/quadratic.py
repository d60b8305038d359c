r"""sigma(z) = z^2 under x ~ N(0, I): f = <x, B x>, B = (alpha/N) sum_j a_j w_j w_j^T, and every mean is exact.

Against f* = <x, G x> + c, with M = G - B and m = tr M + c (Ghorbani et al., arXiv 1906.08899; E by Isserlis):

    R = E[u^2] = 2 ||M||_F^2 + m^2
    E[u <w, x>^2] = 2 w^T M w + m |w|^2,      E[u 2 a <w, x> x] = 2 a (2 M w + m w)
"""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError


@final
class QuadraticField:
    """The population flow of a quadratic network: theta -> d theta/dt without a sample.

    Raises:
        LazyRegimeError: If alpha is not positive.
    """

    def __init__(self, gamma: Float[Tensor, "d d"], constant: float = 0.0, *, alpha: float = 1.0) -> None:
        if not 0 < alpha < float("inf"):
            raise LazyRegimeError(f"alpha={alpha} is not possible; it must be positive and finite.")
        self.gamma, self.constant, self.alpha = (gamma + gamma.T) / 2, constant, alpha

    def __call__(self, theta: Float[Tensor, "s h p"]) -> Float[Tensor, "s h p"]:
        """The velocity (1/alpha) E_x[u grad sigma*]."""
        a, w = theta[..., :1], theta[..., 1:]
        difference, mean = self._moments(theta)
        pulled = 2 * w @ difference + mean[:, None, None] * w  # 2 M w + m w
        return torch.cat([(pulled * w).sum(-1, keepdim=True), 2 * a * pulled], -1) / self.alpha

    def risk(self, theta: Float[Tensor, "s h p"]) -> Float[Tensor, " s"]:
        """E_x[(f* - f)^2], exactly."""
        difference, mean = self._moments(theta)
        return 2 * difference.square().sum((-1, -2)) + mean.square()

    def target(self, x: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """f*(x), for the same problem on a sample."""
        return ((x @ self.gamma) * x).sum(-1) + self.constant

    def _moments(self, theta: Tensor) -> tuple[Tensor, Tensor]:
        a, w = theta[..., :1], theta[..., 1:]
        difference = self.gamma - (self.alpha / theta.shape[1]) * (a * w).mT @ w
        return difference, difference.diagonal(dim1=-2, dim2=-1).sum(-1) + self.constant


def exponential_target(d: int, seed: int) -> tuple[Tensor, float]:
    """G and c of f* = sum_i gamma_i (x_i^2 - 1) / sqrt(d) with gamma_i ~ Exp(1), that of arXiv 1906.08899."""
    uniform = torch.rand(d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    gamma = -torch.log1p(-uniform) / d**0.5
    return torch.diag(gamma), -float(gamma.sum())
