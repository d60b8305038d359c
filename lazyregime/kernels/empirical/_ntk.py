"""Theta(x, x')_kk' = <df_k(x)/dw, df_k'(x')/dw>: the empirical neural tangent kernel of any module [JGH18]."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, final

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from lazyregime.errors import LazyRegimeError
from lazyregime.kernels.empirical._alike import key_of
from lazyregime.kernels.empirical._chain import chain_ntk, small_chain
from lazyregime.kernels.empirical._checks import check_finite, check_inputs, check_model
from lazyregime.kernels.empirical._engine import Engine, Progress
from lazyregime.kernels.empirical._factors import Outputs
from lazyregime.kernels.empirical._fallback import make_fallback
from lazyregime.kernels.empirical._forms import Task
from lazyregime.kernels.empirical._layers import Stale, Survey
from lazyregime.kernels.empirical._loan import Loan
from lazyregime.kernels.empirical._memory import default_budget
from lazyregime.kernels.empirical._parts import chosen, network_of
from lazyregime.kernels.empirical._plan import make_plan
from lazyregime.kernels.empirical._precision import Precision, check_precision
from lazyregime.kernels.empirical._remembered import recall, remember
from lazyregime.kernels.empirical._survey import Rules, survey, three
from lazyregime.kernels.empirical.proof import Unproven
from lazyregime.networks import Linearized


def empirical_ntk(
    model: nn.Module,
    x1: Shaped[Tensor, "n *d"],
    x2: Shaped[Tensor, "m *d"] | None = None,
    *,
    outputs: Outputs = "trace",
    memory_budget: int | None = None,
    progress: Progress | None = None,
    accumulate: torch.dtype | None = None,
    precision: Precision = "full",
    rules: Rules = "auto",
    params: Collection[str] | None = None,
) -> Shaped[Tensor, "n m *k"]:
    r"""The exact kernel $\langle \nabla_w f_k(x), \nabla_w f_{k'}(x') \rangle$ of a module, without its Jacobian.

    Layers with a rule cost two matrix products (see `explain` and `register_rule`); everything else goes through an
    exact fallback. Only parameters with `requires_grad` count. A `Linearized` model is J(w0) delta, so its kernel is
    that of its `.network` at w0 and does not depend on delta; it is computed from there. Computed in the model's dtype.

    Time: about one forward pass and one backward pass an output over x1 and x2, and 2 n m (a + k b) operations a layer
    of a inputs and b outputs.
    Memory peaks at `memory_budget`, the kernel included.

    Args:
        model: Any module; in eval mode if it has dropout or BatchNorm.
        x1: Inputs, samples first.
        x2: Other inputs; without them the kernel of x1 with itself, of which one triangle is computed.
        outputs: "trace" (n, m), the sum over outputs; "full" (n, m, k, k); "diagonal" (n, m, k), each its own.
        memory_budget: Bytes; by default a part of what is free.
        progress: Called with (pairs done, pairs in all).
        accumulate: torch.float64 to add the terms of layers and chunks in double precision, which is then the result's.
        precision: "full"; on request "tf32" (products on a GPU, errors about 1e-3) or "bf16" (the layers' factors are
            rounded to bfloat16 and take half the memory, the passes stay in float32; errors about 3e-3).
        rules: "none" sends every parameter through the fallback.
        params: Names of the parameters that count, or of modules, which stand for all of theirs, frozen or not; without
            them all that require a gradient. `empirical_ntk_layers` gives the kernel of each layer.

    Raises:
        LazyRegimeError: If the model is random, depends on the batch, is complex, or needs more than the budget.

    Example:
        >>> layer = torch.nn.Linear(2, 1)
        >>> empirical_ntk(layer, torch.tensor([[1.0, 2.0]]))            # |x|^2 + 1
        tensor([[6.]])
    """
    request = Request(model, x1, x2, outputs, memory_budget, accumulate, rules, precision, params)
    return public_layout(request.compute(progress), outputs)


def public_layout(theta: Tensor, outputs: Outputs) -> Tensor:
    """From the accumulator's layout to (n, m), (n, m, k) or (n, m, k, k), as a view."""
    if outputs == "trace":
        return theta
    return theta.permute(1, 2, 0) if outputs == "diagonal" else theta.permute(0, 2, 1, 3)


def clean(x: Tensor) -> Tensor:
    """The inputs without history."""
    return x.detach().clone() if x.is_inference() else x.detach()


