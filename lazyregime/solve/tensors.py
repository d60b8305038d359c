"""What kernel algebra asks of its inputs: finite numbers, a square symmetric matrix, float64."""

from typing import Any

import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError

FLOAT64_ROUNDING = torch.finfo(torch.float64).eps
_ROWS = 1024  # of a large matrix that are looked at together


def as_float64(tensor: Tensor, name: str = "kernel") -> Tensor:
    """The tensor, detached, in float64 (on the CPU where the device has none); refuses what has no finite numbers."""
    if not isinstance(tensor, Tensor):
        given: Any = tensor
        raise LazyRegimeError(
            f"The {name} is a {type(given).__module__}.{type(given).__name__}; give a tensor, torch.as_tensor of it."
        )
    if tensor.is_meta:
        raise LazyRegimeError(f"The {name} is on the device meta, so it has a shape but no numbers; compute it first.")
    if tensor.is_complex():
        raise LazyRegimeError(f"The {name} is complex ({tensor.dtype}); only real numbers are allowed.")
    if tensor.numel() == 0:
        raise LazyRegimeError(f"The {name} is empty (shape {tuple(tensor.shape)}); give at least one sample.")
    on_cpu = tensor.device.type == "mps"  # the one device without float64
    result = tensor.detach().to("cpu" if on_cpu else tensor.device, torch.float64)
    rows = result if result.ndim else result[None]  # a look at all of them at once would take as much memory again
    num_bad = sum(int((~torch.isfinite(rows[i : i + _ROWS])).sum()) for i in range(0, len(rows), _ROWS))
    if num_bad:
        raise LazyRegimeError(
            f"In the {name}, {num_bad} of {result.numel()} numbers are NaN or infinite; "
            "the network or its inputs have overflowed, so lower their scale or compute in float64."
        )
    return result


def symmetric(kernel: Tensor, name: str = "kernel") -> Tensor:
    """The float64 symmetric part, the kernel itself if that is what it is; refuses what is not square or symmetric."""
    k = as_float64(kernel, name)
    if kernel.ndim != 2 or kernel.shape[0] != kernel.shape[1]:
        raise LazyRegimeError(f"The {name} has shape {tuple(kernel.shape)}; a square matrix (n, n) is needed.")
    # by rows, so that no further matrix is made
    asymmetry = max(float((k[i : i + _ROWS, i:] - k[i:, i : i + _ROWS].T).abs().max()) for i in range(0, len(k), _ROWS))
    if asymmetry == 0:
        return k
    scale = float(max(k.max(), -k.min()))
    if not asymmetry <= rounding(kernel.dtype) ** 0.5 * scale:
        raise LazyRegimeError(
            f"The {name} is not symmetric: |K - K^T| reaches {asymmetry:.3g} where |K| reaches {scale:.3g}. "
            "Rows and columns must be the same samples in the same order."
        )
    return (k + k.T).mul_(0.5)


def rounding(dtype: torch.dtype) -> float:
    """The unit of rounding of a floating dtype; of float64 for integers."""
    return torch.finfo(dtype if dtype.is_floating_point else torch.float64).eps
