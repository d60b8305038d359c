"""Which layers have a rule, which parameters go through the exact fallback, and why: decided on a few samples."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, final

import torch
from torch import Tensor, nn
from torch.func import functional_call

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._checks import check_independent
from lazyregime.kernels.empirical._factors import Factor, allocate
from lazyregime.kernels.empirical._forms import Task, build, choose
from lazyregime.kernels.empirical._registry import LayerCall, RegisteredRule, find_rule
from lazyregime.kernels.empirical._tape import (
    Keep,
    Seen,
    below_readout,
    calls,
    flat_output,
    record,
    weights_used,
    weights_used_inside,
)

Rules = Literal["auto", "none"]


@final
@dataclass(frozen=True)
class Layer:
    """A layer that a rule serves."""

    name: str
    module: nn.Module
    registered: RegisteredRule
    trained: frozenset[str]
    jacobian: Tensor | None


@final
@dataclass
class Survey:
    """What the model is made of, as far as its kernel is concerned.

    Attributes:
        leaves: the model's parameters by name, detached, the counted ones requiring a gradient.
        layers: those with a rule.
        fallback: why, for each parameter that goes through torch.func.
        looped: why, for each parameter that goes through autograd one output at a time, as vmap refuses the model.
        plain: why, for each parameter that functional_call does not reach.
        unused: parameters on which the output does not depend.
    """

    model: nn.Module
    leaves: dict[str, Tensor]
    num_outputs: int
    layers: list[Layer] = field(default_factory=list[Layer])
    fallback: dict[str, str] = field(default_factory=dict[str, str])
    looped: dict[str, str] = field(default_factory=dict[str, str])
    plain: dict[str, str] = field(default_factory=dict[str, str])
    unused: list[str] = field(default_factory=list[str])
    samples: dict[str, list[Factor]] = field(default_factory=dict[str, list[Factor]])
    activation_bytes: int = 0
    channels_last: bool = False
    fast_leaves: dict[str, Tensor] = field(default_factory=dict[str, Tensor])
    trace: bool = False
    keep: Keep = field(default_factory=Keep)

    def forward(self, x: Tensor) -> Tensor:
        """The model's output (n, k)."""
        return flat_output(functional_call(self.model, self.leaves, (x,)), x.shape[0])

    def fast_forward(self, x: Tensor) -> Tensor:
        """The same in the memory layout that suits the layers best, for backward passes to activations only.

        Weight gradients are not taken in this layout: oneDNN's for a strided 1x1 kernel corrupts the heap (torch 2.13).
        """
        if not self.channels_last:
            return self.forward(x)
        # An explicit copy, since a tensor of one channel counts as being in both layouts.
        x = torch.empty_like(x, memory_format=torch.channels_last).copy_(x)
        return flat_output(functional_call(self.model, self.fast_leaves, (x,)), x.shape[0])

    def prepare_layout(self, x: Tensor) -> None:
        """Channels last for float32 on a CPU: oneDNN is about a third faster, and unfolding cheaper."""
        self.channels_last = (
            x.device.type == "cpu"
            and x.dtype == torch.float32
            and x.ndim == 4
            and any(isinstance(layer.module, nn.Conv2d) for layer in self.layers)
        )
        if self.channels_last:
            self.fast_leaves = {
                name: leaf.detach().contiguous(memory_format=torch.channels_last).requires_grad_(leaf.requires_grad)
                if leaf.ndim == 4
                else leaf
                for name, leaf in self.leaves.items()
            }

    def record(self, x: Tensor) -> list[LayerCall]:
        """Inputs and output gradients of every layer with a rule.

        Raises:
            LazyRegimeError: If a layer is not called once, as it was on the first samples.
        """
        y, seen = record(self.fast_forward, [layer.module for layer in self.layers], x)
        once: list[Seen] = []
        readout: int | None = None
        for index, layer in enumerate(self.layers):
            found = seen.get(layer.module, [])
            if len(found) != 1 or found[0].edge is None:
                raise LazyRegimeError(
                    f"layer {layer.name!r} was used {len(found)} times for these inputs but once for others, so "
                    "the model's path depends on its "
                    "data; compute its kernel with rules='none'."
                )
            once.append(found[0])
            readout = index if layer.jacobian is not None else readout
        trained = [layer.trained for layer in self.layers]
        channel_dims = [layer.registered.channel_dim for layer in self.layers]
        if readout is None:
            basis = torch.eye(self.num_outputs, dtype=y.dtype, device=y.device)
            return calls(y, once, trained, channel_dims, list(basis), channels_last=self.channels_last, keep=self.keep)
        # The gradients of the outputs by the readout's input are its weights: the backward passes start there.
        start, weights = once[readout].first, self.layers[readout].jacobian
        assert weights is not None
        if start is None or not start.requires_grad:
            return [
                LayerCall(call.inputs, None, names, self.num_outputs) for call, names in zip(once, trained, strict=True)
            ]
        skipped = {readout}
        below = below_readout(start, once) if self.trace and self.layers[readout].module in seen else None
        if below is not None and self.layers[below].registered.jacobian is not None:
            skipped.add(below)
        found_calls = calls(
            y, once, trained, channel_dims, list(weights), start, skipped, self.channels_last, self.keep
        )
        if below in skipped:
            # b_k = W_k d unit by unit, so that the sum over k is one product with d sqrt(sum_k W_k^2).
            assert below is not None
            scale = torch.linalg.vector_norm(weights, dim=0).expand(start.shape)
            (d,) = torch.autograd.grad(start, [once[below].edge], scale)  # pyright: ignore[reportArgumentType, reportCallIssue]
            found_calls[below] = LayerCall(once[below].inputs, d[:, None], trained[below], 1)
        return found_calls