@final
@dataclass(frozen=True)
class Request:
    """The arguments of `empirical_ntk`, checked.

    Raises:
        LazyRegimeError: Saying what is wrong with them.
    """

    model: nn.Module
    x1: Tensor
    x2: Tensor | None
    outputs: Outputs
    memory_budget: int | None
    accumulate: torch.dtype | None
    rules: Rules
    precision: Precision = "full"
    params: Collection[str] | None = None

    def __post_init__(self) -> None:
        check_options(
            outputs=self.outputs, memory_budget=self.memory_budget, accumulate=self.accumulate, rules=self.rules
        )
        check_model(self.model)
        parameters = dict(self.model.named_parameters())
        check_inputs(self.x1, self.x2, parameters)
        if self.params is not None:
            chosen(self._network()[0], self.params)
        elif type(self.model) is not Linearized and not any(p.requires_grad for p in parameters.values()):
            raise LazyRegimeError(
                "the model has no parameter with requires_grad, so its tangent kernel is zero; set "
                "requires_grad_(True) on those that count."
            )

    def compute(self, progress: Progress | None) -> Tensor:
        """The kernel in the layout of `allocate`; by the fallback if the samples are not shown to be treated apart."""
        theta = self._small(progress)
        if theta is None:
            try:
                theta = self._compute(progress)
            except Unproven as why:
                theta = self._compute(progress, str(why))
        check_finite(theta, self.x1, self.x2)
        return theta

    def _small(self, progress: Progress | None) -> Tensor | None:
        """The kernel of a small chain of dense layers, for which nothing has to be proven call by call."""
        chain = self.small_chain()
        theta = None if chain is None else chain_ntk(chain, self.x1, self.x2)
        if theta is not None and progress is not None:
            pairs = theta.numel() if self.x2 is not None else len(theta) * (len(theta) + 1) // 2
            progress(pairs, pairs)
        return theta

    def small_chain(self) -> list[nn.Module] | None:
        """Its modules, if the model is one and no more is asked than `chain_ntk` gives."""
        asked = self.outputs, self.rules, self.precision, self.params
        if asked != ("trace", "auto", "full", None) or self.accumulate not in (None, self.x1.dtype):
            return None
        return small_chain(self.model, self.x1, self.x2, self.memory_budget)

    def _compute(self, progress: Progress | None, mixes: str = "") -> Tensor:
        with self.loan() as loan:
            key = None if mixes else key_of(loan, self.x1, self.rules)
            found = recall(loan, key)
            if found is not None:
                try:
                    theta = self._run(found, progress)
                    if not loan.random.moved():
                        remember(found, key)
                        return theta
                except Stale:
                    pass
                loan.restore()
            found = self._survey(loan, mixes)
            theta = self._run(found, progress)
            remember(found, key)
            return theta

    def loan(self) -> Loan:
        """The network whose parameters count: of a `Linearized` model, that at w0."""
        network, everything = self._network()
        return Loan(network, everything, None if self.params is None else chosen(network, self.params))

    def _network(self) -> tuple[nn.Module, bool]:
        return network_of(self.model) if self.rules == "auto" else (self.model, False)

    def prepare(self, loan: Loan, progress: Progress | None = None, mixes: str = "") -> Engine:
        """Survey the model and plan the work."""
        return self._plan(self._survey(loan, mixes), progress)

    def _run(self, found: Survey, progress: Progress | None) -> Tensor:
        x2 = None if self.x2 is None else clean(self.x2)
        return self._plan(found, progress).run(clean(self.x1), x2, self.accumulate or found.dtype)

    def _probe(self) -> Tensor:
        x1, x2 = clean(self.x1), None if self.x2 is None else clean(self.x2)
        return three(x1 if x2 is None or len(x1) > 2 else torch.cat([x1, x2[:2]]))

    def _survey(self, loan: Loan, mixes: str) -> Survey:
        return survey(loan, self._probe(), self.rules, mixes)

    def _plan(self, found: Survey, progress: Progress | None) -> Engine:
        x1, x2 = self.x1, self.x2
        found.trace = self.outputs == "trace"
        fallback = make_fallback(found, self._probe()) if found.fallback else None
        task = Task(x1.shape[0], (x1 if x2 is None else x2).shape[0], found.num_outputs, self.outputs, x2 is None)
        check_precision(self.precision, found.dtype)
        budget = default_budget(x1.device) if self.memory_budget is None else self.memory_budget
        plan = make_plan(found, task, budget, found.dtype.itemsize, (self.accumulate or found.dtype).itemsize)
        return Engine(found, fallback, plan, progress, self.precision)


def check_options(*, outputs: Any, memory_budget: Any, accumulate: Any, rules: Any) -> None:
    """Refuse what is no option.

    Raises:
        LazyRegimeError: Saying what is.
    """
    if outputs not in ("trace", "full", "diagonal"):
        raise LazyRegimeError(f"outputs is {outputs!r}; it must be 'trace', 'full' or 'diagonal'.")
    if rules not in ("auto", "none"):
        raise LazyRegimeError(
            f"rules is {rules!r}; it must be 'auto' or 'none' (everything through the exact fallback)."
        )
    if memory_budget is not None and (not isinstance(memory_budget, int) or memory_budget <= 0):
        raise LazyRegimeError(
            f"memory_budget is {memory_budget!r}; it must be a positive number of bytes, e.g. 2 * 2**30."
        )
    if accumulate not in (None, torch.float32, torch.float64):
        raise LazyRegimeError(f"accumulate is {accumulate!r}; it must be torch.float64, torch.float32 or None.")
