r"""What the regression asks of a kernel: K(X, X), and K(x, X) c without ever holding K(x, X).

The empirical, the infinite-width and the linearized network's kernel are all of this kind, and so is a user's own.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor


class AbstractKernel(ABC):
    """A positive semi-definite kernel, the same for all outputs (n, m) or coupling them (n, m, k, k)."""

    @abstractmethod
    def gram(self, x: Tensor) -> Tensor:
        """K(X, X): (n, n), or (n, n, k, k)."""

    @abstractmethod
    def apply(self, x1: Tensor, x2: Tensor, coefficients: Float[Tensor, "m k"]) -> Float[Tensor, "n k"]:
        """K(x1, x2) c: for a kernel (n, m) each column of c on its own, for (n, m, k, k) with the outputs coupled."""

    @property
    @abstractmethod
    def couples_outputs(self) -> bool:
        """Whether the kernel is (n, m, k, k)."""


def apply_by_rows(
    cross: Callable[[Tensor, Tensor], Tensor], x1: Tensor, x2: Tensor, coefficients: Tensor, num_rows: int
) -> Tensor:
    """K(x1, x2) c, streaming `num_rows` rows of the kernel at a time."""
    rows = [cross(x, x2).to(coefficients) @ coefficients for x in x1.split(num_rows)]
    return torch.cat(rows)
