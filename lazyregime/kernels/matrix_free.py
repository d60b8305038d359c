r"""Theta v = J(x1) (J(x2)^T v): the empirical tangent kernel as a linear operator, of which no entry is computed.

full        J1 (J2^T v), one vjp over x2 and one jvp over x1; vectors are (n k,), sample by sample
diagonal    the same for each output on its own: k vjps and k jvps
trace       the sum over outputs, vectors are (n,): k vjps and k jvps
"""

from collections.abc import Collection
from typing import Any, final

import numpy as np
import torch
from jaxtyping import Float, Shaped
from scipy.sparse.linalg import LinearOperator
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels._derivatives import Derivatives
from lazyregime.kernels.empirical._checks import check_finite
from lazyregime.kernels.empirical._factors import Outputs
from lazyregime.kernels.empirical._memory import default_budget
from lazyregime.kernels.empirical._ntk import Request, clean
from lazyregime.kernels.state import changed, lasting, state_after, state_of
from lazyregime.solve import as_float64


def ntk_operator(
    model: nn.Module,
    x1: Shaped[Tensor, "n *d"],
    x2: Shaped[Tensor, "m *d"] | None = None,
    *,
    outputs: Outputs = "trace",
    memory_budget: int | None = None,
    params: Collection[str] | None = None,
) -> "NTKOperator":
    """The kernel of `empirical_ntk` as a linear operator, for samples whose kernel is too large to be held.

    A product is one vjp over x2 and one jvp over x1 for outputs="full", k of each for "trace" and "diagonal": passes
    grow with n + m, not with n m. Memory: one direction of p numbers and the activations of some samples.

    Args:
        model: Any module that `empirical_ntk` takes; the same are refused.
        x1: Samples of the rows.
        x2: Samples of the columns; x1 if not given, and then the operator is symmetric.
        outputs: "trace", a matrix (n, m); "full", (n k, m k), rows of one sample beside each other; "diagonal", the
            same without what couples outputs.
        memory_budget: Bytes for the activations of the samples that are evaluated together.
        params: Names of the parameters that count, or of modules, as for `empirical_ntk`.

    Raises:
        LazyRegimeError: For what `empirical_ntk` refuses, and for a backward pass that is not linear.

    Example:
        >>> operator = ntk_operator(nn.Linear(2, 1), torch.tensor([[1.0, 2.0], [0.0, 1.0]]))
        >>> operator @ torch.tensor([1.0, 0.0])                         # x x' + 1
        tensor([6., 3.], dtype=torch.float64)
    """
    return NTKOperator(model, x1, x2, outputs, memory_budget, params)


@final
class NTKOperator:
    """What `ntk_operator` returns: products with vectors and matrices in float64, taken in the model's dtype.

    The network is used as it is, not copied: once it has been trained, or changed otherwise, products are refused.

    Attributes:
        shape: Rows and columns.
        outputs: As given.
        num_outputs: k.
        way: How J v is computed: "forward" mode, "double" backward, or "rows", a backward pass an output.
    """

    def __init__(
        self,
        model: nn.Module,
        x1: Tensor,
        x2: Tensor | None,
        outputs: Outputs,
        memory_budget: int | None,
        params: Collection[str] | None,
    ) -> None:
        request = Request(model, x1, x2, outputs, memory_budget, None, "auto", params=params)
        loan = request.loan()
        self._network: nn.Module = loan.model
        self._x1 = clean(x1).clone()
        self._x2 = self._x1 if x2 is None else clean(x2).clone()
        budget = memory_budget or default_budget(x1.device)
        self._products = Derivatives(loan.model, False, self._x1, budget, loan.counted)
        self.outputs, self.num_outputs, self.way = outputs, self._products.num_outputs, self._products.way
        per_sample = 1 if outputs == "trace" else self.num_outputs
        self.shape = (len(self._x1) * per_sample, len(self._x2) * per_sample)
        self._seen = lasting(state_of(loan.model), state_after(loan.model, self._x1))

    def matvec(self, v: Shaped[Tensor, " columns"]) -> Float[Tensor, " rows"]:
        """The product with a vector."""
        return self.matmat(as_float64(v, "vector that the kernel is multiplied with")[:, None])[:, 0]

    def matmat(self, v: Shaped[Tensor, "columns c"]) -> Float[Tensor, "rows c"]:
        """The products with the columns of a matrix, one after the other.

        Raises:
            LazyRegimeError: If the shapes do not fit, or the network has changed since the operator was made.
        """
        return self._product(v, self._x1, self._x2)

    def rmatmat(self, v: Shaped[Tensor, "rows c"]) -> Float[Tensor, "columns c"]:
        """The products of the transposed matrix; `matmat` if x2 was not given.

        Raises:
            LazyRegimeError: As `matmat`.
        """
        return self._product(v, self._x2, self._x1)

    def __matmul__(self, v: Tensor) -> Tensor:
        """`matvec` or `matmat`."""
        return self.matvec(v) if isinstance(v, Tensor) and v.ndim == 1 else self.matmat(v)

    def to_scipy(self) -> Any:
        """The same as a `scipy.sparse.linalg.LinearOperator` on NumPy's float64 arrays, for SciPy's solvers."""

        def on_arrays(product: Any) -> Any:
            def multiply(v: Any) -> Any:
                columns = torch.tensor(np.ascontiguousarray(v), dtype=torch.float64, device=self._x1.device)
                return product(columns.reshape(len(v), -1)).cpu().numpy().reshape(-1, *v.shape[1:])

            return multiply

        forward, back = on_arrays(self.matmat), on_arrays(self.rmatmat)
        make: Any = LinearOperator
        return make(self.shape, matvec=forward, rmatvec=back, matmat=forward, rmatmat=back, dtype="float64")

    def _product(self, v: Tensor, left: Tensor, right: Tensor) -> Tensor:
        v = as_float64(v, "matrix that the kernel is multiplied with")
        per_sample = 1 if self.outputs == "trace" else self.num_outputs
        if v.ndim != 2 or len(v) != len(right) * per_sample:
            kind = "" if per_sample == 1 else f" of {per_sample} outputs"
            raise LazyRegimeError(
                f"The kernel has {len(right) * per_sample} columns ({len(right)} samples{kind}), so it multiplies a "
                f"vector or a matrix with so many rows, but was given {tuple(v.shape)}."
            )
        what = changed(self._seen, state_of(self._network))
        if what:
            raise LazyRegimeError(
                f"The network has changed since the operator was made ({what}), and so has its kernel; make another "
                "operator, or make this one of a copy.deepcopy of the network and train the original."
            )
        multiply = self._coupled if self.outputs == "full" else self._by_output
        product = torch.stack([multiply(c, left, right) for c in v.T], 1)
        check_finite(product, left, right)
        return product

    def _coupled(self, c: Tensor, left: Tensor, right: Tensor) -> Tensor:
        direction = self._products.pull(right, c.reshape(len(right), self.num_outputs))
        return self._products.push(left, direction).flatten()

    def _by_output(self, c: Tensor, left: Tensor, right: Tensor) -> Tensor:
        c = c[:, None].expand(-1, self.num_outputs) if self.outputs == "trace" else c.reshape(len(right), -1)
        columns: list[Tensor] = []
        for k in range(self.num_outputs):
            only = torch.zeros_like(c)
            only[:, k] = c[:, k]
            columns.append(self._products.push(left, self._products.pull(right, only))[:, k])
        together = torch.stack(columns, 1)
        return together.sum(1) if self.outputs == "trace" else together.flatten()
