"""J(x) v and J(x)^T c of a borrowed network; each sample alone where they are not shown to be treated apart."""

from collections.abc import Callable, Collection
from typing import final

import torch
from jaxtyping import Float
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels._ways import Tangent, counted, find_way, jvp, vjp
from lazyregime.kernels.empirical._checks import check_alike
from lazyregime.kernels.empirical._loan import Loan
from lazyregime.kernels.empirical._recording import evaluate, record
from lazyregime.kernels.empirical._survey import survey, three
from lazyregime.kernels.empirical._verify import gradients, random_cotangent
from lazyregime.kernels.empirical.proof import Unproven

Progress = Callable[[int, int], None]

_CHUNK_BYTES = 32 << 20  # of activations: measured on two cores, larger chunks leave the cache
_COPIES = 4  # of the activations in a jvp or vjp: primal, tangent and what is on its way
_COMPARED = 64  # samples that are evaluated in a batch and alone, where it is not shown that this is the same


@final
class Derivatives:
    """The products with one network's Jacobian, at its present parameters.

    Args:
        network: Any module that `empirical_ntk` takes.
        everything: Whether frozen parameters count too.
        x: Samples; looked at are three of them.
        memory_budget: Bytes for a chunk.
        only: The names of the parameters that count, frozen or not; without them those that require a gradient.

    Attributes:
        num_outputs: k.
        mixes: Why samples are not shown to be treated apart, if they are not; then each is evaluated alone.
        way: How J v is computed (see `_ways`).

    Raises:
        LazyRegimeError: For what `empirical_ntk` refuses, and for a backward pass that is not linear.
    """

    def __init__(
        self,
        network: nn.Module,
        everything: bool,
        x: Tensor,
        memory_budget: int,
        only: Collection[str] | None = None,
    ) -> None:
        self._network, self._everything, self._only = network, everything, only
        probe = three(x)
        with self._loan() as loan:
            if not loan.counted:
                raise LazyRegimeError(
                    "the model has no parameter with requires_grad, so its tangent kernel is zero; set "
                    "requires_grad_(True) on those that count."
                )
            found = survey(loan, probe, "none")
            self.num_outputs, self.mixes = found.num_outputs, found.mixes
            fitting = min(memory_budget, _COPIES * _CHUNK_BYTES) // (_COPIES * max(1, found.activation_bytes))
            self._chunk = 1 if found.mixes else max(1, fitting)
            self.way = find_way(loan, probe.split(1) if found.mixes else (probe,))
        self._found, self._compared = found, set[int]()

    def pull(self, x: Tensor, c: Float[Tensor, "n k"]) -> Tangent:
        """J(x)^T c, by parameter name."""
        with self._loan() as loan:
            self._show(loan, x)
            names = counted(loan)
            totals = {
                name: torch.zeros_like(loan.parameters[name], dtype=_sums(loan.parameters[name])) for name in names
            }
            for xs, cs in zip(x.split(self._chunk), c.split(self._chunk), strict=True):
                for name, gradient in zip(names, vjp(loan, xs, cs), strict=True):
                    if gradient is not None:
                        totals[name] += gradient
            return totals

    def push(self, x: Tensor, direction: Tangent, progress: Progress | None = None) -> Float[Tensor, "n k"]:
        """J(x) v in float64."""
        scale = max(1.0, *(float(v.abs().max()) for v in direction.values()))  # half precision overflows early
        with self._loan() as loan:
            self._show(loan, x)
            v = {name: (direction[name] / scale).to(loan.parameters[name]) for name in counted(loan)}
            parts: list[Tensor] = []
            for xs in x.split(self._chunk):
                parts.append(jvp(self.way, loan, xs, v).double() * scale)
                if progress is not None:
                    progress(sum(map(len, parts)), len(x))
        return torch.cat(parts)

    def _loan(self) -> Loan:
        return Loan(self._network, self._everything, self._only)

    def _show(self, loan: Loan, x: Tensor) -> None:
        """That batches of these sizes are treated as the few were; what is done depends on nothing but their number.

        Raises:
            LazyRegimeError: If it is not shown, and a sample has another output or gradient alone than in a batch.
        """
        for n in {len(x) % self._chunk, min(len(x), self._chunk)} - {0} if not self.mixes else ():
            try:
                self._found.check(record(loan, [], x[:n]).trace)
            except Unproven as why:
                self.mixes, self._chunk = str(why), 1
            finally:
                loan.restore()
        if self.mixes and len(x) not in self._compared:
            self._compare(loan, x[:_COMPARED])
            self._compared.add(len(x))

    def _compare(self, loan: Loan, x: Tensor) -> None:
        v = random_cotangent(evaluate(loan, x[:1]).expand(len(x), -1))
        loan.restore()
        y, together = _differentiated(loan, x, v)
        values: list[Tensor] = []
        total = torch.zeros_like(together)
        for xs, vs in zip(x.split(1), v.split(1), strict=True):
            value, gradient = _differentiated(loan, xs, vs)
            values.append(value)
            total += gradient
        check_alike(y, torch.cat(values), f"evaluated alone ({self.mixes})")
        check_alike(together, total, f"evaluated alone ({self.mixes})", "gradient")


def _differentiated(loan: Loan, x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """The outputs, and the gradient of v . y."""
    y = evaluate(loan, x)
    found = gradients(y, [loan.parameters[name] for name in counted(loan)], v)
    flat = torch.cat([(torch.zeros_like(w) if g is None else g).flatten() for w, g in found])
    loan.restore()
    return y.detach(), flat


def _sums(parameter: Tensor) -> torch.dtype:
    """In which gradients of many samples are added."""
    return torch.promote_types(parameter.dtype, torch.float32)
