"""Every rule is compared with autograd on a few samples before it is used, and the samples with each other."""

from typing import Any

import torch
from torch import Tensor, nn

from lazyregime.kernels.empirical._checks import check_independent
from lazyregime.kernels.empirical._factors import allocate
from lazyregime.kernels.empirical._forms import Task, build, choose
from lazyregime.kernels.empirical._layers import Layer, Survey
from lazyregime.kernels.empirical._registry import LayerCall
from lazyregime.kernels.empirical._tape import Seen


def check_samples(found: Survey, y: Tensor, probe: Tensor) -> None:
    """Refuse a model whose output on a sample depends on the others."""
    with torch.no_grad():
        check_independent(y[-1:], found.forward(probe[-1:]))


def drop_wrong(
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
