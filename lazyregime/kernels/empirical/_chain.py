"""Theta = sum_l (m_l^2 h_l h_l'^T + c_l^2) * b_l b_l'^T: small chains of dense layers and pointwise functions.

What such a network does with a sample is known from its modules, all of which are PyTorch's or this package's own and
have no hooks: it treats samples apart, draws nothing and changes nothing. So nothing has to be borrowed or watched,
which is what takes the time of a small kernel otherwise.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import final

import torch
from torch import Tensor, nn

from lazyregime.kernels.empirical._registry import find_rule
from lazyregime.kernels.empirical._rules_linear import multipliers_of
from lazyregime.networks.activations import ACTIVATIONS, Activation
from lazyregime.networks.chain import AbstractChain, is_chain
from lazyregime.networks.layers import ScaledLinear

# Bytes of all gradients of all rows from which on products by blocks, and layers' cheapest forms, are worth a survey.
_SMALL = 24 << 20
_POINTWISE = (
    Activation,
    nn.ReLU,
    nn.Tanh,
    nn.Sigmoid,
    nn.GELU,
    nn.SiLU,
    nn.Softplus,
    nn.ELU,
    nn.LeakyReLU,
    nn.Identity,
)
_DENSE = (nn.Linear, ScaledLinear)
_CONTAINERS = (nn.Sequential, AbstractChain)
# The forward passes that were looked at; whoever exchanges one has another module.
_FORWARD = {kind: kind.forward for kind in (*_POINTWISE, *_DENSE, *_CONTAINERS, nn.Flatten)}
_FUNCTIONS = frozenset(ACTIVATIONS.values())
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks", "_buffers")


@final
@dataclass(frozen=True)
class _Term:
    """A dense layer: its inputs h (n, d), and the slope of the function after it, 1 if there is none."""

    layer: nn.Linear
    h: Tensor
    slope: Tensor | None


def chain_of(model: nn.Module) -> list[nn.Module] | None:
    """Flatten, dense layers and pointwise functions in their order; None if there is anything else to the model."""
    if nn.modules.module._has_any_global_hook():
        return None
    leaves = list(_leaves(model))
    dense = [leaf for leaf in leaves if type(leaf) in _DENSE]
    if any(list(leaf._parameters) != ["weight", "bias"] for leaf in dense if leaf is not None):
        return None  # a weight that is no parameter, say
    own = [p for leaf in dense if leaf is not None for p in leaf._parameters.values() if p is not None]
    if None in leaves or not dense or len({*map(id, own)}) < len(own) or leaves[-1] is not dense[-1]:
        return None
    kinds = {(type(p), p.dtype, p.device) for p in own}
    if len(kinds) > 1 or own[0].dtype not in (torch.float32, torch.float64) or type(own[0]) is not nn.Parameter:
        return None
    return [leaf for leaf in leaves if leaf is not None]


def _leaves(module: nn.Module) -> Iterator[nn.Module | None]:
    kind = type(module)
    container = is_chain(module)
    known = AbstractChain if container and kind is not nn.Sequential else kind
    plain = "forward" not in module.__dict__ and not any(map(module.__dict__.get, _HOOKS))
    if not plain or known not in _FORWARD or kind.forward is not _FORWARD[known]:
        yield None
    elif container:
        for child in module._modules.values():
            yield from _leaves(child) if child is not None else (None,)
    else:
        own = isinstance(module, Activation) and module._function not in _FUNCTIONS
        mixing = kind is nn.Flatten and (module.start_dim, module.end_dim) != (1, -1)
        rule = find_rule(module)
        yield None if own or mixing or (rule is not None and not rule.builtin) else module


def small_chain(model: nn.Module, x1: Tensor, x2: Tensor | None, budget: int | None) -> list[nn.Module] | None:
    """`chain_of` a model whose kernel takes few numbers; None if it is no chain, or inputs or modes are special.

    Args:
        model: Any module.
        x1: Checked inputs.
        x2: Others; without them the kernel of x1 with itself.
        budget: Bytes; what takes more than a quarter is not small. None is as many as are free.
    """
    chain = chain_of(model)
    if chain is None or _special(x1):
        return None
    weights = [leaf.weight for leaf in chain if isinstance(leaf, nn.Linear)]
    n, m, k = x1.shape[0], 0 if x2 is None else x2.shape[0], weights[-1].shape[0]
    numbers = (n + m) * sum(w.shape[1] + k * w.shape[0] for w in weights) + 4 * n * (m or n)
    if numbers * x1.element_size() > min(_SMALL, _SMALL if budget is None else budget // 4):
        return None
    return chain if x1.dtype == weights[0].dtype else None


def chain_ntk(chain: list[nn.Module], x1: Tensor, x2: Tensor | None) -> Tensor | None:
    """The trace kernel (n, m) of all parameters that require a gradient; None if samples are not one vector each."""
    n, m = x1.shape[0], 0 if x2 is None else x2.shape[0]
    x = x1.detach() if x2 is None else torch.cat([x1.detach(), x2.detach()])
    terms = _forward(chain, x)
    if terms is None:
        return None
    with torch.no_grad():
        theta = _sum(terms, x, slice(0, n), slice(n, n + m) if m else slice(0, n))
    return theta if m else theta.triu() + theta.triu(1).mT


def _special(x: Tensor) -> bool:
    autocast = any(map(torch.is_autocast_enabled, {x.device.type, "cpu"}))
    return type(x) is not Tensor or x.ndim < 2 or torch.is_inference_mode_enabled() or x.is_inference() or autocast


def _forward(chain: list[nn.Module], x: Tensor) -> list[_Term] | None:
    """The inputs and slopes of the dense layers; None if the samples are of another shape than they take."""
    terms: list[_Term] = []
    h, slope, layer, entered = x, None, None, x
    for leaf in chain:
        if isinstance(leaf, nn.Linear):
            if h.ndim != 2 or h.shape[1] != leaf.weight.shape[1]:
                return None
            if layer is not None:
                terms.append(_Term(layer, entered, slope))
            layer, entered, slope = leaf, h, None
            h = _apply(leaf, h)
        elif isinstance(leaf, nn.Flatten):
            h = h.flatten(1)
        else:
            h, new = _activate(leaf, h, wanted=layer is not None)
            slope = new if slope is None or new is None else slope * new
    assert layer is not None
    return [*terms, _Term(layer, entered, None)]


@torch.no_grad()
def _apply(layer: nn.Linear, h: Tensor) -> Tensor:
    return layer(h)


def _activate(function: Callable[[Tensor], Tensor], z: Tensor, *, wanted: bool) -> tuple[Tensor, Tensor | None]:
    """A pointwise function, which may write into its input, and its derivative if that is wanted."""
    if not wanted:
        with torch.no_grad():
            return function(z.clone()), None
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        h = function(z.clone())
        (slope,) = torch.autograd.grad(h, z, torch.ones_like(h))
    return h.detach(), slope


def _sum(terms: list[_Term], x: Tensor, rows: slice, columns: slice) -> Tensor:
    """From the readout down; b (n, k, o) are the gradients of outputs by a layer's outputs, None for the identity."""
    b: Tensor | None = None
    k = terms[-1].layer.weight.shape[0]
    theta = x.new_zeros(rows.stop - rows.start, columns.stop - columns.start)
    for term, before in zip(reversed(terms), [*reversed(terms[:-1]), None], strict=True):
        layer = term.layer
        scale, bias_scale = multipliers_of(layer)
        inputs = scale**2 * (term.h[rows] @ term.h[columns].mT) if layer.weight.requires_grad else None
        if layer.bias is not None and layer.bias.requires_grad:
            inputs = (0.0 if inputs is None else inputs) + bias_scale**2
        if inputs is not None:
            theta += inputs * (k if b is None else b[rows].flatten(1) @ b[columns].flatten(1).mT)
        if before is not None:
            weight = layer.weight if scale == 1 else layer.weight * scale
            b = weight.expand(x.shape[0], -1, -1) if b is None else b @ weight
            b = b if before.slope is None else b * before.slope[:, None]
    return theta
