"""l(F, y), averaged over samples; the regimes divide it by alpha^2.

Labels are class numbers. With one output the problem is binary: class 0 is y = -1, class 1 is y = +1.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import torch.nn.functional as F
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError


class AbstractLoss(ABC):
    """A loss of the outputs F(x), of shape (n, k), and class numbers."""

    @abstractmethod
    def __call__(self, outputs: Float[Tensor, "n k"], labels: Int[Tensor, " n"]) -> Float[Tensor, ""]:
        """The mean loss of the batch."""


@final
@dataclass(frozen=True)
class CrossEntropy(AbstractLoss):
    """-log softmax(F)_y; for one output log(1 + exp(-y F))."""

    def __call__(self, outputs: Float[Tensor, "n k"], labels: Int[Tensor, " n"]) -> Float[Tensor, ""]:  # noqa: D102
        if outputs.shape[1] == 1:
            return F.softplus(-signs(outputs, labels) * outputs).mean()
        return F.cross_entropy(outputs, labels)


@final
@dataclass(frozen=True)
class MSE(AbstractLoss):
    """1/2 ||F - e_y||^2 with the one-hot label e_y; for one output 1/2 (F - y)^2; for real targets 1/2 ||F - y||^2.

    With this half, gradient flow of the mean over n samples is dF/dt = -(1/n) Theta (F - Y).
    """

    def __call__(  # noqa: D102
        self, outputs: Float[Tensor, "n k"], labels: Int[Tensor, " n"] | Float[Tensor, "n k"]
    ) -> Float[Tensor, ""]:
        if labels.is_floating_point():
            return 0.5 * (outputs - labels).square().sum(1).mean()
        if outputs.shape[1] == 1:
            return 0.5 * (outputs - signs(outputs, labels)).square().mean()
        targets = F.one_hot(labels, outputs.shape[1]).to(outputs.dtype)
        return 0.5 * (outputs - targets).square().sum(1).mean()


@final
@dataclass(frozen=True)
class SoftHinge(AbstractLoss):
    """softplus_beta(margin - F y) with y = +-1, summed over the outputs, one against all [GSJW20, section 2.1].

    Raises:
        LazyRegimeError: If beta is not positive.
    """

    beta: float = 20.0
    margin: float = 1.0

    def __post_init__(self) -> None:
        if not self.beta > 0:
            raise LazyRegimeError(f"loss.beta={self.beta} is not possible; it must be positive (20 in [GSJW20]).")

    def __call__(self, outputs: Float[Tensor, "n k"], labels: Int[Tensor, " n"]) -> Float[Tensor, ""]:  # noqa: D102
        return F.softplus(self.margin - outputs * signs(outputs, labels), beta=self.beta).sum(1).mean()


def signs(outputs: Float[Tensor, "n k"], labels: Int[Tensor, " n"]) -> Float[Tensor, "n k"]:
    """Labels as +-1, of the shape and type of the outputs: one against all."""
    if outputs.shape[1] == 1:
        return (2 * labels[:, None] - 1).to(outputs.dtype)
    return 2 * F.one_hot(labels, outputs.shape[1]).to(outputs.dtype) - 1


def predict(outputs: Float[Tensor, "n k"]) -> Int[Tensor, " n"]:
    """The class: the largest output, or the sign of a single one."""
    return outputs.argmax(1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0).long()


def num_correct(outputs: Float[Tensor, "n k"], labels: Int[Tensor, " n"] | Float[Tensor, "n k"]) -> Shaped[Tensor, ""]:
    """How many points are classified right; nan for real targets, where there is no such thing."""
    if labels.is_floating_point():
        return outputs.new_full((), float("nan"))
    return (predict(outputs) == labels).sum()
