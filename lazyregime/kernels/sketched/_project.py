r"""U^T G V = sum_t (U^T b_t) (V^T a_t)^T: a layer's gradient G = sum_t b_t a_t^T, projected without being formed.

Shapes: n samples; B probes; c outputs that were differentiated; g groups; t positions; p inputs and o outputs of one;
q numbers a side. `mix` (B, c) adds the outputs up for each probe; without it each probe has one of its own, c = B.
"""

import torch
from torch import Tensor

from lazyregime.kernels.empirical._factors import Factor, Lookup, Outer, Rows
from lazyregime.kernels.sketched._signs import Part, Signs


def project(factor: Factor, signs: Signs, block: slice, part: Part, table_rows: int, mix: Tensor | None) -> Tensor:
    """The sketches of one term of a layer's gradients, (n, B, q, q).

    Args:
        factor: What the layer's rule returned; b for the outputs that were differentiated.
        signs: The projections.
        block: The probes.
        part: Of its own for each term of each layer.
        table_rows: Of an embedding.
        mix: See above.
    """
    if isinstance(factor, Outer):
        return _outer(factor, signs, block, part, mix)
    if isinstance(factor, Lookup):
        b = _mixed(factor.b, mix, signs.like)
        u, v = signs.sides(block, part, (b.shape[-1],), (table_rows,))
        return _contract(b @ u[:, None], v[:, factor.ids])
    return project_dense(_mixed(factor.g, mix, signs.like)[..., None], signs, block, part)


def project_dense(g_bnrc: Tensor, signs: Signs, block: slice, part: Part) -> Tensor:
    """The sketches of gradients that are there, as matrices (B, n, r, c)."""
    u, v = signs.sides(block, part, (g_bnrc.shape[2],), (g_bnrc.shape[3],))
    return (u.mT[:, None] @ g_bnrc @ v[:, None]).transpose(0, 1)


def mixed_rows(rows: Rows, mix: Tensor, signs: Signs) -> Tensor:
    """Gradients (n, k, p) of all outputs as (B, n, p), one combination of the outputs a probe."""
    return _mixed(rows.g, mix, signs.like)


def _outer(factor: Outer, signs: Signs, block: slice, part: Part, mix: Tensor | None) -> Tensor:
    assert factor.b is not None
    pieces = [a.to(signs.like) * factor.weight for a in factor.a] if factor.weight else []
    if factor.bias:
        pieces.append(torch.full_like(factor.a[0][..., :1], factor.bias).to(signs.like))
    a = torch.cat(pieces, -1)  # (n, g, t, p), the bias as one more input
    b = _mixed(factor.b, mix, signs.like)  # (B, n, g, t, o)
    n, g, t, p = a.shape
    u, v = signs.sides(block, part, (g, b.shape[-1]), (g, p))
    left = (b @ u[:, None]).flatten(2, 3)
    right = a.transpose(0, 1).reshape(g, n * t, p) @ v.permute(1, 2, 0, 3).flatten(2)
    right = right.view(g, n, t, len(v), signs.size).permute(3, 1, 0, 2, 4).flatten(2, 3)
    return _contract(left, right)


def _contract(left_bntq: Tensor, right_bntq: Tensor) -> Tensor:
    return (left_bntq.mT @ right_bntq).transpose(0, 1)


def _mixed(b: Tensor, mix: Tensor | None, like: Tensor) -> Tensor:
    """(n, c, ...) as (B, n, ...)."""
    b = b.to(like)
    return b.transpose(0, 1) if mix is None else torch.einsum("bc,nc...->bn...", mix, b)
