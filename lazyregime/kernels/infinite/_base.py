"""What the infinite networks' kernels share: both kernels of all pairs, of which the regression takes one."""

from abc import abstractmethod

import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.infinite._sides import SINGLE
from lazyregime.kernels.kernel import AbstractKernel, apply_by_rows
from lazyregime.solve import as_float64


class AbstractInfiniteKernel(AbstractKernel):
    """The NNGP or the NTK of an infinitely wide network of one output, by `which`."""

    which: str
    parameterization: str
    width: int
    weight_variance: float | None
    bias_variance: float | None
    dtype: str

    @abstractmethod
    def kernels(self, x1: Tensor, x2: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """NNGP and NTK of all pairs, (n, m); without x2, those of x1 with itself."""

    def cross(self, x1: Tensor, x2: Tensor | None = None) -> Tensor:
        """The kernel `which`, (n, m)."""
        nngp, ntk = self.kernels(x1, x2)
        return ntk if self.which == "ntk" else nngp

    def gram(self, x: Tensor) -> Tensor:
        """The kernel of x with itself, in float64."""
        return self.cross(as_float64(x, "samples"))

    def gram_accuracy(self, x: Tensor) -> float | None:
        return SINGLE if self.dtype == "float32" else None

    def apply(self, x1: Tensor, x2: Tensor, coefficients: Tensor) -> Tensor:
        return apply_by_rows(self.cross, x1, x2, coefficients, num_rows=100 if x1.ndim == 4 else 1000)

    def num_coupled(self, x: Tensor) -> None:
        return None

    def check_choices(self) -> None:
        """Refuses names that are not known, and numbers that cannot be.

        Raises:
            LazyRegimeError: Naming the choices.
        """
        if self.width < 1:
            raise LazyRegimeError(f"A network has a width of at least 1; got width={self.width}.")
        for name in ("weight_variance", "bias_variance"):
            variance = getattr(self, name)
            if variance is not None and not 0 <= variance < float("inf"):
                raise LazyRegimeError(f"A variance must be finite and not negative; got {name}={variance}.")
        if self.parameterization not in ("ntk", "standard"):
            raise LazyRegimeError(
                f"parameterization={self.parameterization!r} has no infinite-width tangent kernel here; choose ntk or "
                "standard."
            )
        if self.dtype not in ("float64", "float32"):
            raise LazyRegimeError(f"dtype={self.dtype!r} is not known; choose float64 or float32.")
        if self.which not in ("ntk", "nngp"):
            raise LazyRegimeError(f"which={self.which!r} is not known; choose ntk or nngp.")


def inputs(x1: Tensor, x2: Tensor | None, *, flat: bool) -> tuple[Tensor, Tensor]:
    """Both sets of samples in float64, the first again if there is no second.

    Raises:
        LazyRegimeError: If they are no samples (n, ...), or no images (n, c, h, w) where these are wanted, or cannot
            be compared.
    """
    a = as_float64(x1, "samples")
    b = a if x2 is None else as_float64(x2, "other samples").to(a.device)
    for x in (a, b):
        if x.ndim < 2 if flat else x.ndim != 4:
            wanted = "(n, d, ...)" if flat else "(n, channels, height, width)"
            raise LazyRegimeError(f"The samples have shape {tuple(x.shape)}; give them as {wanted}.")
    if a[0].numel() != b[0].numel() if flat else a.shape[1:] != b.shape[1:]:
        raise LazyRegimeError(
            f"Samples of shape {tuple(a.shape)} and of shape {tuple(b.shape)} have no kernel; they must agree in all "
            "but their number."
        )
    return a, b


def as_inputs(kernel: Tensor, x: Tensor) -> Tensor:
    """The kernel in the dtype of the samples; of integers and half precision, which cannot hold it, as it is.

    Raises:
        LazyRegimeError: If it overflows.
    """
    keeps = x.dtype in (torch.float32, torch.float64)
    result = kernel.to(x.device, x.dtype) if keeps else kernel
    bad = int((~torch.isfinite(result)).sum())
    if bad:
        raise LazyRegimeError(
            f"{bad} of {result.numel()} entries of the kernel overflow {result.dtype}: the samples reach "
            f"{float(x.abs().max()):.3g}, whose squares count; scale them down"
            f"{', or give them in float64' if x.dtype != torch.float64 else ''}."
        )
    return result
