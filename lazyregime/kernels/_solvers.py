"""A solver for the kernel of some samples: for the matrix where it fits in memory, for its products beyond."""

from dataclasses import replace

import torch
from torch import Tensor

from lazyregime.kernels.empirical._memory import default_budget
from lazyregime.kernels.kernel import AbstractKernel, mean_diagonal
from lazyregime.solve import Solver, SolverChoice, rounding


def solver_for(choice: SolverChoice, kernel: AbstractKernel, x: Tensor, n_outputs: int) -> Solver:
    """A solver for the kernel of the samples x, as chosen."""
    coupled, budget = kernel.num_coupled(x) is not None, default_budget(x.device)
    size = len(x) * (n_outputs if coupled else 1)
    if choice.is_direct(size, budget):
        accuracy = choice.accuracy or kernel.gram_accuracy(x)
        return replace(choice, accuracy=accuracy, solver="cholesky").for_gram(kernel.gram(x), budget)
    ridge = choice.ridge + (choice.relative_ridge * mean_diagonal(kernel, x) if choice.relative_ridge else 0.0)

    def matmul(v: Tensor) -> Tensor:
        if not coupled:
            return kernel.apply(x, x, v).to(v)
        columns = [kernel.apply(x, x, c.reshape(len(x), n_outputs)).reshape(-1) for c in v.T]
        return torch.stack(columns, 1).to(v)

    accuracy = choice.accuracy or 10 * rounding(x.dtype)
    return choice.iterative(matmul, size, ridge, x.device, accuracy, columns_are_cheap=not coupled)
