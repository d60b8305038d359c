"""(x, xdot) -> d/dt f(x + t xdot; w + t wdot) at t = 0, by forward mode through the modules that make up the network.

`torch.func.jvp` does it for every module. A network that is a chain is taken one module after another, since a layer
that is linear in x and in w = (W, b) has the tangent f(x; wdot) + f(xdot; W, 0): the same products without the
sums and copies that jvp puts around them, which were a seventh of a lazy step of MLP-1024 on a CPU.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lazyregime.networks.chain import is_chain
from lazyregime.networks.layers import ScaledConv2d, ScaledLinear

BILINEAR = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, ScaledLinear, ScaledConv2d)

_jvp = cast(Callable[..., tuple[Tensor, Tensor]], torch.func.jvp)


def pushforward(network: nn.Module, wdot: Mapping[str, Tensor], x: Tensor) -> Tensor:
    """The derivative of network(x) along `wdot`, by parameter name; differentiable in all three."""
    xdot: Tensor | None = None  # nothing depends on w yet
    for prefix, module in stages(network):
        own = {name: wdot[prefix + name] for name, _ in module.named_parameters()}
        x, xdot = _push(module, own, x, xdot)
    return torch.zeros_like(x) if xdot is None else xdot


def stages(network: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The modules that the network applies one after another, with the prefix of their names; else itself alone."""
    num_names = sum(1 for _ in network.named_parameters(remove_duplicate=False))
    shared = num_names > sum(1 for _ in network.named_parameters())
    return iter([("", network)]) if shared else _stages("", network)


def _stages(prefix: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    if is_chain(module) and _plain(module):
        for name, child in module._modules.items():
            yield from _stages(f"{prefix}{name}.", cast(nn.Module, child))
    else:
        yield prefix, module


def _push(module: nn.Module, wdot: dict[str, Tensor], x: Tensor, xdot: Tensor | None) -> tuple[Tensor, Tensor | None]:
    if xdot is None and not wdot:
        return module(x), None
    if type(module) in BILINEAR and _plain(module):
        tangent = _at(module, wdot, x)
        if xdot is not None:
            no_bias = {name: torch.zeros_like(b) for name, b in module.named_parameters() if name == "bias"}
            tangent = tangent + _at(module, no_bias, xdot)
        return module(x), tangent
    w = dict(module.named_parameters())
    if xdot is None:
        return _jvp(lambda w: _at(module, w, x), (w,), (wdot,))
    return _jvp(lambda w, x: _at(module, w, x), (w, x), (wdot, xdot))


def _at(module: nn.Module, w: dict[str, Tensor], x: Tensor) -> Tensor:
    return cast(Tensor, functional_call(module, w, (x,)))


def _plain(module: nn.Module) -> bool:
    # Nothing that changes what the module's type does: hooks, or a forward set on the instance.
    return not (module._forward_hooks or module._forward_pre_hooks or "forward" in vars(module))
