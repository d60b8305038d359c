"""A small vision transformer: square patches as tokens, pre-norm blocks, the mean over tokens, a linear readout.

After Dosovitskiy et al. (arXiv 2010.11929), with the mean over tokens in the place of a class token.
"""

from functools import partial
from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks._check import check_sizes
from lazyregime.networks.activations import Activation
from lazyregime.networks.chain import AbstractChain
from lazyregime.networks.factory import LayerFactory
from lazyregime.networks.pooling import MeanOverTokens
from lazyregime.networks.positions import Positions
from lazyregime.networks.transformer_block import LAYERS_A_BLOCK, TransformerBlock


@final
class ViT(AbstractChain):
    """`depth` transformer blocks on the patches of an image.

    Args:
        width: Numbers a token.
        depth: Blocks.
        in_channels: Channels of the image.
        image_size: Height and width of the image.
        n_outputs: k.
        patch_size: Height and width of a patch.
        head_size: Numbers a head; a wider network has more heads.
        activation: One of `lazyregime.networks.ACTIVATIONS`.
        normalize_activation: Scale the activation to unit second moment under N(0, 1).
        parameterization: standard, ntk, mean_field or mup.
        bias: Whether linear layers have biases.
        bias_scale: The factor of those N(0, 1) biases in all but `standard`.

    Raises:
        LazyRegimeError: If a size is not a positive whole number or not a multiple of another, or a name is not known.
    """

    def __init__(
        self,
        width: int = 64,
        *,
        depth: int = 2,
        in_channels: int = 1,
        image_size: int = 28,
        n_outputs: int = 10,
        patch_size: int = 4,
        head_size: int = 16,
        activation: str = "gelu",
        normalize_activation: bool = False,
        parameterization: str = "standard",
        bias: bool = True,
        bias_scale: float = 0.1,
    ) -> None:
        super().__init__()
        sizes = {"width": width, "depth": depth, "in_channels": in_channels, "image_size": image_size}
        check_sizes(**sizes, n_outputs=n_outputs, patch_size=patch_size, head_size=head_size)
        if image_size % patch_size:
            raise LazyRegimeError(
                f"image_size={image_size} is not a multiple of patch_size={patch_size}; choose a patch that divides it."
            )
        make = LayerFactory(parameterization, width, bias, bias_scale, num_layers=2 + LAYERS_A_BLOCK * depth)
        nonlinearity = partial(Activation, activation, normalize=normalize_activation)
        self.width = width
        self.layers = nn.Sequential(
            make.conv2d(in_channels, width, patch_size, stride=patch_size),
            PixelsToTokens(),
            Positions(make, (image_size // patch_size) ** 2),
            *(TransformerBlock(make, nonlinearity, head_size=head_size, causal=False) for _ in range(depth)),
            make.layer_norm(width),
            MeanOverTokens(),
            make.linear(width, n_outputs, readout=True),
        )


@final
class PixelsToTokens(nn.Module):
    """(n, c, h, w) -> (n, h w, c)."""

    def forward(self, x: Float[Tensor, "n c h w"]) -> Float[Tensor, "n t c"]:  # noqa: D102
        return x.flatten(2).mT
