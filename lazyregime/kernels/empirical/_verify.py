"""Every rule is compared with autograd on a few samples before it is used, and the samples with each other."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from lazyregime.errors import LazyRegimeError, is_out_of_memory
from lazyregime.kernels.empirical._checks import tolerance
from lazyregime.kernels.empirical._factors import allocate
from lazyregime.kernels.empirical._forms import Task, build, choose
from lazyregime.kernels.empirical._layers import Layer, Survey
from lazyregime.kernels.empirical._loan import Loan
from lazyregime.kernels.empirical._recording import Recording
from lazyregime.kernels.empirical._registry import LayerCall
from lazyregime.kernels.empirical._tape import one_by_one, vectorized

# Of gradients by parameters that are there at once, if more than one is.
_GROUP_BYTES = 16 << 20
# Numbers of a gradient of which one random combination stands for all.
_SKETCHED = 1024


def random_cotangent(y: Tensor) -> Tensor:
    """One direction in the space of outputs, always the same."""
    v = torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64, device="cpu")
    return v.to(y)


def gradients(y: Tensor, wanted: Sequence[Tensor], v: Tensor) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Each of the wanted with the gradient of v . y, dense; in a few backward passes, so that few are there at once."""
    group: list[Tensor] = []
    for index, leaf in enumerate(wanted):
        group.append(leaf)
        if index < len(wanted) - 1 and sum(w.nbytes for w in group) < _GROUP_BYTES:
            continue
        grads: list[Any] = [None] * len(group)
        if y.requires_grad:
            grads = [*_grad(y, group, v, retain_graph=True)]
        for position, w in enumerate(group):
            grad, grads[position] = grads[position], None
            yield w, grad.to_dense() if grad is not None and grad.is_sparse else grad
        group = []


