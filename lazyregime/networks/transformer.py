"""A causal language model: tokens and positions as vectors, causal pre-norm blocks, the next token after the sequence.

After Vaswani et al. (arXiv 1706.03762) in the pre-norm form of GPT-2. Outputs are read after the last token, so that a
sequence is a sample with one label, and losses, kernels and the probe are those of a classification.
"""

from functools import partial
from typing import final

from torch import nn

from lazyregime.networks._check import check_sizes
from lazyregime.networks.activations import Activation
from lazyregime.networks.chain import AbstractChain
from lazyregime.networks.factory import LayerFactory
from lazyregime.networks.pooling import LastToken
from lazyregime.networks.positions import Positions
from lazyregime.networks.transformer_block import LAYERS_A_BLOCK, TransformerBlock


@final
class Transformer(AbstractChain):
    """`depth` causal transformer blocks on sequences of whole numbers, (n, t) -> (n, k).

    Args:
        width: Numbers a token.
        depth: Blocks.
        num_tokens: Of the vocabulary.
        sequence_length: The longest sequence.
        n_outputs: k, of what the next token is predicted.
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
        num_tokens: int = 11,
        sequence_length: int = 3,
        n_outputs: int = 11,
        head_size: int = 16,
        activation: str = "gelu",
        normalize_activation: bool = False,
        parameterization: str = "standard",
        bias: bool = True,
        bias_scale: float = 0.1,
    ) -> None:
        super().__init__()
        sizes = {"num_tokens": num_tokens, "sequence_length": sequence_length, "n_outputs": n_outputs}
        check_sizes(width=width, depth=depth, head_size=head_size, **sizes)
        make = LayerFactory(parameterization, width, bias, bias_scale, num_layers=2 + LAYERS_A_BLOCK * depth)
        nonlinearity = partial(Activation, activation, normalize=normalize_activation)
        self.width = width
        self.layers = nn.Sequential(
            make.embedding(num_tokens, width),
            Positions(make, sequence_length),
            *(TransformerBlock(make, nonlinearity, head_size=head_size, causal=True) for _ in range(depth)),
            LastToken(),
            make.layer_norm(width),
            make.linear(width, n_outputs, readout=True),
        )
