"""x + attention(norm(x)), then x + W_2 sigma(W_1 norm(x)): a pre-norm transformer block."""

from collections.abc import Callable
from typing import final

from jaxtyping import Float
from torch import Tensor, nn

from lazyregime.networks.activations import Activation
from lazyregime.networks.attention import SelfAttention
from lazyregime.networks.factory import LayerFactory

EXPANSION = 4  # hidden units of the second part over width
LAYERS_A_BLOCK = 4


@final
class TransformerBlock(nn.Module):
    """Attention and a two-layer perceptron of every token, each added to what comes in."""

    def __init__(
        self, make: LayerFactory, activation: Callable[[], Activation], *, head_size: int, causal: bool
    ) -> None:
        super().__init__()
        width = make.width
        self.attend = nn.Sequential(make.layer_norm(width), SelfAttention(make, head_size=head_size, causal=causal))
        self.transform = nn.Sequential(
            make.layer_norm(width), make.linear(width, EXPANSION * width), activation(),
            make.linear(EXPANSION * width, width),
        )  # fmt: skip

    def forward(self, x: Float[Tensor, "n t d"]) -> Float[Tensor, "n t d"]:  # noqa: D102
        x = x + self.attend(x)
        return x + self.transform(x)