def slope(y: Tensor, loan: Loan) -> Tensor:
    """The gradient of v . y by all parameters that count, for one random v; a thousand numbers are made one."""
    generator = torch.Generator().manual_seed(1)
    r = torch.randn(_SKETCHED, generator=generator, device="cpu")
    parts: list[Tensor] = []
    for w, grad in gradients(y, [loan.parameters[name] for name in sorted(loan.counted)], random_cotangent(y)):
        columns = min(_SKETCHED, w.numel())
        if grad is None:
            parts.append(torch.zeros(-(-w.numel() // max(columns, 1)), dtype=_wide(w), device=w.device))
        elif columns:
            flat = torch.nn.functional.pad(grad.flatten(), (0, -w.numel() % columns)).to(_wide(w))
            parts.append(flat.view(-1, columns) @ r[:columns].to(flat))
    return torch.cat(parts)


def gradient(y: Tensor, wanted: list[Tensor], v: Tensor, *, retain_graph: bool) -> Tensor:
    """The gradient of v . y, flat; zero where it does not depend."""
    grads: Any = [None] * len(wanted)
    if y.requires_grad:
        grads = _grad(y, wanted, v, retain_graph=retain_graph)
    dense = [
        torch.zeros_like(w) if g is None else (g.to_dense() if g.is_sparse else g)
        for g, w in zip(grads, wanted, strict=True)
    ]
    return torch.cat([g.flatten() for g in dense])


def _grad(y: Tensor, wanted: Sequence[Tensor], v: Tensor, *, retain_graph: bool) -> tuple[Tensor | None, ...]:
    try:
        return torch.autograd.grad(y, wanted, v, retain_graph=retain_graph, allow_unused=True)
    except RuntimeError as error:
        if is_out_of_memory(error):
            raise
        raise LazyRegimeError(
            f"the model's backward pass failed, so it has no gradients to compare: {str(error).splitlines()[0]}"
        ) from error


def drop_wrong(found: Survey, pair: Recording, served: set[str], reasons: dict[str, str]) -> None:
    """|sum_i v_i . df(x_i)/dw|^2 by each rule and by autograd, for one random v; a rule that disagrees is dropped."""
    if not found.layers:
        return
    y = pair.y
    v = random_cotangent(y)
    names = {id(p): name for name, p in found.loan.parameters.items()}
    wanted = [found.loan.parameters[full] for layer in found.layers for full in layer.parameters.values()]
    squares = {
        names[id(w)]: 0.0 if grad is None else torch.linalg.vector_norm(grad, dtype=_wide(grad)).item() ** 2
        for w, grad in gradients(y, wanted, v)
    }
    once = found.seen(pair)
    edges: list[Any] = [call.edge for call in once]
    grads = [*torch.autograd.grad(y, edges, v, allow_unused=True, retain_graph=True)]
    kept: list[Layer] = []
    for layer in found.layers:
        recorded = [
            LayerCall(call.inputs, call.rows(b, y)[:, None], layer.trained, 1)
            for call, b in zip(once[: layer.num_calls], grads[: layer.num_calls], strict=True)
        ]
        del once[: layer.num_calls], grads[: layer.num_calls]
        fulls = list(layer.parameters.values())
        problem = _disagreement(found, layer, recorded, y.shape[0], sum(squares[full] for full in fulls))
        if problem is None:
            kept.append(replace(layer, **_sizes(recorded)) if layer.operations else layer)
        else:
            served.difference_update(fulls)
            reasons.update(dict.fromkeys(fulls, problem))
    found.layers = kept


def check_vectorized(found: Survey, pair: Recording) -> None:
    """Three random cotangents at once against one after the other, since not every rule for batches is right."""
    edges: list[Any] = [call.edge for call in found.seen(pair)]
    if not edges or found.num_outputs < 2 or found.mixes:
        return
    directions = random_cotangent(pair.y.new_empty(3, *pair.y.shape)).unbind()
    at_once = vectorized(pair.y, edges, directions)
    found.vectorizes = at_once is not None and all(
        (a is None and b is None) or (a is not None and b is not None and _is_alike(a[output], b))
        for output, one in enumerate(one_by_one(pair.y, edges, direction) for direction in directions)
        for a, b in zip(at_once, one, strict=True)
    )


def _is_alike(a: Tensor, b: Tensor) -> bool:
    size = torch.linalg.vector_norm(b, dtype=_wide(b)).item()
    return torch.linalg.vector_norm(a - b, dtype=_wide(b)).item() <= tolerance(b.dtype) * size


def _sizes(recorded: Sequence[LayerCall]) -> dict[str, int]:
    """How many numbers a sample go in, and how many gradients come back."""
    num_in = sum(value[0].numel() for call in recorded for value in call.inputs)
    return {"num_in": num_in, "num_out": sum(call.b[0].numel() for call in recorded if call.b is not None)}


def _wide(x: Tensor) -> torch.dtype:
    return torch.float64 if x.dtype == torch.float64 else torch.float32


def _disagreement(found: Survey, layer: Layer, calls: Sequence[LayerCall], r: int, exact: float) -> str | None:
    if any(value.shape[:1] != (r,) for call in calls for value in call.inputs):
        return "its input has other than one row a sample (is the batch the first dimension?)"
    task = Task(r, r, 1, "trace", symmetric=False)
    out = allocate(r, r, 1, "trace", torch.float64, next(iter(found.loan.parameters.values())).device)
    factors = layer.factors(calls)
    found.samples[layer.name] = factors
    for factor in factors:
        for form in build(factor, choose(factor, task).form, 1):
            if any(tensor.shape[0] != r for tensor in form.tensors()):
                return "its rule returns other than one row a sample"
            form.add_to(form, out, "trace")  # pyright: ignore[reportArgumentType]
    allowed = tolerance(found.loan.parameters[next(iter(layer.parameters.values()))].dtype)
    if (out.sum() - exact).abs().item() > allowed * (out.abs().sum().item() + exact):
        return "its rule disagrees with autograd on these samples"
    return None
