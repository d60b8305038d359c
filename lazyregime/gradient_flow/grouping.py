"""How many members to evaluate at once: as many as keep a layer's activations within the processor's cache.

Measured by benchmarks/ensembles.py: below that, the overhead of an operation dominates and a batch saves it; above,
the activations of a batch go to memory and back, and a loop over the members is as fast or faster.
"""

from jaxtyping import Shaped
from torch import Tensor, nn

CACHE_BYTES = 2**24  # of one layer's activations, all members together


def members_at_once(network: nn.Module, inputs: Shaped[Tensor, "..."], members: int, *, shared: bool) -> int:
    """The number of members in one batched evaluation."""
    if inputs.device.type != "cpu":
        return members  # an accelerator wants all it can get
    points = len(inputs) if shared else inputs.shape[1]
    each = points * _widest(network) * inputs.element_size()
    return max(1, min(members, CACHE_BYTES // each))


def _widest(network: nn.Module) -> int:
    """Hidden units of the widest layer; of a convolution the channels times an image of its weights' reach."""
    sizes = [m.out_features for m in network.modules() if isinstance(m, nn.Linear)]
    sizes += [m.out_channels * 28 * 28 for m in network.modules() if isinstance(m, nn.Conv2d)]
    return max(sizes, default=1)
