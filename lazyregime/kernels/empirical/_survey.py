"""Which layers have a rule, which parameters go through the exact fallback, and why: decided on a few samples."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

from lazyregime.kernels.empirical._layers import Layer, Survey
from lazyregime.kernels.empirical._registry import RegisteredRule, find_rule
from lazyregime.kernels.empirical._tape import Seen, record, weights_used, weights_used_inside
from lazyregime.kernels.empirical._verify import check_samples, drop_wrong

Rules = Literal["auto", "none"]


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
    check_samples(found, y.detach(), probe)
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
    drop_wrong(found, y, seen, names, served, reasons)
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


def _plain_uses(model: nn.Module, probe: Tensor, parameters: dict[str, nn.Parameter], missing: list[str]) -> set[str]:
    if not missing:
        return set()
    with torch.enable_grad():
        y = model(probe)
    uses = weights_used(y) if isinstance(y, Tensor) else {}
    return {name for name in missing if id(parameters[name]) in uses}
