"""sigma(z), or c sigma(z) with c = E[sigma(Z)^2]^(-1/2), Z ~ N(0, 1): normalized as in [GSJW20]."""

import math
from collections.abc import Callable
from typing import final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu,
    "tanh": torch.tanh,
    "gelu": nn.functional.gelu,
    "softplus": nn.functional.softplus,
    "erf": torch.erf,
    "silu": nn.functional.silu,
}


@final
class Activation(nn.Module):
    """A pointwise nonlinearity by name, optionally normalized to unit second moment under N(0, 1).

    Raises:
        LazyRegimeError: If `name` is not one of `ACTIVATIONS`.
    """

    def __init__(self, name: str, *, normalize: bool = False) -> None:
        super().__init__()
        if name not in ACTIVATIONS:
            raise LazyRegimeError(f"activation={name!r} is not known; choose one of {', '.join(ACTIVATIONS)}.")
        self.name = name
        self.factor = second_moment(name) ** -0.5 if normalize else 1.0
        self._function = ACTIVATIONS[name]

    def forward(self, z: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        """C sigma(z)."""
        activated = self._function(z)
        return activated if self.factor == 1.0 else activated * self.factor

    def extra_repr(self) -> str:
        """What `print(network)` shows."""
        return f"{self.name}, factor={self.factor:.6g}"


def second_moment(name: str) -> float:
    """E[sigma(Z)^2] for Z ~ N(0, 1): closed for relu and erf, else by quadrature on [-12, 12]."""
    if name == "relu":
        return 0.5
    if name == "erf":
        return 2 / math.pi * math.asin(2 / 3)  # [Williams 1997], K(x, x) = 2/pi asin(2 s / (1 + 2 s)) at s = 1
    nodes, weights = np.polynomial.legendre.leggauss(400)
    z = torch.from_numpy(12.0 * nodes)
    density = torch.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    return float((torch.from_numpy(12.0 * weights) * density * ACTIVATIONS[name](z) ** 2).sum())