def survey(model: nn.Module, selected: Callable[[str, nn.Parameter], bool], probe: Tensor, rules: Rules) -> Survey:
    """Look at the model's graph on a few samples; every rule is compared with autograd there."""
    parameters = dict(model.named_parameters())
    leaves = {name: p.detach().requires_grad_(selected(name, p)) for name, p in parameters.items()}
    found = Survey(model, leaves, 0)
    candidates = [(name, module) for name, module in model.named_modules() if rules == "auto" and find_rule(module)]
    with _saved_bytes(found):
        y, seen = record(found.forward, [module for _, module in candidates], probe)
    found.activation_bytes //= probe.shape[0]
    found.num_outputs = y.shape[1]
    _check_samples(found, y.detach(), probe)
    total = weights_used(y)
    counted = {name for name, leaf in leaves.items() if leaf.requires_grad}
    names = {id(p): name for name, p in parameters.items()}
    owners = _owners(model)
    served: set[str] = set()
    reasons: dict[str, str] = {}
    for name, module in candidates:
        own = {key: names[id(p)] for key, p in module.named_parameters(recurse=False) if names[id(p)] in counted}
        registered = find_rule(module)
        assert registered is not None
        found_calls = seen.get(module, [])
        inside = weights_used_inside(found_calls[0]) if len(found_calls) == 1 else {}
        trained: set[str] = set()
        for key, full in own.items():
            reason = _why_not(registered, module, key, found_calls, len(owners[full]))
            if reason is None and inside.get(id(leaves[full])) != total.get(id(leaves[full])):
                reason = "also used outside its layer"
            if reason is None and id(leaves[full]) in total:
                trained.add(key)
                served.add(full)
            elif reason is not None:
                reasons[full] = reason
        if trained:
            readout = registered.jacobian is not None and _is_output(found_calls[0], y)
            jacobian = registered.jacobian(module) if readout and registered.jacobian else None
            found.layers.append(Layer(name, module, registered, frozenset(trained), jacobian))
    _drop_wrong(found, y, seen, names, served, reasons)
    found.prepare_layout(probe)
    missing = [name for name in counted - served if id(leaves[name]) not in total]
    plain = _plain_uses(model, probe, parameters, missing)
    for name in counted - served:
        reason = reasons.get(name) or ("asked for" if rules == "none" else _no_rule(model, owners[name]))
        if id(leaves[name]) in total:
            found.fallback[name] = reason
        elif name in plain:
            found.plain[name] = f"{reason}; functional_call does not reach it"
        else:
            found.unused.append(name)
    return found


@contextmanager
def _saved_bytes(found: Survey) -> Iterator[None]:
    """Count what autograd keeps of the forward pass, without the parameters."""
    known = {leaf.untyped_storage().data_ptr() for leaf in found.leaves.values()}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in known:
            known.add(storage.data_ptr())
            found.activation_bytes += storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield


def _owners(model: nn.Module) -> dict[str, list[str]]:
    names = {id(p): name for name, p in model.named_parameters()}
    owners: dict[str, list[str]] = {}
    for prefix, module in model.named_modules():
        for p in module._parameters.values():
            if p is not None:
                owners.setdefault(names[id(p)], []).append(prefix)
    return owners


def _no_rule(model: nn.Module, owners: list[str]) -> str:
    return f"no rule for {type(model.get_submodule(owners[0])).__name__}"


