"""d f_k(x_i) / d w for any parameter of any module: by torch.func, one sample at a time under vmap, or by autograd."""

from dataclasses import dataclass
from typing import Any, cast, final

import torch
from torch import Tensor

from lazyregime.errors import is_out_of_memory
from lazyregime.kernels.empirical._checks import check_alike, tolerance
from lazyregime.kernels.empirical._factors import Gradients
from lazyregime.kernels.empirical._layers import Survey
from lazyregime.kernels.empirical._recording import evaluate, flat_output
from lazyregime.kernels.empirical._tape import without_batching_warnings
from lazyregime.kernels.empirical._verify import gradient, random_cotangent


@final
@dataclass(frozen=True)
class Fallback:
    """The exact Jacobian (n, k, p) of the parameters without a rule: each sample is evaluated alone."""

    found: Survey

    def gradients(self, x: Tensor) -> Gradients:
        """Per-sample gradients; memory peaks at about twice n k p numbers.

        Raises:
            LazyRegimeError: If the model may mix samples, and gives one of these another output alone than here.
        """
        try:
            pieces = [run(x) for run, names in self._ways() if names]
        finally:
            self.found.loan.restore()
        if self.found.mixes:
            self._check(x, [values for values, _ in pieces], [jacobian for _, jacobian in pieces])
        return Gradients(tuple(jacobian for _, jacobian in pieces), (1.0,) * len(pieces))

    def _ways(self) -> list[tuple[Any, dict[str, str]]]:
        return [(self.vmapped, self.found.fallback), (self._looped, self.found.looped)]

    def vmapped(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs and Jacobian by torch.func, one sample at a time under vmap."""
        loan, k = self.found.loan, self.found.num_outputs
        moving = {name: loan.parameters[name].detach() for name in self.found.fallback}
        fixed = {name: p.detach() for name, p in loan.parameters.items() if name not in moving}

        def f(w: dict[str, Tensor], sample: Tensor) -> tuple[Tensor, Tensor]:
            with loan.with_parameters(fixed | w):
                y = flat_output(loan.model(sample[None]), 1)[0]
            return y, y

        def jacobian(sample: Tensor) -> tuple[Tensor, Tensor]:
            # One output at a time: vmap within vmap meets batching rules that are wrong (prelu's in torch 2.13).
            rows = torch.func.jacrev(lambda w: f(w, sample), has_aux=True, chunk_size=1)
            jac, y = cast(tuple[dict[str, Tensor], Tensor], rows(moving))
            return y, torch.cat([jac[name].reshape(k, -1) for name in self.found.fallback], 1)

        with loan.guarded(), without_batching_warnings():
            return cast(tuple[Tensor, Tensor], cast(Any, torch.func.vmap)(jacobian)(x.clone()))

    def _looped(self, x: Tensor) -> tuple[Tensor, Tensor]:
        k = self.found.num_outputs
        wanted: list[Tensor] = [self.found.loan.parameters[name] for name in self.found.looped]
        values: list[Tensor] = []
        rows: list[Tensor] = []
        for sample in x.split(1):
            y = evaluate(self.found.loan, sample)
            values.append(y.detach()[0])
            basis = torch.eye(k, dtype=y.dtype, device=y.device)[:, None]
            rows += [gradient(y, wanted, v, retain_graph=index < k - 1) for index, v in enumerate(basis)]
            self.found.loan.restore()
        return torch.stack(values), torch.stack(rows).view(x.shape[0], k, -1)

    def _check(self, x: Tensor, values: list[Tensor], jacobians: list[Tensor]) -> None:
        """Each sample alone against the batch: outputs, and the gradient of a random combination of them."""
        loan = self.found.loan
        try:
            y = evaluate(loan, x)
            sizes = values[0].abs().amax(0)  # so that a small output counts as much as a large one
            v = random_cotangent(y) / torch.where(sizes > 0, sizes, 1)
            names = [*self.found.fallback, *self.found.looped]
            together = gradient(y, [loan.parameters[name] for name in names], v, retain_graph=False)
        finally:
            loan.restore()
        check_alike(y, values[0], f"evaluated alone ({self.found.mixes})")
        alone = torch.cat([torch.einsum("nk,nkp->p", v, jacobian) for jacobian in jacobians])
        check_alike(together, alone, f"evaluated alone ({self.found.mixes})", "gradient")


def make_fallback(found: Survey, probe: Tensor) -> Fallback | None:
    """The fallback of a survey's remaining parameters, or None when every layer has a rule."""
    if not found.fallback:
        return None
    fallback = Fallback(found)
    if not _works(fallback, probe[:1]):
        found.looped |= {name: f"{why}; the model cannot be vmapped" for name, why in found.fallback.items()}
        found.fallback.clear()
    return fallback


def _works(fallback: Fallback, probe: Tensor) -> bool:
    """Whether vmap accepts the model, and gives what autograd gives for a random combination of outputs."""
    found = fallback.found
    try:
        values, mapped = fallback.vmapped(probe)
    except Exception as error:
        # functorch has many ways to say that it has no batching rule, or that control flow depends on data.
        if is_out_of_memory(error):
            raise
        return False
    finally:
        found.loan.restore()
    wanted: list[Tensor] = [found.loan.parameters[name] for name in found.fallback]
    exact = torch.zeros_like(mapped[0, 0])
    v = random_cotangent(values)
    for sample, weights in zip(probe.split(1), v, strict=True):
        y = evaluate(found.loan, sample)
        exact += gradient(y, wanted, weights[None], retain_graph=False)
        found.loan.restore()
    allowed = 10 * tolerance(exact.dtype)
    combined = torch.einsum("nk,nkp->p", v, mapped)
    return not (exact - combined).norm().item() > allowed * exact.norm().item()
