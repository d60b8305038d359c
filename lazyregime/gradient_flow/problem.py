"""min over w of l(alpha h(w), y) / alpha^2, for E members at once; what is h is a `FlowFunction`'s affair."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, final, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from lazyregime.gradient_flow.state import Params

Pullback = Callable[[Tensor], Params]
Loss = Callable[[Tensor, Tensor], Tensor]  # outputs (n, k) and class numbers (n,) to the mean loss


@runtime_checkable
class Metric(Protocol):
    """What a step needs to know of the parameters: how they move, and how long a gradient is."""

    def inner(self, a: Params, b: Params) -> Float[Tensor, " e"]:
        """The product of two such directions as gradients of the loss: rate of change of the loss along -b."""
        ...

    def displacement(self, direction: Params) -> Params:
        """How the parameters move along a direction: times the learning-rate multipliers."""
        ...


@runtime_checkable
class FlowFunction(Metric, Protocol):
    """H(w) on the training points for E members, with the metric in which its flow is steepest."""

    def __call__(self, params: Params) -> tuple[Float[Tensor, "e n k"], Pullback]:
        """Outputs, and what carries a gradient of the outputs back to the direction of steepest ascent."""
        ...

    def select(self, members: Int[Tensor, " m"]) -> "FlowFunction":
        """The function of some of the members."""
        ...


@final
@dataclass(frozen=True, eq=False)
class FlowProblem:
    """One training problem for E members, who share the training points or have their own.

    Attributes:
        function: H.
        labels: Class numbers, (E, n), several labels 0 or 1, (E, n, k), or real targets, (E, n, k).
        alpha: Output scale of each member.
        loss: Mean loss of F = alpha h over the points.
    """

    function: FlowFunction
    labels: Int[Tensor, "e n"] | Int[Tensor, "e n k"] | Float[Tensor, "e n k"]
    alpha: Float[Tensor, " e"]
    loss: Loss

    def evaluate(self, params: Params) -> tuple[Float[Tensor, "e n k"], Params]:
        """H and the gradient of l(alpha h) / alpha^2."""
        outputs, pullback = self.function(params)
        scale = self.alpha[:, None, None]
        with torch.enable_grad():
            scaled = (scale * outputs).detach().requires_grad_()
            # the mean over all members' points, times E: the sum of the members' own losses
            total = self.loss(scaled.flatten(0, 1), self.labels.flatten(0, 1)) * len(scaled)
            (cotangent,) = torch.autograd.grad(total, scaled)
        return outputs, pullback(cotangent / scale)

    def losses(self, outputs: Float[Tensor, "e n k"]) -> Float[Tensor, " e"]:
        """The loss of each member, not divided by alpha^2."""
        each = zip(outputs, self.alpha, self.labels, strict=True)
        return torch.stack([self.loss(alpha * h, y) for h, alpha, y in each])

    def least_margins(self, outputs: Float[Tensor, "e n k"]) -> Float[Tensor, " e"]:
        """The margin of the worst training point of each member; real targets have none, and no flow is beyond it."""
        if self.labels.is_floating_point():
            return outputs.new_full((len(outputs),), float("-inf"))
        scaled = (self.alpha[:, None, None] * outputs).flatten(0, 1)
        return margins(scaled, self.labels.flatten(0, 1)).view(len(outputs), -1).amin(1)

    def select(self, members: Int[Tensor, " m"]) -> "FlowProblem":
        """The problem of some of the members."""
        return FlowProblem(self.function.select(members), self.labels[members], self.alpha[members], self.loss)


def decayed(grads: Params, params: Params, rates: Sequence[float], decay: float | None) -> Params:
    """Grad + (mu / rate) w, for dw/dt = -rate grad - mu w."""
    if decay is None:
        return grads
    return [g + (decay / rate) * w for g, w, rate in zip(grads, params, rates, strict=True)]


def margins(outputs: Float[Tensor, "n k"], labels: Int[Tensor, "n *k"]) -> Float[Tensor, " n"]:
    """Y F for one output, y = -1 for class 0 and +1 for class 1; else F_y - max over the other classes.

    Of several labels, each 0 or 1, it is the least y F.

    >>> margins(torch.tensor([[2.0], [2.0]]), torch.tensor([0, 1])).tolist()
    [-2.0, 2.0]
    """
    if labels.ndim == 2:
        return (outputs * (2 * labels - 1)).amin(1)
    if outputs.shape[1] == 1:
        return outputs[:, 0] * (2 * labels - 1)
    own = outputs.gather(1, labels[:, None])
    others = outputs.scatter(1, labels[:, None], float("-inf"))
    return own[:, 0] - others.amax(1)
