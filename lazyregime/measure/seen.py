"""What a probe is shown of something that is trained: the function whose gradients make the kernel, weights, gates."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from jaxtyping import Shaped
from torch import Tensor, nn
from torch.func import functional_call

from lazyregime.data import as_inputs
from lazyregime.measure.gates import Gate, gates_of, has_gates

Gates = Callable[[], Sequence[Gate]]
Objective = Callable[[Tensor, Tensor, Tensor], Tensor]  # from f(x; w), f(x; w0) and labels to the loss that is trained


@final
@dataclass(frozen=True, eq=False)
class Seen:
    """One state of what is trained.

    Attributes:
        model: Its gradients by its parameters make the kernel.
        weights: By the network's names; None where there are none to speak of.
        gates: Which units are on, and which pixels win; None where not every activation is a ReLU.
        network: Whose features are looked at; None for a tangent model.
        objective: What is trained; None where nobody knows.
    """

    model: nn.Module
    weights: Mapping[str, Tensor] | None = None
    gates: Gates | None = None
    network: nn.Module | None = None
    objective: Objective | None = None


def as_seen(
    network: nn.Module,
    x: Shaped[Tensor, "n *d"],
    *,
    model: nn.Module | None = None,
    weights: Mapping[str, Tensor] | None = None,
    features_of: nn.Module | None = None,
    objective: Objective | None = None,
) -> Seen:
    """A network with its own weights or with others, its gates on the points x.

    Args:
        network: Gives structure, gates, and weights where no others are given.
        x: Where gates are looked at.
        model: Makes the kernel, if not the network.
        weights: Others, by the network's names.
        features_of: A network of the same structure whose buffers count, and whose features are looked at.
        objective: What is trained.
    """
    mine = {name: p.detach() for name, p in network.named_parameters()} if weights is None else weights
    return Seen(network if model is None else model, mine, _gates(network, weights, x), features_of, objective)


def _gates(network: nn.Module, weights: Mapping[str, Tensor] | None, x: Tensor) -> Gates | None:
    if not has_gates(network):
        return None

    def gates() -> list[Tensor]:
        own = next(network.parameters())
        inputs = as_inputs(x, own.device, own.dtype)
        if weights is None:
            return gates_of(network, lambda: network(inputs))
        there = {name: w.to(own.device) for name, w in weights.items()}
        return gates_of(network, lambda: functional_call(network, there, (inputs,)))

    return gates


@contextlib.contextmanager
def in_eval_mode(model: nn.Module) -> Iterator[None]:
    """Every layer in eval mode, and then each in the mode that it was in."""
    modes = [(layer, layer.training) for layer in model.modules()]
    model.eval()
    try:
        yield
    finally:
        for layer, training in modes:
            layer.training = training
