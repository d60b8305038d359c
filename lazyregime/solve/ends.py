r"""Both ends of the spectrum of H = K + ridge I, from the products that conjugate gradients make anyway.

A vector for the largest eigenvalue and a few for the smallest go along as columns, so that they cost no products of
their own. Where a column costs as much as a product, the smallest one is looked for on the span of the last search
directions, and from there by a few products more.
"""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.solve.lanczos import Lanczos, random_start
from lazyregime.solve.lobpcg import SmallestEigenvalue
from lazyregime.solve.low_rank import LowRank, Matmul
from lazyregime.solve.stability import condition_number

_MORE = 30  # products, at most, that are made for one end alone
_SHARE = 4  # and for the smaller one no more than a fourth of the iterations
_KEPT_BYTES = 256 << 20  # of search directions and their products


@final
class SpectrumEnds:
    """Takes its columns with the products of an iteration.

    Args:
        matmul: K times a matrix.
        ridge: On its diagonal.
        near: Preconditions, and has the vector that the largest eigenvalue is looked for from.
        probes: Where the smallest eigenvalue is looked for from; no columns if they cost products of their own.
    """

    def __init__(self, matmul: Matmul, ridge: float, near: LowRank | None, probes: Float[Tensor, "n b"]) -> None:
        self._matmul, self._ridge = matmul, ridge
        known = near is not None and near.values.numel() > 0
        start = near.vectors[:, near.values.argmax()] if known and near else random_start(len(probes), probes.device)
        self._top = Lanczos(start)
        self._bottom = SmallestEigenvalue(probes, (lambda v: v) if near is None else lambda v: near.solve(ridge, v))
        self._kept = 0 if probes.shape[1] else max(2, min(100, _KEPT_BYTES // (16 * len(probes))))
        self._directions: list[tuple[Tensor, Tensor]] = []
        self._count = 0

    def product(self, p: Float[Tensor, "n c"]) -> Float[Tensor, "n c"]:
        """K p, and by the way one step towards both ends."""
        top = [] if self._top.done else [self._top.vector[:, None]]
        bottom = [] if self._bottom.done else [self._bottom.vectors]
        kp = self._matmul(torch.cat([p, *top, *bottom], 1))
        if top:
            self._top.step(kp[:, p.shape[1]])
        if bottom:
            v = self._bottom.vectors
            self._bottom.step(kp[:, -v.shape[1] :] + self._ridge * v)
        return kp[:, : p.shape[1]]

    def see(self, p: Float[Tensor, " n"], hp: Float[Tensor, " n"]) -> None:
        """A search direction, and its product with H."""
        self._count += 1
        if self._kept:
            self._directions = [*self._directions[1 - self._kept :], (p.clone(), hp.clone())]

    @property
    def largest(self) -> float:
        """Of K, so far."""
        return self._top.largest

    def condition_number(self) -> float:
        """Largest over smallest eigenvalue of H, as far as they are known."""
        for _ in range(_MORE):
            if self._top.done:
                break
            self._top.step(self._matmul(self._top.vector[:, None])[:, 0])
        if self._directions:
            s, hs = (torch.stack(vectors, 1) for vectors in zip(*self._directions, strict=True))
            self._bottom.begin(s, hs)
            for _ in range(min(_MORE, self._count // _SHARE)):
                if self._bottom.done:
                    break
                v = self._bottom.vectors
                self._bottom.step(self._matmul(v) + self._ridge * v)
        return condition_number(max(self._bottom.smallest, self._ridge), self.largest + self._ridge)
