r"""theta_j = (a_j, w_j): N particles in R^(1+d), one row each, for many seeds in one tensor (s, N, 1 + d).

Column 0 is a, the others are w. f_{alpha,N}(x) = (alpha/N) sum_j a_j sigma(<w_j, x>), as in [MMN18], [MMM19].
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError


def gaussian_particles(
    width: int, in_features: int, seeds: Sequence[int], *, a_mean: float = 0.0, a_std: float = 1.0, w_std: float = 1.0
) -> Float[Tensor, "s h p"]:
    """a_j ~ N(a_mean, a_std^2), w_j ~ N(0, w_std^2 I); (1, 0) for particles w_j alone, as in [MMN18].

    The first N particles of a seed are the same at every width, so that widths can be compared particle by particle.

    Raises:
        LazyRegimeError: If a size is below 1 or a scale is negative.
    """
    if width < 1 or in_features < 1 or not seeds:
        raise LazyRegimeError(
            f"width={width}, in_features={in_features} and {len(seeds)} seeds: each must be at least 1."
        )
    if a_std < 0 or not w_std > 0:
        raise LazyRegimeError(f"a_std={a_std} and w_std={w_std} are not possible; give a_std >= 0 and w_std > 0.")
    theta = torch.stack([_stream(seed, width, in_features + 1) for seed in seeds])
    theta[..., 1:] *= w_std
    theta[..., 0] = a_mean + a_std * theta[..., 0]
    return theta


def antisymmetric(theta: Float[Tensor, "s h p"]) -> Float[Tensor, "s 2*h p"]:
    """Each particle (a, w) followed by (-a, w): the output is 0 to rounding, the kernel that of `theta`."""
    mirror = theta.clone()
    mirror[..., 0] *= -1
    return torch.stack([theta, mirror], 2).flatten(1, 2)


def _stream(seed: int, width: int, size: int) -> Tensor:
    # A particle at a time would be slow; blocks of a fixed size make the prefix independent of the width.
    generator, block = torch.Generator().manual_seed(seed), 64
    blocks = [torch.randn(block, size, generator=generator, dtype=torch.float64) for _ in range(-(-width // block))]
    return torch.cat(blocks)[:width]
