"""Which layers have a rule, which parameters go through the exact fallback, and why: decided on a few samples."""

import math
from typing import Literal

import torch
from torch import Tensor, nn

from lazyregime.kernels.empirical._by_operation import AllUses, by_operation, look_for_uses
from lazyregime.kernels.empirical._checks import check_alike
from lazyregime.kernels.empirical._graph import own_backward, weights_used, weights_used_inside
from lazyregime.kernels.empirical._layers import Layer, Survey
from lazyregime.kernels.empirical._layout import prepare_layout
from lazyregime.kernels.empirical._loan import Loan
from lazyregime.kernels.empirical._recording import Recording, Seen, evaluate, record
from lazyregime.kernels.empirical._registry import RegisteredRule, find_rule
from lazyregime.kernels.empirical._steady import twice
from lazyregime.kernels.empirical._verify import check_vectorized, drop_wrong, slope
from lazyregime.kernels.empirical.proof import EXIT, Proof, Unproven, escape

Rules = Literal["auto", "none"]


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
    alone, found.activation_bytes = twice(loan, modules, probe[:1])
    loan.restore()
    triple = record(loan, modules, probe)
    loan.restore()
    pair = record(loan, modules, probe[:2])
    found.num_outputs = pair.y.shape[1]
    check_alike(triple.y[:2], pair.y, "in a batch of another size")
    uses = look_for_uses(loan, pair, triple) if rules == "auto" and not mixes else None
    calls = _prove(found, alone, pair, triple, uses)
    _find_layers(found, modules, pair, calls, uses)
    loan.restore()
    prepare_layout(found, probe, pair.y.detach())
    check_vectorized(found, pair)
    return found


def _prove(
    found: Survey, alone: Recording, pair: Recording, triple: Recording, uses: AllUses | None
) -> dict[str, list[bool]]:
    """Whether each call of a layer has a row for each sample; if the samples are not told apart, `mixes` says why.

    Raises:
        LazyRegimeError: If a sample alone has another output or gradient than beside another one.
    """
    found.references = {r.trace.num_rows: r.trace for r in (alone, pair, triple)}
    shown, custom = escape(alone.trace), own_backward(pair.y)
    calls = dict[str, list[bool]]()
    if shown is not None:
        found.mixes = found.mixes or f"its path depends on the values of samples ({shown})"
    if custom is not None:
        found.mixes = found.mixes or f"the backward pass of {custom} is not known"
    try:
        proof = Proof(pair.trace, triple.trace, alone.trace, uses.asked if uses is not None else ())
        found.same_alone, calls, found.kinds = proof.same_alone, proof.layers, proof.kinds
    except Unproven as why:
        found.mixes = found.mixes or str(why)
    check_alike(pair.y[:1], alone.y, "evaluated alone")
    if found.mixes or not found.same_alone:
        with_another = slope(pair.y[:1], found.loan)
        found.loan.restore()
        check_alike(slope(evaluate(found.loan, alone.x), found.loan), with_another, "evaluated alone", "gradient")
    return {} if found.mixes else calls


def _find_layers(
    found: Survey,
    modules: list[tuple[str, nn.Module]],
    pair: Recording,
    calls: dict[str, list[bool]],
    uses: AllUses | None,
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
        trained: dict[str, str] = {}
        for key, full in own.items():
            leaf = id(loan.parameters[full])
            reason = _why_not(registered, module, key, found_calls, len(owners[full]), calls.get(name, []))
            if reason is None and inside.get(leaf) != total.get(leaf):
                reason = "also used outside its layer"
            if reason is None and leaf in total:
                trained[key] = full
                served.add(full)
            elif reason is not None:
                reasons[full] = reason
        if trained:
            readout = registered.jacobian is not None and _is_output(found_calls[0], y)
            jacobian = registered.jacobian(module) if readout and registered.jacobian else None
            call = found_calls[0]
            sizes = sum(value[0].numel() for value in call.inputs), math.prod(call.shape[1:])
            found.layers.append(Layer(name, module, registered, frozenset(trained), jacobian, *sizes, trained))
    drop_wrong(found, pair, served, reasons)
    if uses is not None and not found.mixes:
        by_module, wanted = found.layers, {n for n in loan.counted - served if id(loan.parameters[n]) in total}
        found.layers = by_operation(uses, found.kinds, pair, wanted, loan.parameters, reasons)
        served |= {full for layer in found.layers for full in layer.parameters.values()}
        drop_wrong(found, pair, served, reasons)
        found.layers = by_module + found.layers
    operations = {operation.op for layer in found.layers for operation in layer.operations}
    found.lookups = frozenset(uses.constants if uses is not None else ())
    found.kinds = {op: kinds for op, kinds in found.kinds.items() if op in operations}
    kept = {EXIT + layer.name for layer in found.layers}
    for trace in found.references.values():
        trace.entries[:] = [e for e in trace.entries if not str(e.op).startswith(EXIT) or e.op in kept]
    for name in sorted(loan.counted - served, key=list(loan.parameters).index):
        reason = reasons.get(name) or ("asked for" if uses is None else f"no rule for {_owner(loan, owners, name)}")
        if id(loan.parameters[name]) in total or found.mixes:
            found.fallback[name] = reason
        else:
            found.unused.append(name)


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


def check_function(model: nn.Module, x: Tensor) -> str:
    """Why it is not shown, on three of the samples, that a model treats them apart; nothing if it is shown.

    Raises:
        LazyRegimeError: If its output on a sample is no function of that sample.
    """
    with Loan(model) as loan:
        return survey(loan, three(x), "none").mixes


def three(x: Tensor) -> Tensor:
    """Three samples; the same ones again if there are fewer."""
    return x[:3].repeat(3, *[1] * (x.ndim - 1))[:3]
