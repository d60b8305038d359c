r"""What the regression asks of a kernel: K(X, X), and K(x, X) c without ever holding K(x, X).

The empirical, the infinite-width and the linearized network's kernel are all of this kind, and so is a user's own.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

_STREAM_BYTES = 16 << 20  # of a stored kernel's rows in float64: measured on two cores, these stay in the cache,
_STREAM_ROWS = 32  # and fewer rows waste the product of matrices


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

    def gram_accuracy(self, x: Tensor) -> float | None:
        """Relative accuracy of the entries of `gram`, if it is not the rounding of their dtype."""
        return None


def mean_diagonal(kernel: AbstractKernel, x: Tensor, chunk: int = 32) -> float:
    """tr(K)/n, exactly, from the kernels of a few samples at a time."""
    means = [(flatten_gram(kernel.gram(xs)).diagonal().double().mean(), len(xs)) for xs in x.split(chunk)]
    return float(sum(float(mean) * count for mean, count in means) / len(x))


def flatten_gram(gram: Tensor) -> Tensor:
    """(n, n, k, k) as the matrix (n k, n k); (n, n) as it is."""
    if gram.ndim == 2:
        return gram
    n, m, k, _ = gram.shape
    return gram.permute(0, 2, 1, 3).reshape(n * k, m * k)


def gram_diagonal(gram: Tensor) -> Tensor:
    """The diagonal of the matrix that `flatten_gram` gives, without making it."""
    diagonal = gram.diagonal(dim1=0, dim2=1)
    return diagonal if gram.ndim == 2 else diagonal.diagonal(dim1=0, dim2=1).T.flatten()


def streamed_product(gram: Tensor, memory_budget: int) -> Callable[[Tensor], Tensor]:
    """The map v -> K v in float64 for a stored kernel, which may be a memory-mapped file: a few rows at a time."""
    num_outputs = gram.shape[2] if gram.ndim == 4 else 1
    size = gram.shape[0] * num_outputs
    row_bytes = 8 * size * num_outputs
    wanted = max(_STREAM_ROWS, _STREAM_BYTES // row_bytes)
    rows = max(1, min(wanted, memory_budget // (2 * row_bytes), gram.shape[0]))
    buffer = gram.new_empty(rows * num_outputs, size, dtype=torch.float64)  # new pages each time cost 3 times as much

    def matmul(v: Tensor) -> Tensor:
        product = v.new_empty(size, v.shape[1])
        blocks = zip(gram.split(rows), product.split(rows * num_outputs), strict=True)
        for part, out in blocks:
            torch.mm(buffer[: len(out)].copy_(flatten_gram(part)), v, out=out)
        return product

    return matmul


def apply_by_rows(
    cross: Callable[[Tensor, Tensor], Tensor], x1: Tensor, x2: Tensor, coefficients: Tensor, num_rows: int
) -> Tensor:
    """K(x1, x2) c, streaming `num_rows` rows of the kernel at a time."""
    rows = [cross(x, x2).to(coefficients) @ coefficients for x in x1.split(num_rows)]
    return torch.cat(rows)
