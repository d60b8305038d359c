r"""K + s I = L L^T in the memory of K: the lower triangle becomes L, the upper one and a copy of the diagonal keep K.

So a solve needs one (n, n) matrix where the ordinary one needs three, and K v, and with it the residual, can still be
computed. By block columns, left to right: A_j -= L_j L_jj^T of the columns before, one product each, then a small
factor and a triangular solve.
"""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.solve.lanczos import largest_eigenvalue

_BLOCK = 1024  # columns: their copy is the memory that it takes beyond the matrix


@final
class Overwritten:
    """A symmetric float64 matrix whose lower triangle may hold a factor of it, shifted.

    Args:
        matrix: Contiguous; its lower triangle is overwritten.
        block: Columns factored at a time.
    """

    def __init__(self, matrix: Float[Tensor, "n n"], *, block: int = _BLOCK) -> None:
        self.matrix, self.block = matrix, block
        self.diagonal = matrix.diagonal().clone()
        self._is_whole = True

    def factor(self, shift: float) -> bool:
        """Put L with L L^T = K + shift I into the lower triangle; False if there is none, with K as it was."""
        self.restore()
        self._is_whole = False
        a, n = self.matrix, len(self.matrix)
        a.diagonal().add_(shift)
        for j in range(0, n, self.block):
            e = min(j + self.block, n)
            square = a[j:e, j:e]
            if j:
                done = a[j:e, :j]
                square -= (done @ done.T).tril_()
                a[e:, j:e] -= a[e:, :j] @ done.T
            lower, info = torch.linalg.cholesky_ex(square)  # it reads the lower triangle alone
            if int(info) != 0:
                self.restore()
                return False
            square.copy_(square.triu(1) + lower)
            a[e:, j:e] = torch.linalg.solve_triangular(lower.mT, a[e:, j:e], upper=True, left=False)
        return True

    def restore(self) -> None:
        """Make the matrix K again."""
        if self._is_whole:
            return
        a, n = self.matrix, len(self.matrix)
        for j in range(0, n, self.block):
            e = min(j + self.block, n)
            a[e:, j:e] = a[j:e, e:].T
            square = a[j:e, j:e].triu(1)
            a[j:e, j:e] = square + square.T
        a.diagonal().copy_(self.diagonal)
        self._is_whole = True

    def multiply(self, v: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """K v, of the upper triangle and the diagonal."""
        a, n = self.matrix, len(self.matrix)
        product = self.diagonal[:, None] * v
        for j in range(0, n, self.block):
            e = min(j + self.block, n)
            beyond, square = a[j:e, e:], a[j:e, j:e].triu(1)
            product[j:e] += beyond @ v[e:] + square @ v[j:e] + square.T @ v[j:e]
            product[e:] += beyond.T @ v[j:e]
        return product

    def solve(self, y: Float[Tensor, "n k"]) -> Float[Tensor, "n k"]:
        """(L L^T)^{-1} y; by blocks, since a triangular solve of torch copies its matrix."""
        a, n, x = self.matrix, len(self.matrix), y.clone()
        starts = range(0, n, self.block)
        for j in starts:
            e = min(j + self.block, n)
            x[j:e] = torch.linalg.solve_triangular(a[j:e, j:e].tril(), x[j:e] - a[j:e, :j] @ x[:j], upper=False)
        for j in reversed(starts):
            e = min(j + self.block, n)
            x[j:e] = torch.linalg.solve_triangular(a[j:e, j:e].tril().mT, x[j:e] - a[e:, j:e].mT @ x[e:], upper=True)
        return x

    def smallest(self) -> float:
        """The smallest eigenvalue of K + shift I, whose factor is there."""
        return 1 / largest_eigenvalue(lambda v: self.solve(v[:, None])[:, 0], self.matrix)

    def largest(self) -> float:
        """The largest eigenvalue of K."""
        return largest_eigenvalue(lambda v: self.multiply(v[:, None])[:, 0], self.matrix)
