r"""What the regression asks of a kernel: K(X, X), and K(x, X) c without ever holding K(x, X).

The empirical, the infinite-width and the linearized network's kernel are all of this kind, and so is a user's own.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.kernels.state import State
from lazyregime.solve import flatten_gram


class AbstractKernel(ABC):
    """A positive semi-definite kernel, the same for all outputs (n, m) or coupling them (n, m, k, k)."""

    @abstractmethod
    def gram(self, x: Tensor) -> Tensor:
        """K(X, X) for a solve: (n, n), or (n, n, k, k); in float64 where that costs little."""

    @abstractmethod
    def apply(self, x1: Tensor, x2: Tensor, coefficients: Float[Tensor, "m k"]) -> Float[Tensor, "n k"]:
        """K(x1, x2) c: for a kernel (n, m) each column of c on its own, for (n, m, k, k) with the outputs coupled."""

    @abstractmethod
    def num_coupled(self, x: Tensor) -> int | None:
        """The k of a kernel (n, m, k, k); None for a kernel (n, m)."""

    def state(self) -> State:
        """What the kernel is made from, if that may change under it; nothing for a kernel that is a formula."""
        return {}

    def state_after(self, x: Tensor) -> State:
        """The same once the kernel has been evaluated; what mere evaluation changes has not been trained."""
        return self.state()

    def gram_accuracy(self, x: Tensor) -> float | None:
        """Relative accuracy of the entries of `gram`, if it is not the rounding of their dtype."""
        return None


def mean_diagonal(kernel: AbstractKernel, x: Tensor, chunk: int = 32) -> float:
    """tr(K)/n, exactly, from the kernels of a few samples at a time."""
    means = [(flatten_gram(kernel.gram(xs)).diagonal().double().mean(), len(xs)) for xs in x.split(chunk)]
    return float(sum(float(mean) * count for mean, count in means) / len(x))


def apply_by_rows(
    cross: Callable[[Tensor, Tensor], Tensor], x1: Tensor, x2: Tensor, coefficients: Tensor, num_rows: int
) -> Tensor:
    """K(x1, x2) c, streaming `num_rows` rows of the kernel at a time."""
    rows = [cross(x, x2).to(coefficients) @ coefficients for x in x1.split(num_rows)]
    return torch.cat(rows)
