r"""J v of a batch of a borrowed network, in the first of three ways that is right for it: <c, J v> = <J^T c, v>.

    forward     forward mode, one pass
    double      d/du <J^T u, v>, the derivative of a backward pass by its cotangent; two backward passes
    rows        <grad f_k(x_i), v>, a backward pass for each sample and output

Forward mode knows nothing of the fused attention kernels, so attention is computed by its formula here.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.autograd import forward_ad

from lazyregime.errors import LazyRegimeError, is_out_of_memory
from lazyregime.kernels.empirical._checks import tolerance
from lazyregime.kernels.empirical._loan import Loan
from lazyregime.kernels.empirical._recording import evaluate
from lazyregime.networks.plain_attention import plain_attention

Tangent = dict[str, Tensor]


def counted(loan: Loan) -> list[str]:
    """The names of the parameters that count, in order."""
    return [name for name in loan.parameters if name in loan.counted]


def vjp(loan: Loan, x: Tensor, c: Tensor) -> tuple[Tensor | None, ...]:
    """J(x)^T c for each parameter that counts, dense; None where the outputs do not depend on it."""
    y = evaluate(loan, x)
    wanted = [loan.parameters[name] for name in counted(loan)]
    gradients = torch.autograd.grad(y, wanted, c.to(y), allow_unused=True)
    loan.restore()
    return tuple(g if g is None or not g.is_sparse else g.to_dense() for g in gradients)


def jvp(way: str, loan: Loan, x: Tensor, v: Tangent) -> Tensor:
    """J(x) v, (n, k), in one of the ways."""
    with plain_attention():
        y = _WAYS[way](loan, x, v)
    loan.restore()
    return y.detach()


def find_way(loan: Loan, batches: Sequence[Tensor]) -> str:
    """The first way that is right on these batches.

    Raises:
        LazyRegimeError: If none is.
    """
    generator = torch.Generator().manual_seed(0)

    def draw(like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=generator, dtype=torch.float64).to(like)

    v = {name: draw(loan.parameters[name].detach()) for name in counted(loan)}
    for way in _WAYS:
        if all(_is_right(way, loan, x, v, draw) for x in batches):
            return way
    raise LazyRegimeError(
        "the model's backward pass is not linear in the gradients that it is given (a hook or a backward pass of its "
        "own changes them), so its outputs have no Jacobian to multiply with; remove what changes them."
    )


def _is_right(way: str, loan: Loan, x: Tensor, v: Tangent, draw: Callable[[Tensor], Tensor]) -> bool:
    try:
        pushed = jvp(way, loan, x, v).double()
    except Exception as error:
        loan.restore()
        # there are many ways to say that there is no forward mode, or no derivative of a backward pass
        if is_out_of_memory(error):
            raise
        return False
    c = draw(pushed)
    pulled = dict(zip(v, vjp(loan, x, c), strict=True))
    terms = [(g.double() * v[name].double()).sum() for name, g in pulled.items() if g is not None]
    found, expected = float((c * pushed).sum()), float(sum(terms, start=torch.zeros(())))
    size = float(c.norm() * pushed.norm()) + sum(float(t.abs()) for t in terms)
    return abs(found - expected) <= tolerance(next(iter(v.values())).dtype) * size


def _forward(loan: Loan, x: Tensor, v: Tangent) -> Tensor:
    with forward_ad.dual_level():
        duals = {name: forward_ad.make_dual(loan.parameters[name].detach(), v[name]) for name in v}
        with loan.with_parameters(duals):
            y = evaluate(loan, x)
        tangent = forward_ad.unpack_dual(y).tangent
        return torch.zeros_like(y) if tangent is None else tangent


def _double(loan: Loan, x: Tensor, v: Tangent) -> Tensor:
    y = evaluate(loan, x)
    u = torch.zeros_like(y, requires_grad=True)
    wanted = [loan.parameters[name] for name in v]
    gradients = torch.autograd.grad(y, wanted, u, create_graph=True, allow_unused=True)
    used = [(g, w) for g, w in zip(gradients, v.values(), strict=True) if g is not None and g.requires_grad]
    if not used:
        return torch.zeros_like(y)
    (pushed,) = torch.autograd.grad([g for g, _ in used], u, [w for _, w in used], allow_unused=True)
    return torch.zeros_like(y) if pushed is None else pushed


def _rows(loan: Loan, x: Tensor, v: Tangent) -> Tensor:
    wanted = [loan.parameters[name] for name in v]
    rows: list[Tensor] = []
    for sample in x.split(1):
        y = evaluate(loan, sample)
        for index in range(y.shape[1]):
            gradients = torch.autograd.grad(y[0, index], wanted, retain_graph=True, allow_unused=True)
            used = [(g, w) for g, w in zip(gradients, v.values(), strict=True) if g is not None]
            rows.append(sum(((g * w).sum() for g, w in used), start=y.new_zeros(())))
        loan.restore()
    return torch.stack(rows).view(len(x), -1)


_WAYS: Mapping[str, Callable[[Loan, Tensor, Tangent], Tensor]] = {"forward": _forward, "double": _double, "rows": _rows}
