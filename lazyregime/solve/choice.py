"""Which solver a regression uses: Cholesky where the matrix fits in memory, conjugate gradients by products beyond."""

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.solve.cg import ConjugateGradients, Iterating
from lazyregime.solve.cholesky import CholeskySolver
from lazyregime.solve.low_rank import LowRank, Matmul
from lazyregime.solve.stored import flatten_gram, gram_diagonal, streamed_product
from lazyregime.solve.tensors import as_float64, rounding

Solver = CholeskySolver | ConjugateGradients

_CHOLESKY_BYTES = 40  # an entry of the gram matrix: five float64 copies at the peak
_OVERWRITING_BYTES = 18  # and where it is factored in its own memory: itself, and what looks at it by rows


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
        overwrite: Let "cholesky" factor the gram matrix in its own memory (float64, contiguous), which destroys it: one
            matrix of n^2 numbers where there would be three.
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
    overwrite: bool = False
    accuracy: float | None = None
    progress: Iterating | None = None

    @classmethod
    def of(cls, **choices: Any) -> "SolverChoice":
        """Checks the choices.

        Raises:
            LazyRegimeError: For a name that is none of the choices, or a value that is not possible.
        """
        names = [field.name for field in fields(cls)]
        unknown = [name for name in choices if name not in names]
        if unknown:
            raise LazyRegimeError(
                f"There is no choice {', '.join(unknown)} of a kernel regression; the numerical ones are "
                f"{', '.join(names)}."
            )
        checked = {name: _checked(name, value) for name, value in choices.items()}
        return cls(**checked)

    def for_gram(self, gram: Tensor, budget: int) -> Solver:
        """A solver for a precomputed (n, n) or (n, n, k, k) kernel, which may be a memory-mapped file.

        Args:
            gram: The kernel of the samples with themselves.
            budget: Bytes, where the choice names none.
        """
        if gram.shape[0] != gram.shape[1]:
            raise LazyRegimeError(f"The gram matrix has shape {tuple(gram.shape)}; give (n, n) or (n, n, k, k).")
        size = gram.shape[0] * (gram.shape[2] if gram.ndim == 4 else 1)
        ridge = self.ridge
        if self.relative_ridge:
            ridge += self.relative_ridge * float(as_float64(gram_diagonal(gram), "diagonal of the kernel").mean())
        accuracy = self.accuracy or rounding(gram.dtype)
        if self.is_direct(size, budget):
            return CholeskySolver(flatten_gram(gram), ridge=ridge, accuracy=accuracy, overwrite=self.overwrite)
        matmul = streamed_product(gram, self.memory_budget or budget)
        return self.iterative(matmul, size, ridge, gram.device, accuracy)

    def is_direct(self, size: int, budget: int) -> bool:
        """Whether the matrix is to be factored."""
        fits = (_OVERWRITING_BYTES if self.overwrite else _CHOLESKY_BYTES) * size**2 <= (self.memory_budget or budget)
        return self.solver == "cholesky" or (self.solver == "auto" and fits)

    def iterative(
        self,
        matmul: Matmul,
        size: int,
        ridge: float,
        device: torch.device,
        accuracy: float,
        *,
        columns_are_cheap: bool = True,
    ) -> ConjugateGradients:
        """Conjugate gradients for K given by its products."""
        rank = min(self.rank, size // 4)
        near = LowRank.by_random_products(matmul, size, rank, accuracy, device) if rank else None
        return ConjugateGradients(
            matmul,
            size,
            ridge=ridge,
            near=near,
            tolerance=self.tolerance,
            max_iterations=self.max_iterations,
            num_probes=4 if columns_are_cheap else 0,
            progress=self.progress,
        )


Rule = tuple[Callable[[float], bool], str]  # what must hold, and how it is said
_POSITIVE: Rule = (lambda v: 0 <= v < float("inf"), "finite and >= 0")
_FRACTION: Rule = (lambda v: 0 < v < 1, "between 0 and 1")
_NUMBERS: dict[str, Rule] = {
    "ridge": _POSITIVE,
    "relative_ridge": _POSITIVE,
    "tolerance": _FRACTION,
    "accuracy": _FRACTION,
    "max_iterations": (lambda v: v >= 1 and v == int(v), "a whole number from 1"),
    "rank": (lambda v: v >= 0 and v == int(v), "a whole number from 0"),
    "memory_budget": (lambda v: v >= 1 and v == int(v), "a whole number of bytes"),
}


def _checked(name: str, value: Any) -> Any:
    if name == "solver" and value not in ("auto", "cholesky", "cg"):
        raise LazyRegimeError(f"The solver {value!r} is unknown; choose auto, cholesky or cg.")
    if name == "progress" and not (value is None or callable(value)):
        raise LazyRegimeError(f"progress={value!r} is no function; it is called with (iterations, residual).")
    if name not in _NUMBERS or (value is None and name in ("accuracy", "memory_budget")):
        return value
    possible, wanted = _NUMBERS[name]
    number = _number(value)
    if number is None or not possible(number):
        raise LazyRegimeError(f"{name}={value!r} is not possible; it must be {wanted}.")
    return int(number) if "whole" in wanted else number


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Tensor | np.number):
        return None
    given: Any = value
    return float(given)
