"""What the metrics take: a symmetric matrix, positive semi-definite up to rounding, at a scale that cannot overflow.

Metrics do not depend on the scale of a kernel, so it is taken out at first.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.solve import rounding, symmetric

_SINGLE = torch.finfo(torch.float32).eps  # kernels are mostly computed in float32, whatever they are stored in
_NEGATIVE = 10.0  # times sqrt(n) eps |K|: what rounding may take below zero


def unit(array: Float[Tensor, "*shape"]) -> tuple[Float[Tensor, "*shape"], float]:
    """The array with entries up to 1, and what it was divided by; a zero array as it is."""
    scale = float(torch.maximum(array.max(), -array.min()))
    return (array / scale, scale) if scale > 0 else (array, 1.0)


def kernel_matrix(kernel: Tensor, name: str = "kernel") -> Float[Tensor, "n n"]:
    """The symmetric matrix in float64, with entries up to 1.

    Raises:
        LazyRegimeError: If it is not finite, square, symmetric and positive semi-definite, or zero.
    """
    k, _ = unit(symmetric(kernel, name))
    check_positive(k, name, rounding(kernel.dtype))
    return k


def check_positive(k: Float[Tensor, "n n"], name: str, accuracy: float) -> None:
    """Refuses a symmetric matrix that is no kernel: zero, or with an eigenvalue that rounding cannot explain.

    Time is n^3/3 multiplications.

    Raises:
        LazyRegimeError: Saying how far below zero.
    """
    trace = float(k.trace())
    if not trace > 0:
        raise LazyRegimeError(f"The {name} has trace {trace:.3g}; a positive semi-definite one has trace > 0.")
    allowed = _NEGATIVE * len(k) ** 0.5 * max(accuracy, _SINGLE) * float(k.norm())
    lifted = k.clone()
    lifted.diagonal().add_(allowed)
    if int(torch.linalg.cholesky_ex(lifted).info) != 0:
        lowest, *_, highest = torch.linalg.eigvalsh(k).tolist()
        raise LazyRegimeError(
            f"The {name} is not positive semi-definite: its eigenvalues run from {lowest / highest:.3g} to 1 of the "
            "largest, which rounding cannot explain. Check that it is the kernel of one set of samples with themselves."
        )
