"""1 - e^{-t Theta} and its quotient by Theta, from one eigendecomposition of a frozen kernel."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.solve import as_float64, rounding, symmetric


@final
@dataclass(frozen=True)
class Modes:
    """Theta = V diag(lambda) V^T, and functions of it; eigenvalues that are rounding are 0."""

    values: Float[Tensor, " n"]
    vectors: Float[Tensor, "n n"]

    @classmethod
    def of(cls, theta: Tensor) -> "Modes":
        """Of a kernel matrix.

        Raises:
            LazyRegimeError: If it is not positive semi-definite up to rounding.
        """
        values, vectors = torch.linalg.eigh(symmetric(theta, "kernel"))
        noise = len(values) * rounding(theta.dtype) * float(values.abs().max())
        if float(values[0]) < -10 * noise:
            raise LazyRegimeError(
                f"The kernel is not positive semi-definite: its eigenvalues go from {float(values[0]):.3g} to "
                f"{float(values[-1]):.3g}, so that its gradient flow would grow without bound."
            )
        return cls(torch.where(values > noise, values, 0.0), vectors)

    def learnt(self, t: float) -> Tensor:
        """1 - e^{-t lambda}."""
        zero = self.values == 0  # for which t lambda is 0 at any time, at infinity too
        return torch.where(zero, 0.0, -torch.expm1(-t * torch.where(zero, 1.0, self.values)))

    def divided(self, t: float) -> Tensor:
        """(1 - e^{-t lambda}) / lambda, and 0 where lambda is."""
        return self.learnt(t) / torch.where(self.values == 0, 1.0, self.values)

    def apply(self, function: Tensor, y: Tensor) -> Tensor:
        """V diag(function) V^T y."""
        return self.vectors @ (function[:, None] * (self.vectors.T @ y))


def check_times(times: Sequence[float]) -> list[float]:
    """Refuse what is no sequence of times.

    Raises:
        LazyRegimeError: Naming the first that is none.
    """
    found = [float(t) for t in times]
    wrong = [t for t in found if math.isnan(t) or t < 0]
    if wrong or not found:
        raise LazyRegimeError(
            f"times has {f'{wrong[0]}' if wrong else 'none'}; give numbers of at least 0, or math.inf."
        )
    return found


def check_outputs(values: Tensor, name: str, n: int) -> Tensor:
    """(n, k) in float64.

    Raises:
        LazyRegimeError: If they are labels, or not n.
    """
    if isinstance(values, Tensor) and not values.is_floating_point():
        raise LazyRegimeError(
            f"{name} is of {values.dtype}; give real numbers (n, k), e.g. torch.nn.functional.one_hot(labels).double()."
        )
    found = as_float64(values, name)
    if found.ndim != 2 or len(found) != n:
        raise LazyRegimeError(f"{name} has shape {tuple(found.shape)}; there are {n} samples, so give ({n}, k).")
    return found
