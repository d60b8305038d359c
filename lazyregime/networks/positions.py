"""x_t + p_t: a learned vector for each position."""

from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.networks.factory import LayerFactory


@final
class Positions(nn.Module):
    """Adds the position's row of a table to each of at most `length` tokens.

    Raises:
        LazyRegimeError: If there are more.
    """

    def __init__(self, make: LayerFactory, length: int) -> None:
        super().__init__()
        self.table = make.embedding(length, make.width)

    def forward(self, x: Float[Tensor, "n t d"]) -> Float[Tensor, "n t d"]:  # noqa: D102
        length = self.table.num_embeddings
        if x.shape[1] > length:
            raise LazyRegimeError(f"The sequences have {x.shape[1]} tokens, and the network takes at most {length}.")
        # A row of numbers for each sample, so that the table is called like one of tokens.
        numbers = torch.arange(x.shape[1], device=x.device).expand(x.shape[:2])
        return x + self.table(numbers)
