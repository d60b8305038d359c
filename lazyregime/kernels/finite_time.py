r"""f_t(x) = f_0(x) + Theta(x, X) Theta^{-1} (1 - e^{-t Theta}) (Y - f_0(X)): a frozen kernel's gradient flow.

Time is that of w' = -grad of 1/2 sum over samples and outputs of (f - y)^2, so that f' = -Theta (f - y). Training by
the mean of the squares over n samples and k outputs, in steps of a small learning rate eta, takes 2 eta / (n k) a step.
"""

from collections.abc import Sequence
from typing import final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels._modes import Modes, check_outputs, check_times
from lazyregime.kernels._samples import check_stored
from lazyregime.solve import as_float64, flatten_gram


@final
class FrozenFlow:
    """The gradient flow of one network whose kernel stays what it is: f_t on the training samples and on others.

    Args:
        gram: Theta(X, X), (n, n), or (n, n, k, k) for the full kernel; one eigendecomposition of it is taken.
        targets: Y, (n, k).
        start: f_0(X), (n, k); 0 if not given.

    Directions whose eigenvalue is below the rounding of the kernel's dtype, n eps times the largest, are not learnt,
    however long the time: what the kernel says of them is noise.

    Raises:
        LazyRegimeError: If the kernel is not symmetric and positive semi-definite up to rounding, or shapes do not fit.
    """

    def __init__(
        self,
        gram: Shaped[Tensor, "n n ..."],
        targets: Shaped[Tensor, "..."],
        start: Shaped[Tensor, "..."] | None = None,
    ) -> None:
        check_stored(gram, "gram matrix", (2, 4))
        self._ndim, self._targets = gram.ndim, check_outputs(targets, "targets", len(gram))
        self._start = torch.zeros_like(self._targets) if start is None else check_outputs(start, "start", len(gram))
        if self._start.shape != self._targets.shape:
            raise LazyRegimeError(
                f"start has shape {tuple(self._start.shape)}, but the targets have {tuple(self._targets.shape)}."
            )
        if gram.ndim == 4 and gram.shape[2] != self._targets.shape[1]:
            raise LazyRegimeError(
                f"The full kernel has {gram.shape[2]} outputs, but the targets have {self._targets.shape[1]}."
            )
        self.modes = Modes.of(flatten_gram(gram))

    def train(self, times: Sequence[float]) -> Float[Tensor, "t n k"]:
        """f_t of the training samples."""
        times = check_times(times)
        gap = self._columns(self._targets - self._start)
        parts = [self.modes.apply(self.modes.learnt(t), gap).reshape(self._targets.shape) for t in times]
        return self._start + torch.stack(parts)

    def predict(
        self, cross: Shaped[Tensor, "m ..."], times: Sequence[float], start: Shaped[Tensor, "m ..."] | None = None
    ) -> Float[Tensor, "t m k"]:
        """f_t of other samples.

        Args:
            cross: Theta(x, X), of the kind of `gram`.
            times: When, 0 or later; math.inf is the end of training.
            start: f_0(x), (m, k); 0 if not given, as must be that of the training samples then.

        Raises:
            LazyRegimeError: If shapes do not fit.
        """
        check_stored(cross, "test kernel", (2, 4))
        (n, k), times = self._targets.shape, check_times(times)
        if cross.ndim != self._ndim or cross.shape[1:] != (n, *[k] * (self._ndim - 2)):
            raise LazyRegimeError(
                f"The test kernel has shape {tuple(cross.shape)}; its columns must be the {n} training samples, of the "
                f"kind {'(m, n)' if self._ndim == 2 else f'(m, n, {k}, {k})'}."
            )
        if start is None and bool(self._start.any()):
            raise LazyRegimeError("The flow starts from outputs that are not 0; give start, the same of these samples.")
        theta = as_float64(flatten_gram(cross), "test kernel")
        gap = self._columns(self._targets - self._start)
        moved = [(theta @ self.modes.apply(self.modes.divided(t), gap)).reshape(len(cross), k) for t in times]
        return torch.stack(moved) + (0.0 if start is None else check_outputs(start, "start", len(cross)))

    def _columns(self, values: Tensor) -> Tensor:
        return values if self._ndim == 2 else values.reshape(-1, 1)
