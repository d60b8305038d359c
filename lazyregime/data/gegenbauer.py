r"""P_k(t), P_k(1) = 1: the zonal harmonics of degree k on the unit sphere of R^d (Gegenbauer, normalized at 1).

E_x[P_k(<x, u>) P_l(<x, v>)] = delta_kl P_k(<u, v>) / B(d, k)   with B(d, k) the number of harmonics of degree k.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

_REACH = 13.0  # standard deviations of a coordinate: the density is 1e-37 there
_NODES = 300


def multiplicity(degree: int, d: int) -> int:
    """B(d, k): linearly independent harmonics of degree k in R^d."""
    if degree == 0:
        return 1
    return (2 * degree + d - 2) * math.comb(degree + d - 3, degree - 1) // degree


def zonal(t: Float[Tensor, "*s"], max_degree: int, d: int) -> Float[Tensor, "{max_degree}+1 *s"]:
    """P_0(t) .. P_K(t) by (k + d - 2) P_{k+1} = (2k + d - 2) t P_k - k P_{k-1}."""
    values = [torch.ones_like(t), t]
    for k in range(1, max_degree):
        values.append(((2 * k + d - 2) * t * values[k] - k * values[k - 1]) / (k + d - 2))
    return torch.stack(values[: max_degree + 1])


def zonal_derivative(t: Float[Tensor, "*s"], max_degree: int, d: int) -> Float[Tensor, "{max_degree}+1 *s"]:
    """P_0'(t) .. P_K'(t): P_k' = k (k + d - 2) / (d - 1) times P_{k-1} in R^{d+2}."""
    lower = zonal(t, max(max_degree - 1, 0), d + 2)
    rows = [k * (k + d - 2) / (d - 1) * lower[k - 1] for k in range(1, max_degree + 1)]
    return torch.stack([torch.zeros_like(t), *rows])


def coordinate_quadrature(d: int, kink: float | None = None) -> tuple[Float[Tensor, " q"], Float[Tensor, " q"]]:
    """Nodes and weights of the law of one coordinate of a uniform point of the unit sphere of R^d, d >= 2.

    Args:
        d: The dimension.
        kink: Where the integrand has a kink; its two sides are integrated apart.
    """
    half = min(math.pi / 2, _REACH / math.sqrt(d))
    low, high = math.pi / 2 - half, math.pi / 2 + half
    middle = math.pi / 2 if kink is None or not -1 < kink < 1 else math.acos(kink)
    edges = [low, *([middle] if low < middle < high else []), high]
    x, w = np.polynomial.legendre.leggauss(_NODES)
    theta = np.concatenate([a + (b - a) * (x + 1) / 2 for a, b in pairwise(edges)])
    weight = np.concatenate([(b - a) / 2 * w for a, b in pairwise(edges)])
    weight = weight * np.sin(theta) ** (d - 2)
    return torch.from_numpy(np.cos(theta)), torch.from_numpy(weight / weight.sum())


def zonal_coefficients(
    function: Callable[[Tensor], Tensor], max_degree: int, d: int, kink: float | None = None
) -> Float[Tensor, "{max_degree}+1"]:
    """c_k = E[f(t) P_k(t)], so that f = sum_k c_k B(d, k) P_k and ||P_k f||^2 = c_k^2 B(d, k)."""
    t, weight = coordinate_quadrature(d, kink)
    return zonal(t, max_degree, d) @ (weight * function(t))


def powers(
    function: Callable[[Tensor], Tensor], max_degree: int, d: int, kink: float | None = None
) -> tuple[float, ...]:
    """||P_k f||^2 for k = 0 .. K, and last ||P_{>K} f||^2, of the function f(<x, u>) of a uniform unit vector x."""
    t, weight = coordinate_quadrature(d, kink)
    squares = zonal_coefficients(function, max_degree, d, kink).square()
    parts = [float(c) * multiplicity(k, d) for k, c in enumerate(squares)]
    total = float(weight @ function(t).square())
    return (*parts, max(0.0, total - sum(parts)))
