r"""Hermite eigenstructure of a dot-product kernel on Gaussian-like points (2510.14878): l_a = c_|a| prod_i g_i^a_i.

K(x, x') = sum_l c_l (x . x')^l / l! under x ~ N(0, diag g) has, to leading order in many dimensions, the eigenfunctions
h_a(x) = prod_i h_{a_i}(x_i / sqrt g_i), products of normalized Hermite polynomials, a running over multi-indices.

Legend: p variances, m modes, n points.
"""

import heapq
from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.solve import as_float64


def hermite_modes(
    coefficients: Sequence[float], variances: Float[Tensor, " p"], num_modes: int
) -> tuple[Float[Tensor, " m"], Int[Tensor, "m p"]]:
    """The largest eigenvalues, in falling order, and their multi-indices.

    Args:
        coefficients: c_0, c_1, .. of the kernel, as above; none negative.
        variances: g, of the principal components.
        num_modes: How many at most; there are as many as the degrees allow.

    Raises:
        LazyRegimeError: If a coefficient or a variance is negative, or no mode is asked for.
    """
    g = as_float64(variances, "variances")
    if bool((g < 0).any()) or min(coefficients, default=-1) < 0 or num_modes < 1:
        raise LazyRegimeError(
            f"Hermite modes need coefficients and variances that are not negative, and at least one mode; got "
            f"{list(coefficients)[:4]}.., variances from {float(g.min()):.3g} and num_modes={num_modes}."
        )
    order = torch.argsort(g, descending=True)
    found = [
        (c * product, index)
        for degree, c in enumerate(coefficients)
        if c > 0
        for product, index in _largest_products(g[order].tolist(), degree, num_modes)
    ]
    found = sorted(found, key=lambda mode: -mode[0])[:num_modes]
    exponents = torch.zeros(len(found), len(g), dtype=torch.long)
    for row, (_, index) in enumerate(found):
        for i in index:
            exponents[row, order[i]] += 1
    return torch.tensor([value for value, _ in found], dtype=torch.float64), exponents


def hermite_features(z: Float[Tensor, "n p"], exponents: Int[Tensor, "m p"]) -> Float[Tensor, "n m"]:
    """h_a(z), of variance 1 and uncorrelated for z ~ N(0, I)."""
    z = z.double()
    powers = [torch.ones_like(z), z]
    for j in range(1, int(exponents.max())):
        powers.append((z * powers[j] - j**0.5 * powers[j - 1]) / (j + 1) ** 0.5)
    values = torch.ones(len(z), len(exponents), dtype=torch.float64, device=z.device)
    for degree in range(1, len(powers)):
        for i in exponents.eq(degree).any(0).nonzero().flatten().tolist():
            rows = exponents[:, i].eq(degree)
            values[:, rows] *= powers[degree][:, i : i + 1]
    return values


def _largest_products(g: Sequence[float], degree: int, count: int) -> list[tuple[float, tuple[int, ...]]]:
    """The largest products of `degree` of the numbers g, which fall; each as the positions of its factors."""
    first: tuple[int, ...] = (0,) * degree
    seen: set[tuple[int, ...]] = {first}
    heap: list[tuple[float, tuple[int, ...]]] = [(-(g[0] ** degree), first)]
    found: list[tuple[float, tuple[int, ...]]] = []
    while heap and len(found) < count:
        negative, index = heapq.heappop(heap)
        found.append((-negative, index))
        for k in range(degree):  # one factor further, positions staying in order
            if index[k] + 1 < len(g) and (k + 1 == degree or index[k] < index[k + 1]):
                following = (*index[:k], index[k] + 1, *index[k + 1 :])
                if following not in seen:
                    seen.add(following)
                    product = 1.0
                    for i in following:
                        product *= g[i]
                    heapq.heappush(heap, (-product, following))
    return found
