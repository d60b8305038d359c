"""l(F, y), averaged over samples; the regimes divide it by alpha^2.

Labels are class numbers. With one output the problem is binary: class 0 is y = -1, class 1 is y = +1. Several labels a
sample (n, k), each 0 or 1, are k binary problems, whose losses add up.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import torch.nn.functional as F
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError

Labels = Int[Tensor, " n"] | Int[Tensor, "n k"] | Float[Tensor, "n k"]


class AbstractLoss(ABC):
    """A loss of the outputs F(x), of shape (n, k), and labels."""

    @abstractmethod
    def per_sample(self, outputs: Float[Tensor, "n k"], labels: Labels) -> Float[Tensor, " n"]:
        """The loss of each sample."""

    def __call__(self, outputs: Float[Tensor, "n k"], labels: Labels) -> Float[Tensor, ""]:
        """The mean loss of the batch."""
        return self.per_sample(outputs, labels).mean()


@final
@dataclass(frozen=True)
class CrossEntropy(AbstractLoss):
    """-log softmax(F)_y; for one output, and summed over several labels, log(1 + exp(-y F)).

    Raises:
        LazyRegimeError: If the labels are real targets.
    """

    def per_sample(self, outputs: Float[Tensor, "n k"], labels: Labels) -> Float[Tensor, " n"]:  # noqa: D102
        if outputs.shape[1] == 1 or labels.ndim == 2:
            return F.softplus(-signs(outputs, labels) * outputs).sum(1)
        return F.cross_entropy(outputs, labels, reduction="none")


@final
@dataclass(frozen=True)
class MSE(AbstractLoss):
    """1/2 ||F - e_y||^2 with the one-hot label e_y; for one output, several labels and real targets 1/2 ||F - y||^2.

    With this half, gradient flow of the mean over n samples is dF/dt = -(1/n) Theta (F - Y).
    """

    def per_sample(self, outputs: Float[Tensor, "n k"], labels: Labels) -> Float[Tensor, " n"]:  # noqa: D102
        return 0.5 * (outputs - self._targets(outputs, labels)).square().sum(1)

    def _targets(self, outputs: Float[Tensor, "n k"], labels: Labels) -> Float[Tensor, "n k"]:
        if labels.is_floating_point():
            return labels
        if outputs.shape[1] == 1 or labels.ndim == 2:
            return signs(outputs, labels)
        return F.one_hot(labels, outputs.shape[1]).to(outputs.dtype)


@final
@dataclass(frozen=True)
class SoftHinge(AbstractLoss):
    """softplus_beta(margin - F y) with y = +-1, summed over the outputs, one against all [GSJW20, section 2.1].

    Raises:
        LazyRegimeError: If beta is not positive, or the labels are real targets.
    """

    beta: float = 20.0
    margin: float = 1.0

    def __post_init__(self) -> None:
        if not self.beta > 0:
            raise LazyRegimeError(f"loss.beta={self.beta} is not possible; it must be positive (20 in [GSJW20]).")

    def per_sample(self, outputs: Float[Tensor, "n k"], labels: Labels) -> Float[Tensor, " n"]:  # noqa: D102
        return F.softplus(self.margin - outputs * signs(outputs, labels), beta=self.beta).sum(1)


@final
@dataclass(frozen=True, eq=False)
class Weighted(AbstractLoss):
    """w_y l(F, y): another loss with a weight for each class."""

    loss: AbstractLoss
    weights: Float[Tensor, " c"]

    def per_sample(self, outputs: Float[Tensor, "n k"], labels: Labels) -> Float[Tensor, " n"]:  # noqa: D102
        return self.weights.to(outputs)[labels] * self.loss.per_sample(outputs, labels)


def weighted(
    loss: AbstractLoss, class_weights: Float[Tensor, " c"] | None, train_labels: Shaped[Tensor, "n *k"]
) -> AbstractLoss:
    """The loss with these weights of classes, scaled to a mean of 1 over the training samples; None leaves it alone."""
    if class_weights is None:
        return loss
    return Weighted(loss, class_weights / class_weights[train_labels.to(class_weights.device)].mean())


def signs(outputs: Float[Tensor, "n k"], labels: Labels) -> Float[Tensor, "n k"]:
    """Labels as +-1, of the shape and type of the outputs: several labels, or one against all.

    Raises:
        LazyRegimeError: If they are real targets.
    """
    if labels.is_floating_point():
        raise LazyRegimeError("This loss is of classes, and the labels here are real targets; use loss=mse.")
    if labels.ndim == 2:
        return (2 * labels - 1).to(outputs.dtype)
    if outputs.shape[1] == 1:
        return (2 * labels[:, None] - 1).to(outputs.dtype)
    return 2 * F.one_hot(labels, outputs.shape[1]).to(outputs.dtype) - 1


def predict(outputs: Float[Tensor, "n k"]) -> Int[Tensor, " n"]:
    """The class: the largest output, or the sign of a single one."""
    return outputs.argmax(1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0).long()


def num_correct(outputs: Float[Tensor, "n k"], labels: Labels) -> Shaped[Tensor, ""]:
    """How many points are classified right; of several labels the right share; nan for real targets."""
    if labels.is_floating_point():
        return outputs.new_full((), float("nan"))
    if labels.ndim == 2:
        return ((outputs > 0) == (labels > 0)).to(outputs.dtype).mean(1).sum()
    return (predict(outputs) == labels).sum()
