"""What the infinite networks' kernels share: both kernels of all pairs, of which the regression takes one."""

from abc import abstractmethod
from typing import ClassVar

from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.kernel import AbstractKernel, apply_by_rows
from lazyregime.solve import as_float64


class AbstractInfiniteKernel(AbstractKernel):
    """The NNGP or the NTK of an infinitely wide network of one output, by `which`."""

    which: str
    parameterization: str
    rows_at_once: ClassVar[int] = 1000  # of a product

    @abstractmethod
    def kernels(self, x1: Tensor, x2: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """NNGP and NTK of all pairs, (n, m); without x2, those of x1 with itself."""

    def cross(self, x1: Tensor, x2: Tensor | None = None) -> Tensor:
        """The kernel `which`, (n, m)."""
        nngp, ntk = self.kernels(x1, x2)
        return ntk if self.which == "ntk" else nngp

    def gram(self, x: Tensor) -> Tensor:
        """The kernel of x with itself, kept in the float64 it is computed in."""
        return self.cross(as_float64(x, "input"))

    def apply(self, x1: Tensor, x2: Tensor, coefficients: Tensor) -> Tensor:
        return apply_by_rows(self.cross, x1, x2, coefficients, self.rows_at_once)

    def num_coupled(self, x: Tensor) -> None:
        return None

    def check_names(self) -> None:
        """Refuses names that are not known.

        Raises:
            LazyRegimeError: Naming the choices.
        """
        if self.parameterization not in ("ntk", "standard"):
            raise LazyRegimeError(
                f"parameterization={self.parameterization!r} has no infinite-width tangent kernel here; choose ntk or "
                "standard."
            )
        if self.which not in ("ntk", "nngp"):
            raise LazyRegimeError(f"which={self.which!r} is not known; choose ntk or nngp.")
