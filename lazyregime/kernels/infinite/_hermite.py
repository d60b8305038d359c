r"""a_j(q) = E[g(sqrt(q) z) h_j(z)], z ~ N(0, 1): Hermite coefficients by quadrature on two panels that meet at 0."""

from collections.abc import Callable
from functools import lru_cache
from typing import final

import numpy as np
import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError

_REACH = 12.0  # the Gaussian density is 1e-32 there
_TAIL, _BOUND = 1e-10, 1e-6


@final
class HermiteBasis:
    """Nodes, Gaussian weights and the orthonormal Hermite polynomials h_0 .. h_max_degree times the weights."""

    def __init__(self, max_degree: int, num_nodes: int = 400) -> None:
        nodes, weights = np.polynomial.legendre.leggauss(num_nodes)
        half = _REACH * (nodes + 1) / 2  # on [0, reach]; the mirror image is the other panel, so a kink at 0 is exact
        z = torch.from_numpy(np.concatenate([-half[::-1], half]))
        w = torch.from_numpy(np.concatenate([weights[::-1], weights])) * _REACH / 2
        self.nodes, self.weights = z, w * torch.exp(-(z**2) / 2) / (2 * np.pi) ** 0.5
        root = self.weights.sqrt()  # h_j sqrt(weight) stays bounded where h_j alone overflows
        columns = [root, z * root]
        for j in range(1, max_degree):
            columns.append((z * columns[j] - j**0.5 * columns[j - 1]) / (j + 1) ** 0.5)
        self._projector = torch.stack(columns, 1) * root[:, None]

    def coefficients(self, function: Callable[[Tensor], Tensor], q: Tensor, num_terms: int) -> Tensor:
        """a_0 .. a_{num_terms - 1} along a new last axis."""
        values = function(q.sqrt()[..., None] * self.nodes.to(q.device))
        return values @ self._projector[:, :num_terms].to(q.device)

    def num_terms(self, function: Callable[[Tensor], Tensor], q: Tensor) -> int:
        """How many terms leave a tail below 1e-10 of E[g^2] at these variances.

        Raises:
            LazyRegimeError: If all of them leave more than 1e-6.
        """
        a = self.coefficients(function, q, self._projector.shape[1])
        moment = function(q.sqrt()[:, None] * self.nodes.to(q.device)).square() @ self.weights.to(q.device)
        tail = (1 - a.square().cumsum(1) / moment.clamp_min(1e-300)[:, None]).amax(0)
        if float(tail[-1]) > _BOUND:
            raise LazyRegimeError(
                f"The Hermite series of this activation's derivative leaves {float(tail[-1]):.1e} of its second moment "
                f"after {len(tail)} terms (allowed {_BOUND:.0e}); only relu may have a kink: use a smooth activation."
            )
        return int((tail > max(_TAIL, 2 * float(tail[-1]))).sum()) + 1


@lru_cache(maxsize=1)
def hermite_basis(max_degree: int) -> HermiteBasis:
    """The basis, made once."""
    return HermiteBasis(max_degree)
