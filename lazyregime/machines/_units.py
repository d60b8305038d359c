"""sigma and sigma' by name with a shift of the argument, and the weights w_i of random units."""

from collections.abc import Callable, Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.machines.features import BLOCK
from lazyregime.networks.activations import ACTIVATIONS

WEIGHTS = ("sphere", "gaussian")
Pointwise = Callable[[Tensor], Tensor]


def activation(name: str, shift: float = 0.0) -> Pointwise:
    """Z -> sigma(z + shift).

    Raises:
        LazyRegimeError: If the name is not known.
    """
    if name not in ACTIVATIONS:
        raise LazyRegimeError(f"activation={name!r} is not known; choose one of {', '.join(ACTIVATIONS)}.")
    sigma = ACTIVATIONS[name]
    return sigma if shift == 0 else lambda z: sigma(z + shift)


def slope(name: str, shift: float = 0.0) -> Pointwise:
    """Z -> sigma'(z + shift)."""
    sigma = activation(name, shift)
    if name == "relu":
        return lambda z: (z + shift > 0).to(z)

    def derivative(z: Tensor) -> Tensor:
        with torch.enable_grad():
            leaf = z.detach().requires_grad_()
            return torch.autograd.grad(sigma(leaf).sum(), leaf)[0]

    return derivative


def unit_weights(num_units: int, like: Float[Tensor, "n d"], law: str, seed: int) -> Iterator[Float[Tensor, "b d"]]:
    """w_i uniform on the unit sphere, or N(0, I/d), in blocks; <w_i, x> is about N(0, 1) where |x| = sqrt(d).

    Raises:
        LazyRegimeError: If the law is not known.
    """
    if law not in WEIGHTS:
        raise LazyRegimeError(f"weights={law!r} is not known; choose sphere or gaussian.")
    d = like.shape[1]
    for index, first in enumerate(range(0, num_units, BLOCK)):
        generator = torch.Generator().manual_seed(seed * 1_000_003 + index)
        # always drawn in float32, so that the precision does not change the weights
        w = torch.randn(min(BLOCK, num_units - first), d, generator=generator).to(like)
        yield w / w.norm(dim=1, keepdim=True) if law == "sphere" else w / d**0.5
