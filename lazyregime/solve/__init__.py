"""(K + ridge I) alpha = Y, the one solver of kernel regression and kernel machines: what it takes, and when it refuses.

Below kernels and networks: a matrix or its products come in, coefficients and a `SolveReport` go out.
"""

from lazyregime.solve.cg import ConjugateGradients
from lazyregime.solve.choice import Solver, SolverChoice
from lazyregime.solve.cholesky import CholeskySolver
from lazyregime.solve.leave_one_out import gcv_error, leave_one_out, leave_one_out_coupled, leave_one_out_primal
from lazyregime.solve.low_rank import LowRank, Matmul
from lazyregime.solve.path import EIGEN_SIZE, solve_path
from lazyregime.solve.report import SolveReport
from lazyregime.solve.solution import PathSolution
from lazyregime.solve.stored import flatten_gram, streamed_product
from lazyregime.solve.tensors import as_float64, rounding, symmetric

__all__ = [
    "EIGEN_SIZE",
    "CholeskySolver",
    "ConjugateGradients",
    "LowRank",
    "Matmul",
    "PathSolution",
    "SolveReport",
    "Solver",
    "SolverChoice",
    "as_float64",
    "flatten_gram",
    "gcv_error",
    "leave_one_out",
    "leave_one_out_coupled",
    "leave_one_out_primal",
    "rounding",
    "solve_path",
    "streamed_product",
    "symmetric",
]
