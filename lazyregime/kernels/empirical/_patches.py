"""The patches that a convolution multiplies its kernel with, in any number of dimensions."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor


def patches(
    x: Tensor,
    kernel: Sequence[int],
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int,
    places: Sequence[int] | None = None,
) -> Tensor:
    """(n, g, t, c k): position t's input of all channels of a group; of the first `places` in each direction."""
    x = F.pad(x, [p for size in reversed(padding) for p in (size, size)]) if any(padding) else x
    for dim, (size, step, apart) in enumerate(zip(kernel, stride, dilation, strict=True), start=2):
        x = x.unfold(dim, (size - 1) * apart + 1, step)[..., ::apart]
        if places is not None:
            x = x.narrow(dim, 0, places[dim - 2])
    x = x.unflatten(1, (groups, -1))
    d = len(kernel)  # (n, g, c, *places, *kernel)
    order = (0, 1, *range(3, 3 + d), 2, *range(3 + d, 3 + 2 * d))
    return x.permute(order).flatten(2 + d).flatten(2, 1 + d)
