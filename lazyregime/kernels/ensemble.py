r"""Gradient flow from all initializations of an infinitely wide network, mean and covariance ([LXS+19], eq. 14-16).

f_0 ~ N(0, K) with K the NNGP kernel, and G_t = Theta(x, X) Theta^{-1} (1 - e^{-t Theta}), time as in `finite_time`:

mean         G_t Y
covariance   K(x, x') - G_t K(X, x') - K(x, X) G_t^T + G_t K(X, X) G_t^T
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from lazyregime.kernels._modes import Modes, check_outputs, check_times
from lazyregime.kernels._samples import check_samples
from lazyregime.kernels.infinite._base import AbstractInfiniteKernel
from lazyregime.solve import as_float64


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
        self._targets = check_outputs(targets, "targets", len(x))
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
