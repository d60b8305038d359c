"""A stored kernel (n, n) or (n, n, k, k), perhaps a memory-mapped file, as one symmetric matrix."""

from collections.abc import Callable

import torch
from torch import Tensor

_STREAM_BYTES = 16 << 20  # of a stored kernel's rows in float64: measured on two cores, these stay in the cache,
_STREAM_ROWS = 32  # and fewer rows waste the product of matrices


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
