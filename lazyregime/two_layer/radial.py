r"""phi_d(s) = E[sigma(s omega_1)], omega uniform on S^{d-1}: what a radially symmetric mu shows of sigma [MMN18].

Under a radially symmetric distribution of w the output depends on |x| alone, f(x) = alpha int phi_d(r |x|) rho(dr), and
for [MMN18]'s two Gaussians (y = +-1, |x| ~ (1 + y delta) chi_d) the risk and its gradient flow are those of rho:

    R = E[u^2],   Psi(r) = -E[u phi_d(r |x|)],   dr/dt = -(1/alpha) Psi'(r)

For the ramp phi_d is closed: with b = t/s, E[(s omega_1 - t)_+] = s C (1 - b^2)^{(d-1)/2} - t P(omega_1 > b), where
C = Gamma(d/2) / (2 sqrt(pi) Gamma((d+1)/2)) and P(omega_1 > b) = I_{1-b^2}((d-1)/2, 1/2) / 2 for 0 <= b <= 1.
"""

from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from scipy import special, stats
from torch import Tensor

from lazyregime.two_layer.activations import RAMP_SLOPE, S1, T1, T2, evaluate

_NODES = 400


def radial_response(activation: str, s: Float[Tensor, "*q"], d: int) -> Float[Tensor, "*q"]:
    """phi_d(s), s >= 0: closed for the ramp of [MMN18], by quadrature in the angle for the others."""
    if activation == "mmn18":
        return S1 + RAMP_SLOPE * (_above(s, T1, d) - _above(s, T2, d))
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    # the two quarters of the half circle apart: a kink at 0 then lies at an end
    angles = np.concatenate([(nodes + 1) * np.pi / 4, np.pi / 2 + (nodes + 1) * np.pi / 4])
    weight = np.concatenate([weights, weights]) * np.sin(angles) ** (d - 2)
    cosines, weight = torch.from_numpy(np.cos(angles)), torch.from_numpy(weight / weight.sum())
    return evaluate(activation, s[..., None] * cosines) @ weight


def _above(s: Tensor, t: float, d: int) -> Tensor:
    """E[(s omega_1 - t)_+] for t > 0."""
    b = np.clip(t / np.maximum(s.numpy(), 1e-300), 0.0, 1.0)
    constant = np.exp(special.gammaln(d / 2) - special.gammaln((d + 1) / 2)) / (2 * np.sqrt(np.pi))
    tail = special.betainc((d - 1) / 2, 0.5, 1 - b**2) / 2
    return torch.from_numpy(s.numpy() * constant * (1 - b**2) ** ((d - 1) / 2) - t * tail)


@final
@dataclass(frozen=True)
class RadialData:
    """|x| and y of the two Gaussians, as nodes and weights of a quadrature."""

    radii: Float[Tensor, " q"]
    labels: Float[Tensor, " q"]
    weights: Float[Tensor, " q"]


def radial_two_gaussians(d: int, delta: float, *, num_nodes: int = 200) -> RadialData:
    """Gauss's quadrature over the quantiles' range of chi_d, for each label."""
    nodes, weights = np.polynomial.legendre.leggauss(num_nodes)
    low, high = stats.chi.ppf([1e-16, 1.0], d)[0], stats.chi.isf(1e-16, d)
    radius = low + (high - low) * (nodes + 1) / 2
    weight = weights * stats.chi.pdf(radius, d)
    weight = weight / (2 * weight.sum())
    radii = np.concatenate([(1 + delta) * radius, (1 - delta) * radius])
    labels = np.concatenate([np.ones(num_nodes), -np.ones(num_nodes)])
    return RadialData(*(torch.from_numpy(v) for v in (radii, labels, np.concatenate([weight, weight]))))


def chi_cells(edges: Float[Tensor, " e"], d: int, std: float) -> Float[Tensor, " c"]:
    """The mass in each cell of |w| for w ~ N(0, std^2 I_d)."""
    cdf = stats.chi.cdf(edges.numpy() / std, d)
    mass = torch.from_numpy(np.diff(cdf))
    return mass / mass.sum()
