r"""f(x) = k(x, X) (K + lambda I)^{-1} (Y - b) + b: ridge regression with any kernel or features, and a path of ridges.

What is smaller is formed: the kernel of the samples (dual) or that of the features (primal), never the features. Where
neither fits in memory, conjugate gradients by products with features that are made anew each time.
"""

import math
from collections.abc import Sequence
from typing import Any, final

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels import AbstractKernel
from lazyregime.kernels.empirical._memory import free_bytes
from lazyregime.kernels.state import check_unchanged, lasting
from lazyregime.machines import _forms, _problem
from lazyregime.machines._estimator import AbstractEstimator, Array, as_samples, as_targets, like, not_fitted
from lazyregime.machines.features import AbstractFeatures
from lazyregime.machines.two_layer import TwoLayerKernel

FREE_FRACTION = 0.75  # of the free memory, for the matrix and its factor
SOLVERS = ("auto", "primal", "dual", "cg")
PRECISIONS = ("float64", "float32")


@final
class KernelMachine(AbstractEstimator):
    """Ridge regression in scikit-learn's convention; class labels become targets by `lazyregime.kernels.encode`.

    Args:
        kernel: Any `AbstractKernel` that does not couple outputs, features among them; RF of infinite width if None.
        ridge: lambda, added to the diagonal as it is; or several, of which leave-one-out chooses.
        intercept: Fit a constant b that the ridge does not shrink.
        solver: "primal", "dual" or "cg"; "auto" takes the smaller of the first two, and the last where neither fits.
        precision: Of the features, "float64" or "float32"; sums and solves are in float64 in any case.
        tolerance: Of the residual of conjugate gradients.
        max_basis: Of the Krylov space of a large path.
        memory_budget: Bytes for matrices; a part of what is free if None.

    Attributes:
        ridges_: The path.
        ridge_: The one that predicts.
        jitter_: What was added to it, where the kernel is singular at that ridge; mostly 0.
        chosen_by_: "given", "leave_one_out", or what `choose` was told.
        report_: What the solve took (`SolveReport`: condition_number, jitter, residual, method, form).
        n_features_in_: Numbers a sample.
    """

    def __init__(
        self,
        kernel: AbstractKernel | None = None,
        *,
        ridge: float | Sequence[float] = 1e-3,
        intercept: bool = False,
        solver: str = "auto",
        precision: str = "float64",
        tolerance: float = 1e-8,
        max_basis: int = 3000,
        memory_budget: int | None = None,
    ) -> None:
        self.kernel, self.ridge, self.intercept, self.solver = kernel, ridge, intercept, solver
        self.precision, self.tolerance, self.max_basis = precision, tolerance, max_basis
        self.memory_budget = memory_budget

    def fit(self, x: Array, y: Array) -> "KernelMachine":
        """Solve for the ridge, or for several and choose among them by leave-one-out.

        Raises:
            LazyRegimeError: For data that are not finite or do not match, a kernel that is singular at some ridge, or
                a matrix that does not fit in the memory budget.
        """
        given: Any = self.ridge
        several = isinstance(given, Sequence) or hasattr(given, "__len__")
        targets = self._solve(x, y, given if several else (given,))
        if len(self.ridges_) > 1:
            errors = (self.leave_one_out_path() - targets).square().flatten(1).mean(1)
            self.choose(int(errors.argmin()), by="leave_one_out")
        return self

    def fit_path(self, x: Array, y: Array, ridges: Sequence[float]) -> "KernelMachine":
        """As `fit`, for ridges of which `choose` will take one; until then the first predicts."""
        self._solve(x, y, ridges)
        return self

    def predict(self, x: Array) -> Array:
        """f(x), of the shape that y had."""
        values = self._values(x, slice(self._index, self._index + 1) if hasattr(self, "_fit") else slice(0))[0]
        return like(values.reshape(len(values), *self._target_shape), x)

    def predict_path(self, x: Array) -> Float[Tensor, "r m k"]:
        """f(x) for every ridge of the path, as a tensor."""
        return self._values(x, slice(None))

    def choose(self, index: int, *, by: str) -> "KernelMachine":
        """Predict with ridge number `index` of the path, chosen by "validation", "leave_one_out" or "test"."""
        self._index, self.chosen_by_ = range(len(self.ridges_))[index], by
        self.ridge_, self.jitter_ = self.ridges_[self._index], self._fit.jitters[self._index]
        return self

    def fitted_path(self) -> Float[Tensor, "r n k"]:
        """f(X) on the training samples for every ridge: Y - lambda alpha, without the kernel."""
        if not hasattr(self, "_fit"):
            raise not_fitted(type(self).__name__)
        return _forms.fitted_values(self._fit)

    @property
    def has_leave_one_out(self) -> bool:
        """Whether the fit has what `leave_one_out_path` needs."""
        return hasattr(self, "_fit") and self._fit.has_leave_one_out

    def leave_one_out_path(self) -> Float[Tensor, "r n k"]:
        """For every ridge and sample what the fit without that sample predicts for it.

        Raises:
            LazyRegimeError: If the solve was too large for eigenvalues, or went by products.
        """
        if not hasattr(self, "_fit"):
            raise not_fitted(type(self).__name__)
        return _forms.left_out(self._fit)

    def _values(self, x: Array, which: slice) -> Float[Tensor, "r m k"]:
        if not hasattr(self, "_fit"):
            raise not_fitted(type(self).__name__)
        samples = as_samples(x, type(self).__name__, self._shape).to(self._fit.problem.samples)
        check_unchanged(self._seen, self._fit.problem.kernel.state())
        return _forms.predict(self._fit, samples, which)

    def _solve(self, x: Array, y: Array, ridges: Any) -> Float[Tensor, "n k"]:
        name = type(self).__name__
        samples = as_samples(x, name)
        targets, self._target_shape = as_targets(y, len(samples), name)
        targets = targets.to(samples.device)
        path = self._checked(ridges)
        kernel = TwoLayerKernel() if self.kernel is None else self.kernel
        samples = samples.to(getattr(torch, self.precision), copy=isinstance(x, Tensor))
        before = kernel.state()
        if kernel.num_coupled(samples) is not None:
            raise LazyRegimeError(
                'This kernel couples outputs; use KernelRegression, or a kernel with outputs="trace".'
            )
        self._shape: tuple[int, ...] = tuple(samples.shape[1:])
        self.n_features_in_ = math.prod(self._shape)
        problem = _problem.Problem(kernel, samples, targets, path, self.intercept)
        form, budget = self._form(problem), self._budget(samples)
        self._fit = _forms.solve(problem, form, tolerance=self.tolerance, max_basis=self.max_basis, budget=budget)
        self._seen = lasting(before, kernel.state_after(samples))
        self.report_, self.ridges_ = self._fit.report, path
        self.choose(0, by="given")
        return targets

    def _checked(self, ridges: Any) -> tuple[float, ...]:
        path = tuple(float(r) for r in ridges)
        if not path or any(not 0 <= r < float("inf") for r in path):
            raise LazyRegimeError(f"ridge={ridges} is not possible; ridges are finite numbers >= 0, at least one.")
        for name, value, choices in (("solver", self.solver, SOLVERS), ("precision", self.precision, PRECISIONS)):
            if value not in choices:
                raise LazyRegimeError(f"{name}={value!r} is not known; choose one of {', '.join(choices)}.")
        return path

    def _budget(self, samples: Tensor) -> int:
        return self.memory_budget or int(FREE_FRACTION * free_bytes(samples.device))

    def _form(self, problem: "_problem.Problem") -> str:
        n, p = len(problem.samples), problem.num_features
        if self.solver == "primal" and not isinstance(problem.kernel, AbstractFeatures):
            raise LazyRegimeError('solver="primal" needs features, and this kernel has none; use dual or cg.')
        form = self.solver
        if form == "auto":
            form = "primal" if p is not None and p < n else "dual"
            if _problem.bytes_of(p if form == "primal" else n) > self._budget(problem.samples):
                return "cg"
        if form != "cg":
            _problem.check_memory(form, p if form == "primal" else n, self._budget(problem.samples))
        return form
