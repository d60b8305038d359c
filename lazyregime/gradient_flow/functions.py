"""What flows: networks (centred, linearized or neither) and frozen kernels, behind one interface.

A network flows along -rate grad l / alpha^2. With a frozen kernel h = K a, the same flow in function space is
da/dt = -dl/dh / alpha^2, and the product of two of its gradients is b^T K b': so a kernel run takes the very steps of
the linearized network whose kernel it is.
"""

from collections.abc import Sequence
from typing import Any, cast, final

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from lazyregime.gradient_flow._stacked import StackedForward, stacked_forward
from lazyregime.gradient_flow.grouping import members_at_once
from lazyregime.gradient_flow.problem import FlowFunction, Pullback, decayed
from lazyregime.gradient_flow.state import Params


@final
class NetworkFunction(FlowFunction):
    """H = f(x; w), f(x; w) - f(x; w0), or J(w0) (w - w0), for members of one architecture.

    Args:
        network: The architecture; its own weights are not used.
        inputs: Training points, (n, ...).
        initial: w0, a tensor (E, ...) a parameter.
        own_inputs: Each member has its own points: `inputs` is (E, n, ...).
        rates: The learning-rate multiplier of each parameter.
        centred: Subtract f(x; w0).
        linearized: The tangent model; the parameters of the flow are then w - w0.
        decay: mu of dw/dt = .. - mu w; None is none.
        at_once: Members in one batched evaluation; None lets the measured rule choose.
    """

    def __init__(
        self,
        network: nn.Module,
        inputs: Shaped[Tensor, "..."],
        initial: Params,
        *,
        own_inputs: bool = False,
        rates: Sequence[float] | None = None,
        centred: bool = False,
        linearized: bool = False,
        decay: float | None = None,
        at_once: int | None = None,
    ) -> None:
        self.network, self.initial = network, [w.detach() for w in initial]
        self.rates = [1.0] * len(initial) if rates is None else list(rates)
        self.centred, self.linearized, self.decay = centred, linearized, decay
        self.forward: StackedForward = stacked_forward(network)
        self.inputs, self.shared = self.forward.prepare(inputs, not own_inputs), not own_inputs
        members = len(initial[0])
        self.at_once = at_once or members_at_once(network, inputs, members, shared=self.shared)
        self._f0: Tensor | None = None
        self._tangents: list[tuple[slice, Pullback]] = []
        if linearized:
            self._tangents = [(part, self._tangent(part)) for part in self._parts()]
        elif centred:
            with torch.no_grad():
                self._f0 = torch.cat([self._evaluate(self.initial, part) for part in self._parts()])

    def __call__(self, params: Params) -> tuple[Float[Tensor, "e n k"], Pullback]:  # noqa: D102
        if self.linearized:
            return self._linear(params)
        parts = self._parts()
        weights = [[p[part].detach().requires_grad_() for p in params] for part in parts]
        with torch.enable_grad():
            outputs = [self._evaluate(w, part, sliced=True) for w, part in zip(weights, parts, strict=True)]

        def pullback(cotangent: Tensor) -> Params:
            pieces = [
                torch.autograd.grad(h, w, cotangent[part])
                for h, w, part in zip(outputs, weights, parts, strict=True)
            ]  # fmt: skip
            return decayed(_joined(pieces), params, self.rates, self.decay)

        h = torch.cat([o.detach() for o in outputs]) if len(parts) > 1 else outputs[0].detach()
        return (h if self._f0 is None else h - self._f0), pullback

    def inner(self, a: Params, b: Params) -> Float[Tensor, " e"]:  # noqa: D102
        products = [
            rate * torch.linalg.vecdot(x.flatten(1), y.flatten(1)) for rate, x, y in zip(self.rates, a, b, strict=True)
        ]
        return torch.stack(products).sum(0)

    def displacement(self, direction: Params) -> Params:  # noqa: D102
        return [d if rate == 1 else rate * d for rate, d in zip(self.rates, direction, strict=True)]

    def select(self, members: Int[Tensor, " m"]) -> "NetworkFunction":  # noqa: D102
        return NetworkFunction(
            self.network,
            self.inputs if self.shared else self.inputs[members],
            [w.index_select(0, members) for w in self.initial],
            own_inputs=not self.shared,
            rates=self.rates,
            centred=self.centred,
            linearized=self.linearized,
            decay=self.decay,
            at_once=self.at_once,
        )

    def _parts(self) -> list[slice]:
        members = len(self.initial[0])
        return [slice(i, min(i + self.at_once, members)) for i in range(0, members, self.at_once)]

    def _evaluate(self, params: Params, part: slice, *, sliced: bool = False) -> Tensor:
        weights = params if sliced else [p[part] for p in params]
        return self.forward(weights, self.inputs if self.shared else self.inputs[part], self.shared)

    def _tangent(self, part: slice) -> Pullback:
        """J(w0)^T of some members: the graph at w0 is built once and kept."""
        weights = [w[part].detach().requires_grad_() for w in self.initial]
        with torch.enable_grad():
            outputs = self._evaluate(weights, part, sliced=True)
        return lambda cotangent: list(torch.autograd.grad(outputs, weights, cotangent, retain_graph=True))

    def _linear(self, params: Params) -> tuple[Tensor, Pullback]:
        outputs = []
        for part in self._parts():
            w0, delta = [w[part] for w in self.initial], [p[part].detach() for p in params]
            outputs.append(_jvp(lambda *ws, part=part: self._evaluate(list(ws), part, sliced=True), w0, delta))

        def pullback(cotangent: Tensor) -> Params:
            grads = _joined([tangent(cotangent[part]) for part, tangent in self._tangents])
            weights = [w + delta for w, delta in zip(self.initial, params, strict=True)]
            return decayed(grads, weights, self.rates, self.decay)

        return torch.cat(outputs), pullback


@final
class KernelFunction(FlowFunction):
    """H = K a with a frozen kernel of the training points: (E, n, n) for kernels that outputs share.

    Args:
        gram: K of each member.
    """

    def __init__(self, gram: Float[Tensor, "e n n"]) -> None:
        self.gram = gram

    def start(self, n_outputs: int) -> Params:
        """The dual coefficients of h = 0."""
        return [self.gram.new_zeros(*self.gram.shape[:2], n_outputs)]

    def __call__(self, params: Params) -> tuple[Float[Tensor, "e n k"], Pullback]:  # noqa: D102
        return self.gram @ params[0], lambda cotangent: [cotangent]

    def inner(self, a: Params, b: Params) -> Float[Tensor, " e"]:  # noqa: D102
        return (a[0] * (self.gram @ b[0])).flatten(1).sum(1)

    def displacement(self, direction: Params) -> Params:  # noqa: D102
        return direction

    def select(self, members: Int[Tensor, " m"]) -> "KernelFunction":  # noqa: D102
        return KernelFunction(self.gram.index_select(0, members))


def _jvp(function: Any, primals: Params, tangents: Params) -> Tensor:
    jvp = cast(Any, torch.func.jvp)
    return jvp(function, tuple(primals), tuple(tangents))[1]


def _joined(pieces: Sequence[Sequence[Tensor]]) -> Params:
    if len(pieces) == 1:
        return list(pieces[0])
    return [torch.cat(tensors) for tensors in zip(*pieces, strict=True)]
