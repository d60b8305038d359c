"""Kernels of all pairs of two sets, block by block within a memory budget; one triangle where the sets are the same."""

from collections.abc import Callable

import torch
from torch import Tensor

from lazyregime.kernels.infinite.scheme import Pairs

_CACHE_BYTES = 64 << 20  # larger blocks are no faster


def by_blocks(
    block: Callable[[slice, slice], Pairs],
    n: int,
    m: int,
    *,
    symmetric: bool,
    pair_bytes: int,
    budget: int,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    """Assembles (n, m) float64 matrices nngp and ntk from `block(rows, columns)`.

    Args:
        block: The kernels of a slice of the first set with a slice of the second.
        n: Size of the first set.
        m: Size of the second set.
        symmetric: Whether the sets are the same, so that blocks below the diagonal are mirrored.
        pair_bytes: Memory that one pair takes at the peak.
        budget: Bytes for one block.
        device: Where the matrices live.
    """
    pairs = max(1, min(budget, max(_CACHE_BYTES, pair_bytes)) // pair_bytes)
    step_n = max(1, min(n, int(pairs**0.5)))
    step_m = step_n if symmetric else max(1, min(m, pairs // step_n))
    nngp, ntk = (torch.empty(n, m, dtype=torch.float64, device=device) for _ in range(2))
    for i in range(0, n, step_n):
        rows = slice(i, min(i + step_n, n))
        for j in range(i if symmetric else 0, m, step_m):
            columns = slice(j, min(j + step_m, m))
            result = block(rows, columns)
            for whole, part in ((nngp, result.nngp), (ntk, result.ntk)):
                if symmetric and rows == columns:
                    part = (part + part.T) / 2
                whole[rows, columns] = part
                if symmetric:
                    whole[columns, rows] = part.T
    return nngp, ntk
