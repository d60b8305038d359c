"""Multi-head self-attention: sum_s softmax_s(<q_t, k_s> / sqrt(d_h)) v_s for each head, and a linear map of all heads.

Heads have a fixed size d_h, and a wider network has more of them. Then the logits are sums over d_h products whatever
the width, and 1/sqrt(d_h) is right in every parameterization: the 1/d_h that mup asks for where heads grow with the
width (Yang and Hu, arXiv 2011.14522) is the same up to a constant, and the limit of many heads is the one in which
attention has a Gaussian-process and a tangent kernel (Hron et al., arXiv 2006.10540). So the same function of the same
w stands below the readout in ntk and mean_field, as it must.
"""

import math
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks.factory import LayerFactory


@final
class SelfAttention(nn.Module):
    """Attention of every token to all, or to itself and those before it.

    It is written out, since the fused kernels have no forward mode.

    Args:
        make: The layers of the network, whose width the tokens have.
        head_size: d_h.
        causal: Whether a token sees only itself and those before it.

    Raises:
        LazyRegimeError: If the width is not a multiple of the head size.
    """

    def __init__(self, make: LayerFactory, *, head_size: int, causal: bool) -> None:
        super().__init__()
        if make.width % head_size:
            raise LazyRegimeError(
                f"width={make.width} is not a multiple of head_size={head_size}; heads have a fixed size, and a wider "
                "network has more of them."
            )
        self.head_size, self.causal = head_size, causal
        self.queries_keys_values = make.linear(make.width, 3 * make.width)
        self.heads_to_tokens = make.linear(make.width, make.width)

    def forward(self, x: Float[Tensor, "n t d"]) -> Float[Tensor, "n t d"]:  # noqa: D102
        q, k, v = self.queries_keys_values(x).unflatten(-1, (3, -1, self.head_size)).permute(2, 0, 3, 1, 4)
        logits = q @ k.mT / math.sqrt(self.head_size)  # (n, heads, t, t)
        if self.causal:
            later = torch.ones(logits.shape[-2:], dtype=torch.bool, device=x.device).triu(1)
            logits = logits.masked_fill(later, -math.inf)
        return self.heads_to_tokens((logits.softmax(-1) @ v).transpose(1, 2).flatten(2))