def _why_not(registered: RegisteredRule, module: nn.Module, key: str, found: list[Seen], num_owners: int) -> str | None:
    if key not in registered.parameters:
        return f"the rule for {type(module).__name__} does not know {key!r}"
    if registered.applies is not None and not registered.applies(module):
        return f"the rule for {type(module).__name__} does not cover these options"
    if num_owners > 1:
        return "tied: belongs to several layers"
    if len(found) != 1:
        return f"its layer is called {len(found)} times"
    if found[0].edge is None or len(found[0].inputs) == 0:
        return "its layer's output is no single differentiable tensor"
    return None


def _is_output(call: Seen, y: Tensor) -> bool:
    edge = torch.autograd.graph.get_gradient_edge(y)
    return (
        call.edge is not None
        and call.shape == y.shape
        and edge.node is call.edge.node
        and edge.output_nr == call.edge.output_nr
    )


def _check_samples(found: Survey, y: Tensor, probe: Tensor) -> None:
    with torch.no_grad():
        check_independent(y[-1:], found.forward(probe[-1:]))


def _plain_uses(model: nn.Module, probe: Tensor, parameters: dict[str, nn.Parameter], missing: list[str]) -> set[str]:
    if not missing:
        return set()
    with torch.enable_grad():
        y = model(probe)
    uses = weights_used(y) if isinstance(y, Tensor) else {}
    return {name for name in missing if id(parameters[name]) in uses}


def _drop_wrong(
    found: Survey,
    y: Tensor,
    seen: dict[nn.Module, list[Seen]],
    names: dict[int, str],
    served: set[str],
    reasons: dict[str, str],
) -> None:
    """|sum_i v_i . df(x_i)/dw|^2 by each rule and by autograd, for one random v; a rule that disagrees is dropped."""
    if not found.layers:
        return
    generator = torch.Generator().manual_seed(0)
    v = torch.randn(y.shape, generator=generator, dtype=torch.float64).to(y)
    wanted = [_leaf(found, layer, key, names) for layer in found.layers for key in sorted(layer.trained)]
    once = [seen[layer.module][0] for layer in found.layers]
    targets: list[Any] = [*(leaf for _, leaf in wanted), *(call.edge for call in once)]
    grads = torch.autograd.grad(y, targets, v, allow_unused=True)
    squares: dict[str, float] = {}
    for (full, _), grad in zip(wanted, grads[: len(wanted)], strict=True):
        dense = None if grad is None else (grad.coalesce().values() if grad.is_sparse else grad)
        squares[full] = 0.0 if dense is None else torch.linalg.vector_norm(dense).item() ** 2
    recorded = [
        LayerCall(call.inputs, (y.new_zeros(call.shape) if b is None else b)[:, None], layer.trained, 1)
        for layer, call, b in zip(found.layers, once, grads[len(wanted) :], strict=True)
    ]
    kept: list[Layer] = []
    for layer, call in zip(found.layers, recorded, strict=True):
        fulls = [_leaf(found, layer, key, names)[0] for key in layer.trained]
        problem = _disagreement(found, layer, call, y.shape[0], sum(squares[full] for full in fulls))
        if problem is None:
            kept.append(layer)
        else:
            served.difference_update(fulls)
            reasons.update(dict.fromkeys(fulls, problem))
    found.layers = kept


def _leaf(found: Survey, layer: Layer, key: str, names: dict[int, str]) -> tuple[str, Tensor]:
    full = names[id(layer.module._parameters[key])]
    return full, found.leaves[full]


def _disagreement(found: Survey, layer: Layer, call: LayerCall, r: int, exact: float) -> str | None:
    if any(value.shape[:1] != (r,) for value in call.inputs):
        return "its input has other than one row a sample (is the batch the first dimension?)"
    task = Task(r, r, 1, "trace", symmetric=False)
    out = allocate(r, r, 1, "trace", torch.float64, call.inputs[0].device)
    factors = list(layer.registered.rule(layer.module, call))
    found.samples[layer.name] = factors
    for factor in factors:
        for form in build(factor, choose(factor, task).form, 1):
            if any(tensor.shape[0] != r for tensor in form.tensors()):
                return "its rule returns other than one row a sample"
            form.add_to(form, out, "trace")  # pyright: ignore[reportArgumentType]
    tolerance = {torch.float64: 1e-8, torch.float32: 1e-3}.get(next(layer.module.parameters()).dtype, 0.1)
    if (out.sum() - exact).abs().item() > tolerance * (out.abs().sum().item() + exact):
        return "its rule disagrees with autograd on these samples"
    return None
