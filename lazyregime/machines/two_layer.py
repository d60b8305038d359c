r"""E_w over w ~ N(0, I/d) of the kernels of a two-layer network: what RF, NT and RF+NT tend to for N -> infinity.

rf    E[sigma(<w, x>) sigma(<w, x'>)]                          |x||x'|/d (sin t + (pi - t) cos t) / (2 pi)   for relu
nt    (<x, x'>/d) E[sigma'(<w, x>) sigma'(<w, x'>)]            <x, x'>/d (pi - t) / (2 pi)
ntk   their sum

For relu this is exact for w on the unit sphere too. Those of [GMMM20] are d times as large.
"""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import AbstractKernel
from lazyregime.kernels.infinite import dual_of
from lazyregime.kernels.kernel import apply_by_rows
from lazyregime.machines.features import mirror

KINDS = ("rf", "nt", "ntk")
CLOSED = ("relu", "erf")  # kernels that cost an angle an entry
_ROWS = 500  # computed together: temporaries of this many rows


@final
@dataclass(frozen=True)
class TwoLayerKernel(AbstractKernel):
    """The kernel of infinitely many random or tangent features.

    Attributes:
        kind: rf, nt or ntk.
        activation: One of `lazyregime.networks.ACTIVATIONS`.
    """

    kind: str = "rf"
    activation: str = "relu"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise LazyRegimeError(f"kind={self.kind!r} is not known; choose rf, nt or ntk.")
        dual_of(self.activation)

    def gram(self, x: Tensor) -> Tensor:
        """The kernel of samples with themselves: one triangle is computed."""
        total = x.new_empty(len(x), len(x), dtype=torch.float64)
        for i in range(0, len(x), _ROWS):
            total[i : i + _ROWS, i:] = self.cross(x[i : i + _ROWS], x[i:])
        return mirror(total, _ROWS)

    def cross(self, x1: Float[Tensor, "n d"], x2: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
        """The kernel, in float64 by blocks of rows."""
        a, b = x1.double(), x2.double()
        d = a.shape[1]
        dual = dual_of(self.activation)
        q2 = b.square().mean(1)
        total = a.new_empty(len(a), len(b))
        for rows in range(0, len(a), _ROWS):
            some = a[rows : rows + _ROWS]
            inner = some @ b.T / d
            values, slopes = dual(inner, some.square().mean(1)[:, None], q2[None])
            total[rows : rows + _ROWS] = {
                "rf": lambda v=values: v,
                "nt": lambda s=slopes, i=inner: s * i,
                "ntk": lambda v=values, s=slopes, i=inner: v + s * i,
            }[self.kind]()
        return total

    def apply(self, x1: Tensor, x2: Tensor, coefficients: Tensor) -> Tensor:  # noqa: D102
        return apply_by_rows(self.cross, x1, x2, coefficients, num_rows=_ROWS)

    def num_coupled(self, x: Tensor) -> None:  # noqa: D102
        return None


def limit_of(kind: str, activation: str, shift: float) -> TwoLayerKernel | None:
    """The kernel of infinitely many of these features where it costs little, else None."""
    return TwoLayerKernel(kind, activation) if shift == 0 and activation in CLOSED else None
