"""Which layers have a rule, which parameters go through the exact fallback, and why: decided on a few samples."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._checks import check_alike, check_not_random
from lazyregime.kernels.empirical._layers import Layer, Survey
from lazyregime.kernels.empirical._loan import Loan
from lazyregime.kernels.empirical._random import States
from lazyregime.kernels.empirical._registry import RegisteredRule, find_rule
from lazyregime.kernels.empirical._tape import (
    Recording,
    Seen,
    evaluate,
    own_backward,
    record,
    weights_used,
    weights_used_inside,
)
from lazyregime.kernels.empirical._verify import drop_wrong, slope
from lazyregime.kernels.empirical.proof import EXIT, Proof, Unproven, escape, random_operations

Rules = Literal["auto", "none"]

# Evaluations of a model that uses Python's random numbers, perhaps for nothing that matters: what is left out one time
# in ten is met in all but a thousandth of the cases.
_REPEATS = 64


def survey(loan: Loan, probe: Tensor, rules: Rules, mixes: str = "") -> Survey:
    """Look at what the model does with one, two and three samples; every rule is compared with autograd there.

    Args:
        loan: The model.
        probe: Three samples.
        rules: "none" sends every parameter through the fallback.
        mixes: Why it is known already that samples are not shown to be treated apart.

    Raises:
        LazyRegimeError: If the model is random, changes from call to call, or gives a sample another output alone.
    """
    found = Survey(loan, 0, mixes=mixes)
    modules = [(name, m) for name, m in loan.model.named_modules() if rules == "auto" and not mixes and find_rule(m)]
    alone, alone_slope = _alone_and_again(found, modules, probe[:1])
    loan.restore()
    triple = record(loan, modules, probe)
    loan.restore()
    pair = record(loan, modules, probe[:2])
    found.num_outputs = pair.y.shape[1]
    check_alike(pair.y[:1].detach(), alone.y.detach(), "evaluated alone")
    check_alike(triple.y[:2].detach(), pair.y.detach(), "in a batch of another size")
    check_alike(slope(pair.y[:1], loan), alone_slope, "evaluated alone", "gradient")
    calls = _prove(found, alone, pair, triple)
    _find_layers(found, modules, pair, calls)
    loan.restore()
    _prepare_layout(found, probe, pair.y.detach())
    return found


def _alone_and_again(found: Survey, modules: list[tuple[str, nn.Module]], x: Tensor) -> tuple[Recording, Tensor]:
    """One sample, again and again: with other random numbers and with what the model remembers of the first time.

    A generator that has moved on is no offence if it comes out at the same place whatever the seed, as if it is set.
    """
    loan, states = found.loan, list[States]()
    loan.random.reseed(1)
    alone = record(loan, modules, x, draws=True)
    states.append(loan.random.states())
    alone_slope = slope(alone.y, loan)
    loan.random.reseed(2)
    states.append(loan.random.states())
    with _saved_bytes(found):
        again = evaluate(loan, x)
    states.append(loan.random.states())
    operations = [(str(e.op).removeprefix("aten."), e.draws) for e in random_operations(alone.trace)]
    moved = any(b != c != a for a, b, c in zip(*(state.generators for state in states), strict=True))
    if operations and not moved:
        trace = record(loan, modules, x, draws=True).trace
        moved = [draws for _, draws in operations] != [e.draws for e in random_operations(trace)]
    check_not_random(moved, sorted({name for name, _ in operations}))
    check_alike(again, alone.y, "evaluated again")
    for seed in range(3, 3 + _REPEATS if states[1].python != states[2].python else 3):
        loan.random.reseed(seed)
        y = evaluate(loan, x)
        check_alike(y, alone.y, "evaluated again")
        check_alike(slope(y, loan), alone_slope, "evaluated again", "gradient")
    return alone, alone_slope


def _prove(found: Survey, *recordings: Recording) -> dict[str, list[bool]]:
    """Whether each call of a layer has a row for each sample; if the samples are not told apart, `mixes` says why."""
    alone, pair, triple = recordings
    found.references = {r.trace.num_rows: r.trace for r in recordings}
    try:
        calls = Proof(pair.trace, triple.trace).layers
    except Unproven as why:
        found.mixes = found.mixes or str(why)
        return {}
    shown, custom = escape(alone.trace), own_backward(pair.y)
    if shown is not None:
        found.mixes = found.mixes or f"its path may depend on the values of samples (it calls {shown})"
    if custom is not None:
        found.mixes = found.mixes or f"the backward pass of {custom} is not known"
    return {} if found.mixes else calls


def _find_layers(
    found: Survey, modules: list[tuple[str, nn.Module]], pair: Recording, calls: dict[str, list[bool]]
) -> None:
    loan, y = found.loan, pair.y
    total = weights_used(y)
    names = {id(p): name for name, p in loan.parameters.items()}
    owners = _owners(loan)
    served: set[str] = set()
    reasons: dict[str, str] = dict.fromkeys(loan.counted, found.mixes) if found.mixes else {}
    for name, module in [] if found.mixes else modules:
        own = {key: names.get(id(p), "") for key, p in module.named_parameters(recurse=False)}
        own = {key: full for key, full in own.items() if full in loan.counted}
        registered = find_rule(module)
        assert registered is not None
        found_calls = pair.seen.get(name, [])
        inside = weights_used_inside(found_calls[0]) if len(found_calls) == 1 else {}
        trained: set[str] = set()
        for key, full in own.items():
            leaf = id(loan.parameters[full])
            reason = _why_not(registered, module, key, found_calls, len(owners[full]), calls.get(name, []))
            if reason is None and inside.get(leaf) != total.get(leaf):
                reason = "also used outside its layer"
            if reason is None and leaf in total:
                trained.add(key)
                served.add(full)
            elif reason is not None:
                reasons[full] = reason
        if trained:
            readout = registered.jacobian is not None and _is_output(found_calls[0], y)
            jacobian = registered.jacobian(module) if readout and registered.jacobian else None
            found.layers.append(Layer(name, module, registered, frozenset(trained), jacobian))
    drop_wrong(found, pair, names, served, reasons)
    kept = {EXIT + layer.name for layer in found.layers}
    for trace in found.references.values():
        trace.entries[:] = [e for e in trace.entries if not str(e.op).startswith(EXIT) or e.op in kept]
    for name in sorted(loan.counted - served, key=list(loan.parameters).index):
        reason = reasons.get(name) or ("asked for" if not modules else f"no rule for {_owner(loan, owners, name)}")
        if id(loan.parameters[name]) in total or found.mixes:
            found.fallback[name] = reason
        else:
            found.unused.append(name)


def _prepare_layout(found: Survey, probe: Tensor, y: Tensor) -> None:
    """Channels last for float32 convolutions on a CPU: oneDNN is about a third faster, and unfolding cheaper.

    Only backward passes to activations are taken in this layout: oneDNN's weight gradient for a strided 1x1 kernel
    corrupts the heap (torch 2.13). A model that asks for the layout of its tensors, by `view` for one, keeps its own.
    """
    suits = probe.device.type == "cpu" and probe.dtype == torch.float32 and probe.ndim == 4
    asks = any(trace.layout for trace in found.references.values())
    if not suits or asks or not any(isinstance(layer.module, nn.Conv2d) for layer in found.layers):
        return
    loan = found.loan
    fast = {
        name: p.detach().contiguous(memory_format=torch.channels_last).requires_grad_(p.requires_grad)
        for name, p in loan.parameters.items()
        if p.ndim == 4
    }
    layers = [(layer.name, layer.module) for layer in found.layers]
    try:
        runs = [record(loan, layers, probe[:n], parameters=fast, channels_last=True) for n in (1, 2, 3)]
        check_alike(runs[1].y, y, "evaluated in another memory layout")
        rows = Proof(runs[1].trace, runs[2].trace).layers
    except (LazyRegimeError, Unproven):
        return
    finally:
        loan.restore()
    if all(rows.get(layer.name) == [True] for layer in found.layers):
        found.channels_last, found.fast = True, fast
        found.references = {run.trace.num_rows: run.trace for run in runs}


@contextmanager
def _saved_bytes(found: Survey) -> Iterator[None]:
    """Count what autograd keeps of the forward pass, without the parameters."""
    known = {p.untyped_storage().data_ptr() for p in found.loan.parameters.values()}

    def pack(tensor: Tensor) -> Tensor:
        with torch._C.DisableTorchFunction():  # it is not the model that asks
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in known:
                known.add(storage.data_ptr())
                found.activation_bytes += storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        yield


def _owners(loan: Loan) -> dict[str, list[str]]:
    """The modules that each parameter belongs to."""
    names = {id(p): name for name, p in loan.parameters.items()}
    owners: dict[str, list[str]] = {}
    for prefix, module in loan.model.named_modules():
        for p in module._parameters.values():
            if id(p) in names:
                owners.setdefault(names[id(p)], []).append(prefix)
    return owners


def _owner(loan: Loan, owners: dict[str, list[str]], name: str) -> str:
    return type(loan.model.get_submodule(owners[name][0])).__name__


def _why_not(
    registered: RegisteredRule, module: nn.Module, key: str, found: list[Seen], num_owners: int, rows: list[bool]
) -> str | None:
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
    if rows != [True]:
        return "its layer's input and output do not have a row for each sample (is the batch the first dimension?)"
    return None


def _is_output(call: Seen, y: Tensor) -> bool:
    edge = torch.autograd.graph.get_gradient_edge(y)
    return (
        call.edge is not None
        and call.shape == y.shape
        and edge.node is call.edge.node
        and edge.output_nr == call.edge.output_nr
    )
