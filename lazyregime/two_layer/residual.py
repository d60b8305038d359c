r"""du_t/dt = -(1/n) K_t u_t on a sample: frozen at K_0 in closed form, or driven by the particles' own K_t.

u_t = Q exp(-Lambda t) Q^T u_0,    K_0 / n = Q Lambda Q^T                     (kernel limit, [MMM19], [JGH18])
u_t(x) = u_0(x) - (1/n) K_0(x, X) Q [(1 - exp(-Lambda t)) / Lambda] Q^T u_0   at other points
"""

from collections.abc import Callable
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.two_layer.field import ParticleField
from lazyregime.two_layer.kernel import apply_kernel


@final
class FrozenResidualFlow:
    """The residual under a kernel that does not move, at any time at once, from one eigendecomposition a seed.

    Attributes:
        eigenvalues: Lambda, those of K / n, descending.
        modes: Q, the eigenvectors in columns.
        start: Q^T u_0.
    """

    def __init__(self, kernel: Float[Tensor, "s n n"], u_0: Float[Tensor, "#s n"]) -> None:
        n = kernel.shape[-1]
        eigenvalues, modes = torch.linalg.eigh((kernel + kernel.mT) / (2 * n))
        self.eigenvalues, self.modes = eigenvalues.flip(-1).clamp_min(0), modes.flip(-1)
        self.start = torch.einsum("sni,sn->si", self.modes, u_0.expand(kernel.shape[0], -1))

    def coefficients(self, times: Float[Tensor, " t"]) -> Float[Tensor, "t s n"]:
        """e^{-lambda_i t} <q_i, u_0>: the residual mode by mode."""
        return torch.exp(-self.eigenvalues * times[:, None, None]) * self.start

    def residual(self, times: Float[Tensor, " t"]) -> Float[Tensor, "t s n"]:
        """u_t on the sample."""
        return torch.einsum("sni,tsi->tsn", self.modes, self.coefficients(times))

    def risk(self, times: Float[Tensor, " t"]) -> Float[Tensor, "t s"]:
        """(1/n) ||u_t||^2."""
        return self.coefficients(times).square().mean(-1)

    def elsewhere(
        self, cross: Float[Tensor, "s m n"], u_0: Float[Tensor, "s m"], times: Float[Tensor, " t"]
    ) -> Float[Tensor, "t s m"]:
        """u_t at other points, from K_0(other, sample) and u_0 there."""
        decay = -torch.expm1(-self.eigenvalues * times[:, None, None])
        # (1 - e^{-lambda t}) / lambda is t where lambda vanishes
        integral = torch.where(self.eigenvalues > 0, decay / self.eigenvalues, times[:, None, None])
        moved = torch.einsum("smn,sni,tsi->tsm", cross, self.modes, integral * self.start) / cross.shape[-1]
        return u_0 - moved


def residual_flow(field: ParticleField) -> Callable[[tuple[Tensor, Tensor]], tuple[Tensor, Tensor]]:
    """The joint right-hand side of (theta, u): the particles by their own residual, u by their kernel alone.

    The two never exchange u, so that u_t = f* - f_t is a result and not an assumption.
    """

    def velocity(state: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        theta, u = state
        return field(theta), -apply_kernel(field, theta, u)

    return velocity
