r"""Theta^h = Theta^{h-1} Sdot^h + Sigma^h: NTK and NNGP of the infinitely wide fully connected network [JGH18].

The kernel is that of one output; outputs are independent, so the trace over k outputs is k times it.
"""

from dataclasses import dataclass
from typing import final

from jaxtyping import Float, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.infinite._base import AbstractInfiniteKernel
from lazyregime.kernels.infinite.activation import Activation, dual_of
from lazyregime.kernels.infinite.layers import Dense, Pointwise
from lazyregime.kernels.infinite.network import InfiniteNetwork


@final
@dataclass(frozen=True)
class InfiniteMLP(AbstractInfiniteKernel):
    """The kernels of an MLP of infinite width, returned in the precision of the inputs.

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
        dtype: In which the kernel is computed, as for `InfiniteNetwork`.
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
    dtype: str = "float64"

    def __post_init__(self) -> None:
        if self.depth < 0:
            raise LazyRegimeError(f"Depth must not be negative; got depth={self.depth}.")
        dual_of(self.activation)
        self.check_choices()

    @property
    def network(self) -> InfiniteNetwork:
        """The same, layer by layer."""
        hidden = (Dense(), Pointwise(self.activation, self.normalize_activation)) * self.depth
        return InfiniteNetwork.like(self, [*hidden, Dense()])

    def kernels(
        self, x1: Shaped[Tensor, "n ..."], x2: Shaped[Tensor, "m ..."] | None = None
    ) -> tuple[Float[Tensor, "n m"], Float[Tensor, "n m"]]:
        """NNGP and NTK of all pairs; inputs are flattened. Without x2, those of x1 with itself."""
        return self.network.kernels(x1, x2)
