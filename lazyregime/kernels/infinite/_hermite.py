r"""a_j(q) = E[g(sqrt(q) z) h_j(z)], z ~ N(0, 1): Hermite coefficients by quadrature on two panels that meet at 0."""

from collections.abc import Callable
from functools import lru_cache
from typing import final

import numpy as np
import torch
from torch import Tensor

Pointwise = Callable[[Tensor], Tensor]

_REACH = 12.0  # the Gaussian density is 1e-32 there


@final
class HermiteBasis:
    """Nodes, Gaussian weights and the orthonormal Hermite polynomials h_0 .. h_max_degree times the weights.

    h_j oscillates with a period of about 2 pi / sqrt(j), of which the nodes take ten points.
    """

    def __init__(self, max_degree: int) -> None:
        nodes, weights = np.polynomial.legendre.leggauss(max(400, int(20 * max_degree**0.5)))
        half = _REACH * (nodes + 1) / 2  # on [0, reach]; the mirror image is the other panel, so a kink at 0 is exact
        z = torch.from_numpy(np.concatenate([-half[::-1], half]))
        w = torch.from_numpy(np.concatenate([weights[::-1], weights])) * _REACH / 2
        self.nodes, self.weights = z, w * torch.exp(-(z**2) / 2) / (2 * np.pi) ** 0.5
        root = self.weights.sqrt()  # h_j sqrt(weight) stays bounded where h_j alone overflows
        columns = [root, z * root]
        for j in range(1, max_degree):
            columns.append((z * columns[j] - j**0.5 * columns[j - 1]) / (j + 1) ** 0.5)
        self._projector = torch.stack(columns, 1) * root[:, None]

    @property
    def num_terms(self) -> int:
        """How many coefficients there can be."""
        return self._projector.shape[1]

    def coefficients(self, function: Pointwise, q: Tensor, terms: slice) -> Tensor:
        """Some of the a_j along a new last axis."""
        return self.values(function, q) @ self._projector[:, terms].to(q.device)

    def tail(self, function: Pointwise, q: Tensor) -> Tensor:
        """What the first 1, 2, .. terms leave of E[g^2], as a fraction; the largest of these variances."""
        values = self.values(function, q)
        moment = values.square() @ self.weights.to(q.device)
        a = values @ self._projector.to(q.device)
        return (1 - a.square().cumsum(-1) / moment.clamp_min(1e-300)[..., None]).reshape(-1, self.num_terms).amax(0)

    def values(self, function: Pointwise, q: Tensor) -> Tensor:
        """g(sqrt(q) z) at the nodes z."""
        return function(q.sqrt()[..., None] * self.nodes.to(q.device))


@lru_cache(maxsize=3)
def hermite_basis(max_degree: int) -> HermiteBasis:
    """The basis, made once."""
    return HermiteBasis(max_degree)
