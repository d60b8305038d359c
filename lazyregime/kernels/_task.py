"""What a regression fits: labels or targets, coded, in float64, less the function that it starts from."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.coding import encode
from lazyregime.solve import as_float64


@dataclass(frozen=True)
class Task:
    """Y = coded + intercept, to be fitted by start + intercept + K alpha.

    Attributes:
        coded: (n, k), the targets without the intercept.
        intercept: (k,) of predictions: the mean of centred labels, else 0.
        labels: (n,), if integer labels were given.
        start: f_0 of the samples, (n, k); None for 0.
    """

    coded: Float[Tensor, "n k"]
    intercept: Float[Tensor, " k"]
    labels: Tensor | None
    start: Float[Tensor, "n k"] | None = None

    @property
    def targets(self) -> Float[Tensor, "n k"]:
        """What K alpha is to be."""
        return self.coded if self.start is None else self.coded - self.start.to(self.coded)

    @property
    def truth(self) -> Float[Tensor, "n k"]:
        """Y."""
        return self.coded + self.intercept

    @property
    def is_centred(self) -> bool:
        """Whether the intercept is the mean of these samples."""
        return bool(self.intercept.any())


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
    if not isinstance(labels, Tensor):
        raise LazyRegimeError(f"The labels are a {type(labels).__name__}; give a tensor, torch.as_tensor(labels).")
    if labels.ndim not in (1, 2) or labels.shape[0] != n_samples:
        raise LazyRegimeError(f"The labels have shape {tuple(labels.shape)}, but the kernel has {n_samples} samples.")
    if not labels.is_floating_point():
        if labels.ndim != 1 or labels.is_complex():
            raise LazyRegimeError(
                f"The labels have shape {tuple(labels.shape)} and dtype {labels.dtype}; give class numbers of shape "
                "(n,), or real targets of shape (n,) or (n, k)."
            )
        labels = labels.long()
        return Task(*encode(labels, n_outputs or int(labels.max()) + 1, coding), labels)
    if protocol == "poster":
        raise LazyRegimeError('protocol="poster" needs integer labels; use protocol="adh" for floating targets.')
    targets = as_float64(labels, "targets").reshape(n_samples, -1)
    if n_outputs is not None and targets.shape[1] != n_outputs:
        raise LazyRegimeError(f"The targets have {targets.shape[1]} outputs, but {n_outputs} are wanted.")
    return Task(targets, targets.new_zeros(targets.shape[1]), None)
