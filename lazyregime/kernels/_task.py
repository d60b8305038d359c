"""What a regression fits: labels or targets, coded, in float64."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.coding import encode
from lazyregime.solve import as_float64


@dataclass(frozen=True)
class Task:
    """Targets (n, k), the intercept (k,) of predictions, and the integer labels (n,) if that is what was given."""

    targets: Float[Tensor, "n k"]
    intercept: Float[Tensor, " k"]
    labels: Tensor | None


def make_task(labels: Tensor, n_samples: int, *, n_outputs: int | None, coding: str, protocol: str) -> Task:
    """Integer labels are coded, floating targets taken as they are.

    Args:
        labels: (n,) integers, or (n,) or (n, k) floating point.
        n_samples: The n that is wanted.
        n_outputs: The k that is wanted, if it is known.
        coding: Of integer labels.
        protocol: "poster" needs integer labels.

    Raises:
        LazyRegimeError: If counts do not match.
    """
    if labels.ndim not in (1, 2) or labels.shape[0] != n_samples:
        raise LazyRegimeError(f"The labels have shape {tuple(labels.shape)}, but the kernel has {n_samples} samples.")
    if not labels.is_floating_point():
        if labels.ndim != 1:
            raise LazyRegimeError(f"Integer labels must have shape (n,); got {tuple(labels.shape)}.")
        return Task(*encode(labels, n_outputs or int(labels.max()) + 1, coding), labels)
    if protocol == "poster":
        raise LazyRegimeError('protocol="poster" needs integer labels; use protocol="adh" for floating targets.')
    targets = as_float64(labels, "targets").reshape(n_samples, -1)
    if n_outputs is not None and targets.shape[1] != n_outputs:
        raise LazyRegimeError(f"The targets have {targets.shape[1]} outputs, but {n_outputs} are wanted.")
    return Task(targets, targets.new_zeros(targets.shape[1]), None)
