"""d f_k(x) / d w for any parameter of any module: torch.func, one sample at a time under vmap, or plain autograd."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast, final

import torch
from torch import Tensor
from torch.func import functional_call

from lazyregime.kernels.empirical._factors import Gradients
from lazyregime.kernels.empirical._layers import Survey
from lazyregime.kernels.empirical._tape import flat_output


@final
@dataclass(frozen=True)
class Fallback:
    """The exact Jacobian (n, k, p) of the parameters without a rule."""

    found: Survey

    def gradients(self, x: Tensor) -> Gradients:
        """Per-sample gradients; memory peaks at about twice n k p numbers."""
        found = self.found
        pieces: list[Tensor] = []
        if found.fallback:
            pieces.append(self.vmapped(x))
        if found.looped:
            pieces.append(self._looped(x, [found.leaves[name] for name in found.looped], found.forward))
        if found.plain:
            parameters = dict(found.model.named_parameters())
            pieces.append(self._looped(x, [parameters[name] for name in found.plain], found.model))
        return Gradients(tuple(pieces), (1.0,) * len(pieces))

    def vmapped(self, x: Tensor) -> Tensor:
        """By torch.func, one sample at a time under vmap."""
        leaves = {name: leaf.detach() for name, leaf in self.found.leaves.items()}
        moving = {name: leaves.pop(name) for name in self.found.fallback}

        def f(w: dict[str, Tensor], sample: Tensor) -> Tensor:
            y = functional_call(self.found.model, (leaves, w), (sample[None],))
            return flat_output(y, 1)[0]

        def jacobian(sample: Tensor) -> Tensor:
            def g(w: dict[str, Tensor]) -> Tensor:
                return f(w, sample)

            # One output at a time: vmap within vmap meets batching rules that are wrong (prelu's in torch 2.13).
            jac = cast(dict[str, Tensor], torch.func.jacrev(g, chunk_size=1)(moving))
            return torch.cat([jac[name].reshape(self.found.num_outputs, -1) for name in self.found.fallback], 1)

        with torch.autocast(x.device.type, enabled=False):
            return cast(Tensor, cast(Any, torch.func.vmap)(jacobian)(x))

    def _looped(self, x: Tensor, wanted: list[Tensor], forward: Callable[[Tensor], Tensor]) -> Tensor:
        k = self.found.num_outputs
        rows: list[Tensor] = []
        with torch.enable_grad(), torch.autocast(x.device.type, enabled=False):
            for sample in x.split(1):
                y = flat_output(forward(sample), 1)[0]
                rows += [gradient(y[index], wanted, retain_graph=index < k - 1) for index in range(k)]
        return torch.stack(rows).view(x.shape[0], k, -1)


def gradient(y: Tensor, wanted: list[Tensor], *, retain_graph: bool = False) -> Tensor:
    """The gradient of a scalar, flat; zero where it does not depend."""
    grads = torch.autograd.grad(y, wanted, retain_graph=retain_graph, allow_unused=True)
    dense = [
        torch.zeros_like(w) if g is None else (g.to_dense() if g.is_sparse else g)
        for g, w in zip(grads, wanted, strict=True)
    ]
    return torch.cat([g.flatten() for g in dense])


def make_fallback(found: Survey, probe: Tensor) -> Fallback | None:
    """The fallback of a survey's remaining parameters, or None when every layer has a rule."""
    if not (found.fallback or found.looped or found.plain):
        return None
    fallback = Fallback(found)
    if found.fallback and not _works(fallback, probe):
        found.looped |= {name: f"{why}; the model cannot be vmapped" for name, why in found.fallback.items()}
        found.fallback.clear()
    return fallback


def _works(fallback: Fallback, probe: Tensor) -> bool:
    """Whether vmap accepts the model, and gives what autograd gives for a random combination of samples and outputs."""
    try:
        mapped = fallback.vmapped(probe)
    except (RuntimeError, NotImplementedError, ValueError):
        # functorch's ways of saying that it has no batching rule, or that control flow depends on data.
        return False
    found = fallback.found
    with torch.enable_grad():
        y = found.forward(probe)
    v = torch.randn(y.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(y)
    exact = gradient((y * v).sum(), [found.leaves[name] for name in found.fallback])
    tolerance = 1e-6 if exact.dtype == torch.float64 else 1e-2
    combined = torch.einsum("nk,nkp->p", v, mapped)
    return not (exact - combined).norm().item() > tolerance * exact.norm().item()
