"""Which solver a regression uses: Cholesky where the gram matrix fits, conjugate gradients by products beyond."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels._tensors import as_float64, rounding
from lazyregime.kernels.cg import ConjugateGradients, Iterating, Matmul
from lazyregime.kernels.empirical._memory import default_budget
from lazyregime.kernels.kernel import AbstractKernel, flatten_gram, gram_diagonal, mean_diagonal, streamed_product
from lazyregime.kernels.solve import CholeskySolver

Solver = CholeskySolver | ConjugateGradients

_CHOLESKY_BYTES = 40  # an entry of the gram matrix: five float64 copies at the peak


@dataclass(frozen=True)
class SolverChoice:
    """The numerical choices of a `KernelRegression`.

    Attributes:
        ridge: Added to the diagonal as it is.
        relative_ridge: Added to the diagonal times tr(K)/n.
        solver: "cholesky"; "cg", conjugate gradients by products, of a stored kernel by blocks of its rows; or "auto":
            the former where the memory budget allows.
        tolerance: Of the residual of conjugate gradients.
        max_iterations: Of conjugate gradients.
        rank: Of the preconditioner of conjugate gradients.
        memory_budget: Bytes; a fraction of what is free if not given.
        accuracy: Relative accuracy of the kernel's entries, if it is not the rounding of their dtype.
        progress: Called with (iterations so far, largest relative residual) by conjugate gradients.
    """

    ridge: float = 0.0
    relative_ridge: float = 0.0
    solver: str = "auto"
    tolerance: float = 1e-6
    max_iterations: int = 1000
    rank: int = 50
    memory_budget: int | None = None
    accuracy: float | None = None
    progress: Iterating | None = None

    @classmethod
    def of(cls, *, ridge: float | int = 0.0, relative_ridge: float | int = 0.0, **rest: Any) -> "SolverChoice":
        """Checks the choices.

        Raises:
            LazyRegimeError: For a negative ridge or an unknown solver.
        """
        if not (0 <= ridge < float("inf") and 0 <= relative_ridge < float("inf")):
            raise LazyRegimeError(f"The ridge must be finite and >= 0; got ridge={ridge}, relative={relative_ridge}.")
        if rest.get("solver", "auto") not in ("auto", "cholesky", "cg"):
            raise LazyRegimeError(f"The solver {rest['solver']!r} is unknown; choose auto, cholesky or cg.")
        return cls(float(ridge), float(relative_ridge), **rest)

    def for_gram(self, gram: Tensor) -> Solver:
        """A solver for a precomputed (n, n) or (n, n, k, k) kernel, which may be a memory-mapped file."""
        size = gram.shape[0] * (gram.shape[2] if gram.ndim == 4 else 1)
        ridge = self.ridge
        if self.relative_ridge:
            ridge += self.relative_ridge * float(as_float64(gram_diagonal(gram), "diagonal of the kernel").mean())
        if self._direct(size, gram.device):
            return CholeskySolver(flatten_gram(gram), ridge=ridge, accuracy=self.accuracy)
        matmul = streamed_product(gram, self._budget(gram.device))
        return self._iterative(matmul, size, ridge, gram.device, self.accuracy or rounding(gram.dtype))

    def for_kernel(self, kernel: AbstractKernel, x: Tensor, n_outputs: int) -> Solver:
        """A solver for the kernel of the samples x."""
        coupled = kernel.num_coupled(x) is not None
        size = len(x) * (n_outputs if coupled else 1)
        if self._direct(size, x.device):
            accuracy = self.accuracy or kernel.gram_accuracy(x)
            return replace(self, accuracy=accuracy, solver="cholesky").for_gram(kernel.gram(x))
        ridge = self.ridge + (self.relative_ridge * mean_diagonal(kernel, x) if self.relative_ridge else 0.0)

        def matmul(v: Tensor) -> Tensor:
            if not coupled:
                return kernel.apply(x, x, v).to(v)
            columns = [kernel.apply(x, x, c.reshape(len(x), n_outputs)).reshape(-1) for c in v.T]
            return torch.stack(columns, 1).to(v)

        return self._iterative(matmul, size, ridge, x.device, self.accuracy or 10 * rounding(x.dtype))

    def _budget(self, device: torch.device) -> int:
        return self.memory_budget or default_budget(device)

    def _direct(self, size: int, device: torch.device) -> bool:
        fits = _CHOLESKY_BYTES * size**2 <= self._budget(device)
        return self.solver == "cholesky" or (self.solver == "auto" and fits)

    def _iterative(
        self, matmul: Matmul, size: int, ridge: float, device: torch.device, accuracy: float
    ) -> ConjugateGradients:
        return ConjugateGradients(
            matmul,
            size,
            ridge=ridge,
            device=device,
            tolerance=self.tolerance,
            max_iterations=self.max_iterations,
            rank=self.rank,
            accuracy=accuracy,
            progress=self.progress,
        )
