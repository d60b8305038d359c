r"""How far a kernel moved: ||K_1 - K_0||_F / ||K_0||_F, 1 - cos(K_0, K_1) and its speed, the sine of the angle.

The relative change is that of [GSJW20] (fig. 5a); distance and velocity are those of Fort et al. (2010.15110).
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.metrics._kernels import unit
from lazyregime.solve import as_float64


def relative_change(k0: Shaped[Tensor, "*shape"], k1: Shaped[Tensor, "*shape"]) -> float:
    """||K_1 - K_0||_F / ||K_0||_F.

    Raises:
        LazyRegimeError: If shapes differ, an entry is not finite, or K_0 = 0.
    """
    a, b = _pair(k0, k1)
    a, scale = unit(a)
    difference, factor = unit(b / scale - a)
    return factor * float(difference.norm() / _norm(a, "first"))


def kernel_distance(k0: Shaped[Tensor, "*shape"], k1: Shaped[Tensor, "*shape"]) -> float:
    """1 - <K_0, K_1> / (||K_0|| ||K_1||): 0 for kernels equal up to a factor, 1 for orthogonal ones.

    Computed as half the squared distance of the unit matrices, so that tiny changes are not lost in 1 - cos.

    Raises:
        LazyRegimeError: If shapes differ, an entry is not finite, or a kernel is zero.
    """
    a, b = (unit(k)[0] for k in _pair(k0, k1))
    return float(((a / _norm(a, "first") - b / _norm(b, "second")) ** 2).sum() / 2)


def kernel_angle(k0: Float[Tensor, "*shape"], k1: Float[Tensor, "*shape"]) -> float:
    """The sine of the angle between the kernels, min_c ||K_1 - c K_0||_F / ||K_1||_F: 0 for equal ones up to a factor.

    Raises:
        LazyRegimeError: If shapes differ, an entry is not finite, or a kernel is zero.
    """
    a, b = _pair(k0, k1)
    a, b = a / _norm(a, "first"), b / _norm(b, "second")
    return float((b - (a * b).sum() * a).norm())


def kernel_velocity(
    kernels: Sequence[Shaped[Tensor, "*shape"]], times: Sequence[float | int]
) -> Float[Tensor, " intervals"]:
    """v(t_i) = S(t_i, t_{i+1}) / (t_{i+1} - t_i) for successive kernels, S the kernel distance.

    Raises:
        LazyRegimeError: If there are fewer than two kernels, or the times do not increase.
    """
    if len(kernels) != len(times) or len(times) < 2 or not all(a < b < float("inf") for a, b in pairwise(times)):
        raise LazyRegimeError(
            f"kernel_velocity got {len(kernels)} kernels at times {list(times)}; give at least two kernels, "
            "and as many increasing finite times."
        )
    distances = [kernel_distance(a, b) for a, b in pairwise(kernels)]
    steps = [float(t - s) for s, t in pairwise(times)]
    return torch.tensor(distances, dtype=torch.float64) / torch.tensor(steps, dtype=torch.float64)


def _pair(k0: Tensor, k1: Tensor) -> tuple[Tensor, Tensor]:
    first, second = as_float64(k0, "first kernel"), as_float64(k1, "second kernel")
    if first.shape != second.shape:
        raise LazyRegimeError(
            f"The kernels have shapes {tuple(k0.shape)} and {tuple(k1.shape)}; compare kernels of the same samples."
        )
    return first, second.to(first.device)


def _norm(kernel: Tensor, which: str) -> Tensor:
    norm = kernel.norm()
    if norm == 0:
        raise LazyRegimeError(f"The {which} kernel is zero everywhere, so a relative change has no meaning.")
    return norm
