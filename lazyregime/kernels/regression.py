r"""f(x) = k(x, X) (K + ridge I)^{-1} Y: kernel ridge regression, its two readings as a classifier, and its report.

Works from precomputed kernels (`fit_gram`, `predict_gram`). A kernel is a matrix (n, n), the same for every output,
or the full tensor (n, n, k, k) that couples outputs.
"""

from typing import final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels._tensors import as_float64
from lazyregime.kernels.coding import encode
from lazyregime.kernels.protocol import check_protocol, class_maxima
from lazyregime.kernels.solve import CholeskySolver, SolveReport


@final
class KernelRegression:
    """Kernel ridge regression on class labels (integers) or on targets (floating point).

    Args:
        ridge: Added to the diagonal as it is.
        relative_ridge: Added to the diagonal times tr(K)/n.
        coding: Of the labels: "one_hot", "0.9/-0.1" or "centred".
        protocol: "adh", argmax_c (k H^{-1} Y)_c; or "poster", the class of the anchor with the largest dual weight.
        n_outputs: Number of classes; the largest label plus one if not given.
        accuracy: Relative accuracy of the kernel's entries, if it is not the rounding of their dtype.

    Attributes:
        dual: H^{-1} Y, (n, k), after a fit.
        decision_values: (m, k) of the last prediction, in float64. Under "poster": each class's largest dual weight.
        report: What the solve took (`SolveReport`: condition_number, jitter, residual, ...).

    Raises:
        LazyRegimeError: For an unknown choice, a negative ridge, or kernels and labels that do not fit together.
    """

    def __init__(
        self,
        *,
        ridge: float | int = 0.0,
        relative_ridge: float | int = 0.0,
        coding: str = "one_hot",
        protocol: str = "adh",
        n_outputs: int | None = None,
        accuracy: float | None = None,
    ) -> None:
        check_protocol(protocol)
        if not (0 <= ridge < float("inf") and 0 <= relative_ridge < float("inf")):
            raise LazyRegimeError(f"The ridge must be finite and >= 0; got ridge={ridge}, relative={relative_ridge}.")
        self.ridge, self.relative_ridge = float(ridge), float(relative_ridge)
        self.coding, self.protocol, self.n_outputs, self.accuracy = coding, protocol, n_outputs, accuracy
        self.decision_values: Tensor | None = None
        self._solver: CholeskySolver | None = None

    def fit_gram(self, gram: Shaped[Tensor, "n n ..."], labels: Shaped[Tensor, "n ..."]) -> "KernelRegression":
        """Solves for the dual weights from the kernel of the training samples with themselves.

        Args:
            gram: (n, n), or (n, n, k, k) for the full kernel.
            labels: Integers (n,) in any order, or floating targets (n,) or (n, k).

        Raises:
            LazyRegimeError: If the kernel is not finite, symmetric and positive semi-definite up to rounding.
        """
        self._targets(gram, labels)
        flat = _flatten(gram)
        mean_diagonal = float(as_float64(flat.diagonal(), "diagonal of the kernel").mean())
        ridge = self.ridge + self.relative_ridge * mean_diagonal
        self._solver = CholeskySolver(flat, ridge=ridge, accuracy=self.accuracy)
        columns = self.targets if gram.ndim == 2 else self.targets.reshape(-1, 1)
        self.dual = self._solver.solve(columns).reshape(self.targets.shape)
        return self

    def predict_gram(self, k_test: Shaped[Tensor, "m n ..."]) -> Tensor:
        """Labels (m,) from the kernel of test samples (rows) with training samples (columns); values for targets.

        Raises:
            LazyRegimeError: If nothing was fitted, or the columns are not the training samples.
        """
        solver = self._fitted()
        if k_test.ndim != self._ndim or k_test.shape[1] != self.dual.shape[0]:
            raise LazyRegimeError(
                f"The test kernel has shape {tuple(k_test.shape)}, but the fit was on {self.dual.shape[0]} samples "
                f"with a kernel of {self._ndim} axes; rows are test samples and columns the training samples."
            )
        k = as_float64(k_test, "test kernel").to(self.dual.device)
        if self.protocol == "poster":
            weights = solver.solve(k.T).T
            return self._read(class_maxima(weights, self._labels, self.targets.shape[1]))
        values = k @ self.dual if k.ndim == 2 else torch.einsum("mnab,nb->ma", k, self.dual)
        return self._read(values + self.intercept)

    @property
    def report(self) -> SolveReport:
        """What the solve took; its residual is the largest of all solves so far."""
        return self._fitted().report

    def _fitted(self) -> CholeskySolver:
        if self._solver is None:
            raise LazyRegimeError("This KernelRegression was not fitted yet; call fit_gram first.")
        return self._solver

    def _read(self, values: Float[Tensor, "m k"]) -> Tensor:
        self.decision_values = values
        return values.argmax(1) if self._classify else values

    def _targets(self, gram: Tensor, labels: Tensor) -> None:
        """Sets targets (n, k), intercept (k,) and the labels, in float64 on the kernel's device."""
        device = as_float64(gram[:1, :1], "gram matrix").device
        self._ndim, self._classify = gram.ndim, not labels.is_floating_point()
        if gram.ndim not in (2, 4) or labels.shape[0] != gram.shape[0]:
            raise LazyRegimeError(
                f"The gram matrix has shape {tuple(gram.shape)} and the labels {tuple(labels.shape)}; needed are "
                "(n, n) or (n, n, k, k) with n labels."
            )
        if self.protocol == "poster" and (gram.ndim == 4 or not self._classify):
            raise LazyRegimeError('protocol="poster" needs integer labels and one (n, n) kernel; use protocol="adh".')
        if self._classify:
            self._labels: Int[Tensor, " n"] = labels.to(device)
            if labels.ndim != 1:
                raise LazyRegimeError(f"Integer labels must have shape (n,); got {tuple(labels.shape)}.")
            count = int(labels.max()) + 1 if gram.ndim == 2 else gram.shape[2]
            targets, self.intercept = encode(self._labels, self.n_outputs or count, self.coding)
        else:
            targets = as_float64(labels, "targets").to(device)
            targets = targets[:, None] if targets.ndim == 1 else targets
            self.intercept = targets.new_zeros(targets.shape[1])
        if gram.ndim == 4 and targets.shape[1] != gram.shape[2]:
            raise LazyRegimeError(
                f"The full kernel has {gram.shape[2]} outputs, but the targets have {targets.shape[1]}."
            )
        self.targets: Float[Tensor, "n k"] = targets


def _flatten(gram: Tensor) -> Tensor:
    """(n, n, k, k) as the matrix (n k, n k); (n, n) as it is."""
    if gram.ndim == 2:
        return gram
    n, m, k, _ = gram.shape
    return gram.permute(0, 2, 1, 3).reshape(n * k, m * k)
