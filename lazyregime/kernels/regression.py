r"""f(x) = k(x, X) (K + ridge I)^{-1} Y: kernel ridge regression, its two readings as a classifier, and its report.

One class for all kernels: precomputed (`fit_gram`, `predict_gram`), or any `AbstractKernel` or network (`fit`,
`predict`), for which the kernel of the test samples is never held: predictions are products K(x, X) c.
"""

from dataclasses import replace
from typing import Any, cast, final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels._left_out import gcv, left_out
from lazyregime.kernels._samples import check_samples, check_stored, comparing
from lazyregime.kernels._solvers import solver_for
from lazyregime.kernels._task import Task, make_task
from lazyregime.kernels.empirical._checks import check_inputs
from lazyregime.kernels.empirical._loan import Loan
from lazyregime.kernels.empirical._memory import default_budget
from lazyregime.kernels.empirical._recording import evaluate
from lazyregime.kernels.kernel import AbstractKernel
from lazyregime.kernels.protocol import check_protocol, class_maxima
from lazyregime.kernels.state import State, check_unchanged, lasting, state_after, state_of
from lazyregime.kernels.tangent import EmpiricalKernel
from lazyregime.solve import Solver, SolverChoice, SolveReport, as_float64


@final
class KernelRegression:
    """Kernel ridge regression on class labels (integers) or on targets (floating point).

    Args:
        kernel: For `fit`: an `AbstractKernel`, or a network, which stands for its full tangent kernel.
        coding: Of the labels: "one_hot", "0.9/-0.1" or "centred".
        protocol: "adh", argmax_c (k H^{-1} Y)_c; or "poster", the class of the anchor with the largest dual weight.
        n_outputs: Number of classes; the largest label plus one if not given.
        offset: A function f_0 that predictions start from, so that f_0(X) + K(X, X) dual fits Y: with f_0 the network
            itself, what its linearization is trained to. For `fit` and `predict` only.
        **solver: The choices of `SolverChoice`: ridge=0.0, relative_ridge=0.0 (times tr(K)/n), solver="auto"
            ("cholesky", or "cg" where the memory budget asks for it), tolerance, max_iterations, rank, memory_budget,
            accuracy, progress.

    Attributes:
        dual: H^{-1} Y, (n, k), after a fit.
        decision_values: (m, k) of the last prediction, in float64. Under "poster": each class's largest dual weight.
        report: What the solve took (`SolveReport`: condition_number, jitter, residual, method, iterations).

    Raises:
        LazyRegimeError: For an unknown choice, a negative ridge, or kernels and labels that do not fit together.

    A network is used as it is, not copied: once it has been trained, or changed in any other way, the coefficients
    belong to a kernel that is gone, and `predict` says so.
    """

    def __init__(
        self,
        kernel: AbstractKernel | nn.Module | None = None,
        *,
        coding: str = "one_hot",
        protocol: str = "adh",
        n_outputs: int | None = None,
        offset: nn.Module | None = None,
        **solver: Any,
    ) -> None:
        check_protocol(protocol)
        self.choice = SolverChoice.of(**solver)
        if offset is not None and protocol == "poster":
            raise LazyRegimeError('protocol="poster" has no use for an offset; leave it out, or use protocol="adh".')
        is_network = isinstance(kernel, nn.Module)
        self.kernel = EmpiricalKernel(kernel, memory_budget=self.choice.memory_budget) if is_network else kernel
        self.coding, self.protocol, self.n_outputs, self.offset = coding, protocol, n_outputs, offset
        self.decision_values: Tensor | None = None
        self._solver: Solver | None = None
        self._inputs: Tensor | None = None
        self._seen: State = {}

    def fit(self, x: Shaped[Tensor, "n ..."], labels: Shaped[Tensor, "n ..."]) -> "KernelRegression":
        """Solves for the dual weights on the samples x; labels as for `fit_gram`.

        Raises:
            LazyRegimeError: If there is no kernel, or the solve fails.
        """
        kernel, x, before = self._require_kernel(), check_samples(x), self._state()
        coupled = kernel.num_coupled(x)
        task = replace(self._task(labels, len(x), coupled), start=self._offset_values(x))
        solver = solver_for(self.choice, kernel, x, task.targets.shape[1])
        self._solve(solver, task, coupled=coupled is not None)
        self._inputs, self._seen = x.clone(), lasting(before, self._state_after(x))
        return self

    def predict(self, x: Shaped[Tensor, "m ..."]) -> Tensor:
        """Labels (m,) of test samples; values (m, k) if floating targets were fitted.

        With a network's full kernel: one vjp over the training samples and one jvp a test sample.

        Raises:
            LazyRegimeError: If nothing was fitted by `fit`, or the network has changed since.
        """
        kernel, anchors, x = self._require_kernel(), self._inputs, check_samples(x)
        solver = self._fitted()
        if anchors is None:
            raise LazyRegimeError("This KernelRegression was fitted on a gram matrix; predict with predict_gram.")
        check_unchanged(self._seen, self._state())
        with comparing(x, anchors):
            if self.protocol == "poster":
                return self._read_weights(kernel.apply(x, anchors, solver.inverse()).to(self.dual))
            values = kernel.apply(x, anchors, self.dual).to(self.dual) + self._task_fitted.intercept.to(self.dual)
        f0 = self._offset_values(x)
        return self._read(values if f0 is None else values + f0.to(values))

    def fit_gram(self, gram: Shaped[Tensor, "n n ..."], labels: Shaped[Tensor, "n ..."]) -> "KernelRegression":
        """Solves for the dual weights from the kernel of the training samples with themselves.

        Args:
            gram: (n, n), or (n, n, k, k) for the full kernel.
            labels: Integers (n,) in any order, or floating targets (n,) or (n, k).

        Raises:
            LazyRegimeError: If the kernel is not finite, symmetric and positive semi-definite up to rounding.
        """
        check_stored(gram, "gram matrix", (2, 4))
        if gram.ndim == 4 and gram.shape[2] != gram.shape[3]:
            raise LazyRegimeError(f"The gram matrix has shape {tuple(gram.shape)}; give (n, n) or (n, n, k, k).")
        if self.offset is not None:
            raise LazyRegimeError("An offset needs the samples themselves; use fit, or subtract it from the targets.")
        task = self._task(labels, gram.shape[0], gram.shape[2] if gram.ndim == 4 else None)
        self._solve(self.choice.for_gram(gram, default_budget(gram.device)), task, coupled=gram.ndim == 4)
        self._inputs = None
        return self

    def predict_gram(self, k_test: Shaped[Tensor, "m n ..."]) -> Tensor:
        """Labels (m,) from the kernel of test samples (rows) with training samples (columns); values for targets.

        Raises:
            LazyRegimeError: If nothing was fitted, or the columns are not the training samples.
        """
        solver, rank = self._fitted(), 4 if self._coupled else 2
        check_stored(k_test, "test kernel", (2, 4))
        if k_test.ndim != rank or k_test.shape[1:] != (len(self.dual), *[self.dual.shape[1]] * (rank - 2)):
            raise LazyRegimeError(
                f"The test kernel has shape {tuple(k_test.shape)}, but the fit was on {len(self.dual)} samples with "
                f"{'the full' if self._coupled else 'one'} kernel; rows are test samples, columns training samples."
            )
        k = as_float64(k_test, "test kernel").to(self.dual.device)
        if self.protocol == "poster":
            return self._read_weights(solver.solve(k.T).T)
        values = torch.einsum("mnab,nb->ma", k, self.dual) if self._coupled else k @ self.dual
        return self._read(values + self._task_fitted.intercept.to(self.dual))

    @property
    def report(self) -> SolveReport:
        """What the solve took; its residual is the largest of all solves so far."""
        return self._fitted().report

    def leave_one_out(self) -> Float[Tensor, "n k"]:
        """For each training sample the values that a regression without it predicts, at the same absolute ridge.

        Raises:
            LazyRegimeError: If nothing was fitted, or without the inverse: by conjugate gradients.
        """
        inverse = self._inverse("Leave-one-out")
        return left_out(self._task_fitted, self.dual, inverse)

    def loo_error(self) -> float:
        """The leave-one-out mean squared error, over samples and outputs."""
        return float((self.leave_one_out() - self._task_fitted.truth.to(self.dual)).square().mean())

    def gcv_error(self) -> float:
        """The generalized cross-validation estimate of the same error."""
        return gcv(self._task_fitted, self.dual, self._inverse("Generalized cross-validation"))

    def _solve(self, solver: Solver, task: Task, coupled: bool) -> None:
        columns = task.targets.reshape(-1, 1) if coupled else task.targets
        self.dual: Float[Tensor, "n k"] = solver.solve(columns).reshape(task.targets.shape)
        self._solver, self._task_fitted, self._coupled = solver, task, coupled

    def _task(self, labels: Tensor, n_samples: int, coupled: int | None) -> Task:
        if coupled is not None and self.protocol == "poster":
            raise LazyRegimeError('protocol="poster" needs one kernel for all outputs: outputs="trace", not "full".')
        if coupled is not None and self.n_outputs not in (None, coupled):
            raise LazyRegimeError(f"The kernel has {coupled} outputs, but n_outputs={self.n_outputs} was asked for.")
        n_outputs = coupled if coupled is not None else self.n_outputs
        return make_task(labels, n_samples, n_outputs=n_outputs, coding=self.coding, protocol=self.protocol)

    def _require_kernel(self) -> AbstractKernel:
        if self.kernel is None:
            raise LazyRegimeError("This KernelRegression has no kernel: give one, or use fit_gram and predict_gram.")
        return self.kernel

    def _fitted(self) -> Solver:
        if self._solver is None:
            raise LazyRegimeError("This KernelRegression was not fitted yet; call fit or fit_gram first.")
        return self._solver

    def _offset_values(self, x: Tensor) -> Tensor | None:
        if self.offset is None:
            return None
        check_inputs(x, None, dict(self.offset.named_parameters()))
        with Loan(self.offset) as loan:
            parts: list[Tensor] = []
            for xs in x.split(500):
                parts.append(evaluate(loan, xs).detach().double())
                loan.restore()
        return torch.cat(parts)

    def _state(self) -> State:
        """Of the kernel and the offset, where they are networks."""
        kernel = {} if self.kernel is None else self.kernel.state()
        return {**kernel, **({} if self.offset is None else state_of(self.offset, "the offset's "))}

    def _state_after(self, x: Tensor) -> State:
        kernel = {} if self.kernel is None else self.kernel.state_after(x)
        return {**kernel, **({} if self.offset is None else state_after(self.offset, x, "the offset's "))}

    def _inverse(self, what: str) -> Tensor:
        if self._fitted() and self.protocol == "poster":
            raise LazyRegimeError(f'{what} is of the values that protocol="adh" reads; "poster" reads none.')
        return self._fitted().inverse()

    def _read(self, values: Float[Tensor, "m k"]) -> Tensor:
        bad = int((~torch.isfinite(values)).any(1).sum()) if self.protocol == "adh" else 0
        if bad:
            raise LazyRegimeError(
                f"{bad} of {len(values)} predictions are NaN or infinite; the network or its kernel overflows on these "
                "samples, so lower their scale or compute in float64."
            )
        self.decision_values = values
        return values if self._task_fitted.labels is None else values.argmax(1)

    def _read_weights(self, weights: Float[Tensor, "m n"]) -> Tensor:
        labels = cast(Tensor, self._task_fitted.labels)
        return self._read(class_maxima(weights, labels, self._task_fitted.coded.shape[1]))
