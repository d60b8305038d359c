r"""f_t(x) = f_0(x) + Theta(x, X) Theta^{-1} (1 - e^{-t Theta}) (Y - f_0(X)): a frozen kernel's gradient flow.

Of one network by its own kernel, and of all initializations of an infinitely wide one, f_0 ~ N(0, K) with K the NNGP
kernel, mean and covariance in closed form ([LXS+19], eq. 14-16; G_t = Theta(x, X) Theta^{-1} (1 - e^{-t Theta})):

mean         G_t Y
covariance   K(x, x') - G_t K(X, x') - K(x, X) G_t^T + G_t K(X, X) G_t^T

Time is that of w' = -grad of 1/2 sum over samples and outputs of (f - y)^2, so that f' = -Theta (f - y). Training by
the mean of the squares over n samples and k outputs, in steps of a small learning rate eta, takes 2 eta / (n k) a step.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels._samples import check_samples, check_stored
from lazyregime.kernels.infinite._base import AbstractInfiniteKernel
from lazyregime.solve import as_float64, flatten_gram, rounding, symmetric


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
        self._ndim, self._targets = gram.ndim, _outputs(targets, "targets", len(gram))
        self._start = torch.zeros_like(self._targets) if start is None else _outputs(start, "start", len(gram))
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
        return torch.stack(moved) + (0.0 if start is None else _outputs(start, "start", len(cross)))

    def _columns(self, values: Tensor) -> Tensor:
        return values if self._ndim == 2 else values.reshape(-1, 1)


@final
@dataclass(frozen=True)
class Gaussian:
    """The distribution of f_t over initializations; outputs are independent and have one covariance.

    Attributes:
        mean: Of each time, sample and output.
        covariance: Of each time and pair of samples.
    """

    mean: Float[Tensor, "t m k"]
    covariance: Float[Tensor, "t m m"]

    @property
    def std(self) -> Float[Tensor, "t m"]:
        """The standard deviation of each sample."""
        return self.covariance.diagonal(dim1=1, dim2=2).clamp_min(0).sqrt()


@final
class InfiniteEnsemble:
    """All initializations of an infinitely wide network, trained by gradient flow on the same samples.

    Args:
        kernel: Of the network: `InfiniteMLP`, `InfiniteCNN`, `InfiniteNetwork`, or `infinite_counterpart(network)`.
        x: The training samples.
        targets: Y, (n, k), the same for all.

    Raises:
        LazyRegimeError: If shapes do not fit.
    """

    def __init__(
        self, kernel: AbstractInfiniteKernel, x: Shaped[Tensor, "n *d"], targets: Shaped[Tensor, "..."]
    ) -> None:
        self._kernel, self._x = kernel, as_float64(check_samples(x), "samples")
        self._targets = _outputs(targets, "targets", len(x))
        self._nngp, theta = kernel.kernels(self._x)
        self._modes = Modes.of(theta)

    def predict(self, x: Shaped[Tensor, "m *d"], times: Sequence[float]) -> Gaussian:
        """The distribution of f_t(x) at some times, 0 or later; math.inf is the end of training.

        Raises:
            LazyRegimeError: For samples that cannot be compared, or a negative time.
        """
        z, times = as_float64(check_samples(x), "samples"), check_times(times)
        nngp, _ = self._kernel.kernels(z)
        k, theta = self._kernel.kernels(z, self._x)
        means: list[Tensor] = []
        covariances: list[Tensor] = []
        for t in times:
            g = self._modes.apply(self._modes.divided(t), theta.T).T
            means.append(g @ self._targets)
            shared = g @ k.T
            covariances.append(nngp - shared - shared.T + g @ self._nngp @ g.T)
        return Gaussian(torch.stack(means), torch.stack(covariances))


@final
@dataclass(frozen=True)
class Modes:
    """Theta = V diag(lambda) V^T, and functions of it; eigenvalues that are rounding are 0."""

    values: Float[Tensor, " n"]
    vectors: Float[Tensor, "n n"]

    @classmethod
    def of(cls, theta: Tensor) -> "Modes":
        """Of a kernel matrix.

        Raises:
            LazyRegimeError: If it is not positive semi-definite up to rounding.
        """
        values, vectors = torch.linalg.eigh(symmetric(theta, "kernel"))
        noise = len(values) * rounding(theta.dtype) * float(values.abs().max())
        if float(values[0]) < -10 * noise:
            raise LazyRegimeError(
                f"The kernel is not positive semi-definite: its eigenvalues go from {float(values[0]):.3g} to "
                f"{float(values[-1]):.3g}, so that its gradient flow would grow without bound."
            )
        return cls(torch.where(values > noise, values, 0.0), vectors)

    def learnt(self, t: float) -> Tensor:
        """1 - e^{-t lambda}."""
        zero = self.values == 0  # for which t lambda is 0 at any time, at infinity too
        return torch.where(zero, 0.0, -torch.expm1(-t * torch.where(zero, 1.0, self.values)))

    def divided(self, t: float) -> Tensor:
        """(1 - e^{-t lambda}) / lambda, and 0 where lambda is."""
        return self.learnt(t) / torch.where(self.values == 0, 1.0, self.values)

    def apply(self, function: Tensor, y: Tensor) -> Tensor:
        """V diag(function) V^T y."""
        return self.vectors @ (function[:, None] * (self.vectors.T @ y))


def check_times(times: Sequence[float]) -> list[float]:
    """Refuse what is no sequence of times.

    Raises:
        LazyRegimeError: Naming the first that is none.
    """
    found = [float(t) for t in times]
    wrong = [t for t in found if math.isnan(t) or t < 0]
    if wrong or not found:
        raise LazyRegimeError(
            f"times has {f'{wrong[0]}' if wrong else 'none'}; give numbers of at least 0, or math.inf."
        )
    return found


def _outputs(values: Tensor, name: str, n: int) -> Tensor:
    """(n, k) in float64.

    Raises:
        LazyRegimeError: If they are labels, or not n.
    """
    if isinstance(values, Tensor) and not values.is_floating_point():
        raise LazyRegimeError(
            f"{name} is of {values.dtype}; give real numbers (n, k), e.g. torch.nn.functional.one_hot(labels).double()."
        )
    found = as_float64(values, name)
    if found.ndim != 2 or len(found) != n:
        raise LazyRegimeError(f"{name} has shape {tuple(found.shape)}; there are {n} samples, so give ({n}, k).")
    return found
