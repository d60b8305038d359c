"""The mean over positions, before a readout."""

from typing import final

from jaxtyping import Float
from torch import Tensor, nn


@final
class MeanOverPixels(nn.Module):
    """(n, c, h, w) -> (n, c)."""

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c"]:  # noqa: D102
        return x.mean((2, 3))


@final
class MeanOverTokens(nn.Module):
    """(n, t, d) -> (n, d)."""

    def forward(self, x: Float[Tensor, "n t d"]) -> Float[Tensor, "n d"]:  # noqa: D102
        return x.mean(1)


@final
class LastToken(nn.Module):
    """(n, t, d) -> (n, d): what a causal network says after the whole sequence."""

    def forward(self, x: Float[Tensor, "n t d"]) -> Float[Tensor, "n d"]:  # noqa: D102
        return x[:, -1]
