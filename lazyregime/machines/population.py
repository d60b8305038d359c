r"""Risks over the whole sphere, without a test sample: N units and infinitely many samples, or n samples of a kernel.

For x uniform on the sphere of radius sqrt(d), f(x) = sum_k a_k sqrt(B_k) P_k(<beta, x>/sqrt(d)) and phi any features,

    R = ||f||^2 - 2 v^T theta + theta^T U theta,   U = E[phi phi^T],   v = E[phi f],

and least squares on infinitely many samples has R = ||f||^2 - v^T U^{-1} v [GMMM19]. U and v follow from the
expansion of sigma in zonal harmonics (`Spectrum`), since E[P_k(<x, u>) P_l(<x, v>)] = delta_kl P_k(<u, v>) / B_k.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.data.gegenbauer import multiplicity, zonal, zonal_derivative
from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import eigenlearning
from lazyregime.machines.spectrum import Spectrum
from lazyregime.solve import solve_path

Moments = tuple[Tensor, Tensor]  # U (p, p) and v (p,)


def amplitudes(target_powers: Sequence[float], degrees: int, d: int) -> Float[Tensor, " degrees"]:
    """a_k sqrt(B_k) for k = 0 .. degrees - 1, so that f = sum_k of these times P_k."""
    squares = [*target_powers, *[0.0] * degrees][:degrees]
    return torch.tensor([(p * multiplicity(k, d)) ** 0.5 for k, p in enumerate(squares)], dtype=torch.float64)


def rf_moments(
    w: Float[Tensor, "n d"], beta: Float[Tensor, " d"], spectrum: Spectrum, target_powers: Sequence[float]
) -> Moments:
    """U and v of the features sigma(<w_i, x>), |w_i| = 1; the diagonal of U is exact, not summed."""
    d = w.shape[1]
    u = spectrum.kernel(w @ w.T)
    u.diagonal().fill_(spectrum.second_moment)
    weights = amplitudes(target_powers, len(spectrum.values), d) * spectrum.values
    return u, torch.tensordot(weights, zonal(w @ beta, len(weights) - 1, d), 1)


def nt_moments(
    w: Float[Tensor, "n d"], beta: Float[Tensor, " d"], spectrum: Spectrum, target_powers: Sequence[float]
) -> Moments:
    r"""U and v of the N d features sigma'(<w_i, x>) x: gradients of those of sigma(<w_i, x>) in w_i.

    U_ij = d/dw_i d/dw_j^T g(|w_i|, |w_j|, t) at |w| = 1, with g = sum_k B_k c_k(|w_i|) c_k(|w_j|) P_k(t), t the cosine.
    """
    n, d = w.shape
    t = (w @ w.T).clamp(-1, 1)
    g = spectrum.gradients(t)
    wi = w[:, None, :].expand(n, n, d) - t[:, :, None] * w[None]  # w_i - t w_j, the gradient of t in w_j
    wj = w[None].expand(n, n, d) - t[:, :, None] * w[:, None]  # w_j - t w_i, the gradient of t in w_i
    eye = torch.eye(d, dtype=w.dtype)
    blocks = torch.empty(n, d, n, d, dtype=torch.float64)
    for i in range(n):
        own, other = w[i], w
        radial = torch.einsum("j,a,jb->jab", g.radial[i], own, other)
        mixed = torch.einsum("j,a,jb->jab", g.mixed[i], own, wi[i]) + torch.einsum(
            "j,ja,jb->jab", g.mixed[i], wj[i], other
        )
        turn = eye - torch.einsum("ja,jb->jab", other, other) - torch.einsum("a,jb->jab", own, wi[i])
        tangential = torch.einsum("j,ja,jb->jab", g.second[i], wj[i], wi[i]) + g.first[i][:, None, None] * turn
        block = radial + mixed + tangential
        along = torch.outer(own, own)
        block[i] = spectrum.slope_along * along + spectrum.slope_across * (eye - along)
        blocks[i] = block.permute(1, 0, 2)
    a = amplitudes(target_powers, len(spectrum.values), d)
    s = w @ beta
    p, dp = zonal(s, len(a) - 1, d), zonal_derivative(s, len(a) - 1, d)
    along_w = torch.tensordot(a * spectrum.radial_values, p, 1)
    along_beta = torch.tensordot(a * spectrum.values, dp, 1)
    v = along_w[:, None] * w + along_beta[:, None] * (beta[None] - s[:, None] * w)
    return blocks.reshape(n * d, n * d), v.reshape(-1)


def krr_moments(
    x: Float[Tensor, "n d"], beta: Float[Tensor, " d"], spectrum: Spectrum, target_powers: Sequence[float]
) -> tuple[Float[Tensor, "n n"], Float[Tensor, "n n"], Float[Tensor, " n"]]:
    """K of the samples x/sqrt(d) with the kernel sum_k c_k^2 B_k P_k, and U, v of its functions k(x_i, .)."""
    d = x.shape[1]
    z = x / x.norm(dim=1, keepdim=True)
    t = (z @ z.T).clamp(-1, 1)
    k = spectrum.kernel(t)
    k.diagonal().fill_(spectrum.second_moment)
    squares = spectrum.values.square()
    weights = amplitudes(target_powers, len(squares), d) * squares
    return k, spectrum.series(squares, t), torch.tensordot(weights, zonal(z @ beta, len(weights) - 1, d), 1)


def least_squares_risk(moments: Moments, target_powers: Sequence[float], ridge: float = 0.0) -> float:
    """Min over theta of R + ridge |theta|^2, its R: what N features leave of f given infinitely many samples.

    Raises:
        LazyRegimeError: If U is singular at this ridge.
    """
    u, v = moments
    theta = solve_path(u, v[:, None], [ridge]).coefficients[0, :, 0]
    return population_risk(theta, moments, target_powers)


def population_risk(theta: Float[Tensor, " q"], moments: Moments, target_powers: Sequence[float]) -> float:
    """E (f - theta^T phi)^2 of any coefficients, fitted to whatever samples.

    Raises:
        LazyRegimeError: If there are not as many coefficients as features.
    """
    u, v = moments
    if theta.shape != v.shape:
        raise LazyRegimeError(f"There are {len(theta)} coefficients, but {len(v)} features.")
    return float(sum(target_powers) - 2 * v @ theta + theta @ u @ theta)


def predicted_krr_risk(
    spectrum: Spectrum, target_powers: Sequence[float], n_samples: int, *, ridge: float = 0.0, noise: float = 0.0
) -> float:
    """The expected risk of kernel ridge regression by the eigenlearning equations (arXiv 2110.03922).

    Degrees above the target's and above 4 are never learned from the n that matter here; they act as a ridge.
    """
    highest = max((k for k, p in enumerate(target_powers) if p > 1e-9), default=0)  # rounding of powers that are zero
    degrees = min(max(highest + 1, 5), len(spectrum.values))
    counts = torch.tensor([multiplicity(k, spectrum.d) for k in range(degrees)], dtype=torch.float64)
    squares = spectrum.values[:degrees].square()
    each = torch.tensor([*target_powers, *[0.0] * degrees][:degrees], dtype=torch.float64) / counts
    beyond = max(0.0, spectrum.second_moment - float(squares @ counts))
    predicted = eigenlearning(squares, each, n_samples, ridge=ridge + beyond, noise=noise, counts=counts)
    return predicted.test_mse - noise
