"""Which solver a regression uses: Cholesky where the gram matrix fits, conjugate gradients by products beyond."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels._tensors import as_float64, rounding
from lazyregime.kernels.cg import ConjugateGradients
from lazyregime.kernels.empirical._memory import default_budget
from lazyregime.kernels.kernel import AbstractKernel, flatten_gram, mean_diagonal
from lazyregime.kernels.solve import CholeskySolver

Solver = CholeskySolver | ConjugateGradients

_CHOLESKY_BYTES = 40  # an entry of the gram matrix: five float64 copies at the peak


@dataclass(frozen=True)
class SolverChoice:
    """The numerical choices of a `KernelRegression`.

    Attributes:
        ridge: Added to the diagonal as it is.
        relative_ridge: Added to the diagonal times tr(K)/n.
        solver: "cholesky"; "cg", conjugate gradients by products; or "auto": the former where the memory budget allows.
        tolerance: Of the residual of conjugate gradients.
        max_iterations: Of conjugate gradients.
        rank: Of the preconditioner of conjugate gradients.
        memory_budget: Bytes; a fraction of what is free if not given.
        accuracy: Relative accuracy of the kernel's entries, if it is not the rounding of their dtype.
    """

    ridge: float = 0.0
    relative_ridge: float = 0.0
    solver: str = "auto"
    tolerance: float = 1e-6
    max_iterations: int = 1000
    rank: int = 50
    memory_budget: int | None = None
    accuracy: float | None = None

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

    def for_gram(self, gram: Tensor) -> CholeskySolver:
        """A direct solver for a precomputed (n, n) or (n, n, k, k) kernel."""
        flat = flatten_gram(gram)
        ridge = self.ridge
        if self.relative_ridge:
            ridge += self.relative_ridge * float(as_float64(flat.diagonal(), "diagonal of the kernel").mean())
        return CholeskySolver(flat, ridge=ridge, accuracy=self.accuracy)

    def for_kernel(self, kernel: AbstractKernel, x: Tensor, n_outputs: int) -> Solver:
        """A solver for the kernel of the samples x."""
        coupled = kernel.num_coupled(x) is not None
        size = len(x) * (n_outputs if coupled else 1)
        budget = self.memory_budget or default_budget(x.device)
        if self.solver == "cholesky" or (self.solver == "auto" and _CHOLESKY_BYTES * size**2 <= budget):
            return self.for_gram(kernel.gram(x))
        ridge = self.ridge + (self.relative_ridge * mean_diagonal(kernel, x) if self.relative_ridge else 0.0)

        def matmul(v: Tensor) -> Tensor:
            if not coupled:
                return kernel.apply(x, x, v).to(v)
            columns = [kernel.apply(x, x, c.reshape(len(x), n_outputs)).reshape(-1) for c in v.T]
            return torch.stack(columns, 1).to(v)

        return ConjugateGradients(
            matmul,
            size,
            ridge=ridge,
            device=x.device,
            tolerance=self.tolerance,
            max_iterations=self.max_iterations,
            rank=self.rank,
            accuracy=self.accuracy or 10 * rounding(x.dtype),
        )
