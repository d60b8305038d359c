r"""Theta^h = Theta^{h-1} Sdot^h + Sigma^h: NTK and NNGP of the infinitely wide fully connected network [JGH18].

The kernel is that of one output; outputs are independent, so the trace over k outputs is k times it.
"""

from dataclasses import dataclass
from typing import final

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._memory import default_budget
from lazyregime.kernels.infinite._base import AbstractInfiniteKernel, as_inputs, inputs
from lazyregime.kernels.infinite._blocks import by_blocks
from lazyregime.kernels.infinite.activation import Activation, dual_of
from lazyregime.kernels.infinite.layers import Pairs, Scheme, activate, affine, identity, variances

_TEMPORARIES = 10  # float64 matrices alive at once in one step of the recursion


@final
@dataclass(frozen=True)
class InfiniteMLP(AbstractInfiniteKernel):
    """The kernels of an MLP of infinite width, computed in float64, and returned in float32 for such inputs.

    The defaults are those of `lazyregime.networks.MLP(parameterization="ntk")`.

    Attributes:
        depth: Hidden layers.
        activation: A name of `lazyregime.networks.ACTIVATIONS`, or a pointwise function or module: one that is linear
            on both sides of 0 (torch.abs, nn.LeakyReLU(0.1)), or a smooth one.
        normalize_activation: Scale the activation to unit second moment under N(0, 1).
        parameterization: "ntk", or "standard", where gradients carry no 1/fan_in and the NTK depends on `width`.
        width: Of the hidden layers; used by the standard parameterization only.
        weight_variance: Times 1/fan_in; 1 if not given, 1/3 (PyTorch's default) in the standard parameterization.
        bias_variance: 0.01 if not given, 1/(3 fan_in) in the standard parameterization.
        bias: Whether layers have biases.
        which: The kernel that `gram`, `cross` and `apply` give.
        memory_budget: Bytes for temporaries; a fraction of what is free if not given.
    """

    depth: int = 3
    activation: Activation = "relu"
    normalize_activation: bool = False
    parameterization: str = "ntk"
    width: int = 1024
    weight_variance: float | None = None
    bias_variance: float | None = None
    bias: bool = True
    which: str = "ntk"
    memory_budget: int | None = None

    def __post_init__(self) -> None:
        if self.depth < 0:
            raise LazyRegimeError(f"Depth must not be negative; got depth={self.depth}.")
        self.check_choices()

    def kernels(
        self, x1: Shaped[Tensor, "n ..."], x2: Shaped[Tensor, "m ..."] | None = None
    ) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n m"]]:
        """NNGP and NTK of all pairs; inputs are flattened. Without x2, those of x1 with itself."""
        a, b = (x.flatten(1) for x in inputs(x1, x2, flat=True))
        d = a.shape[1]
        dual = dual_of(self.activation, self.normalize_activation)
        scheme = Scheme(self.parameterization, self.weight_variance, self.bias_variance, self.bias)
        layers = [scheme.affine(fan_in) for fan_in in [d] + [self.width] * self.depth]
        q1, q2 = (variances(x.square().mean(1), layers[:-1], dual, identity) for x in (a, b))

        def block(rows: slice, columns: slice) -> Pairs:
            nngp = a[rows] @ b[columns].T / d
            pairs = affine(Pairs(nngp, torch.zeros_like(nngp)), layers[0], identity)
            for layer, qa, qb in zip(layers[1:], q1, q2, strict=True):
                pairs = activate(pairs, dual, qa[rows, None], qb[None, columns])
                pairs = affine(pairs, layer, identity)
            return pairs

        budget = self.memory_budget or default_budget(a.device)
        nngp, ntk = by_blocks(
            block, len(a), len(b), symmetric=x2 is None, pair_bytes=8 * _TEMPORARIES, budget=budget, device=a.device
        )
        return as_inputs(nngp, x1), as_inputs(ntk, x1)
