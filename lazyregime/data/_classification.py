"""A classification problem in memory: a split is one tensor of inputs and one of labels, a batch an index into it."""

from dataclasses import dataclass, replace
from typing import final

import torch
from jaxtyping import Float, Int64, Shaped
from torch import Tensor

from lazyregime.errors import LazyRegimeError


def as_inputs(
    inputs: Shaped[Tensor, "*shape"], device: torch.device | None, dtype: torch.dtype
) -> Shaped[Tensor, "*shape"]:
    """On a device, real numbers of this type; tokens stay whole numbers."""
    return inputs.to(device, dtype) if inputs.is_floating_point() else inputs.to(device)


@final
@dataclass(frozen=True, eq=False)
class ClassificationData:
    """Points with labels: class numbers, several labels 0 or 1 (n, k), or real targets (n, k) for a regression.

    Attributes:
        name: The name a configuration uses.
        train_inputs: Images as normalized pixels (x/255 - mean)/std, points without any such form, or tokens.
        validation_inputs: Held out of the training set; may have no rows.
        n_outputs: The number of classes; 1 for a binary problem with classes 0 and 1.
        mean: Subtracted from x/255, one number or one a channel.
        std: Divided by after that; None for points that are no pixels.
        kernel_inputs: Points set apart to compare kernels on.
        class_weights: The weight of a sample of each class in the loss.
    """

    name: str
    train_inputs: Float[Tensor, "n *shape"] | Int64[Tensor, "n *shape"]
    train_labels: Int64[Tensor, " n"] | Int64[Tensor, "n k"] | Float[Tensor, "n k"]
    validation_inputs: Float[Tensor, "v *shape"] | Int64[Tensor, "v *shape"]
    validation_labels: Int64[Tensor, " v"] | Int64[Tensor, "v k"] | Float[Tensor, "v k"]
    test_inputs: Float[Tensor, "m *shape"] | Int64[Tensor, "m *shape"]
    test_labels: Int64[Tensor, " m"] | Int64[Tensor, "m k"] | Float[Tensor, "m k"]
    n_outputs: int
    mean: float | tuple[float, ...]
    std: float | tuple[float, ...] | None
    kernel_inputs: Float[Tensor, "q *shape"] | Int64[Tensor, "q *shape"] | None = None
    kernel_labels: Int64[Tensor, " q"] | None = None
    class_weights: Float[Tensor, " c"] | None = None

    @property
    def is_regression(self) -> bool:
        """Whether the labels are real targets."""
        return self.train_labels.is_floating_point()

    @property
    def has_classes(self) -> bool:
        """Whether each sample has one class."""
        return not (self.is_regression or self.is_multilabel)

    @property
    def is_multilabel(self) -> bool:
        """Whether a sample has several labels, each 0 or 1."""
        return self.train_labels.ndim == 2 and not self.is_regression

    def to(self, device: torch.device, dtype: torch.dtype) -> "ClassificationData":
        """The same on a device, inputs and real targets of this type."""
        tensors = {name: value for name, value in vars(self).items() if isinstance(value, Tensor)}
        return replace(self, **{name: as_inputs(value, device, dtype) for name, value in tensors.items()})

    def raw(self, inputs: Shaped[Tensor, "*shape"]) -> Shaped[Tensor, "*shape"]:
        """Normalized inputs back as pixels 0, 1, ..., 255: rounded, so exactly those of the file.

        Points that are no pixels are what they are.
        """
        if self.std is None:
            return inputs
        mean, std = (torch.tensor(v, dtype=inputs.dtype).to(inputs.device) for v in (self.mean, self.std))
        if std.ndim:
            mean, std = mean[:, None, None], std[:, None, None]
        return inputs.mul(std).add_(mean).mul_(255).round_()


def first_per_class(labels: Int64[Tensor, " n"], per_class: int) -> Int64[Tensor, " a"]:
    """Indices of the first `per_class` samples of each class that occurs, ordered by class: the anchors.

    >>> first_per_class(torch.tensor([1, 0, 1, 0, 0]), per_class=2).tolist()
    [1, 3, 0, 2]

    Raises:
        LazyRegimeError: If `per_class` is less than one, or a class has fewer samples.
    """
    if per_class < 1:
        raise LazyRegimeError(f"per_class is {per_class}; give at least 1 sample a class.")
    chosen = [labels[:0]]
    for label in range(len(torch.bincount(labels))):
        indices = torch.where(labels == label)[0]
        if 0 < len(indices) < per_class:
            raise LazyRegimeError(
                f"per_class is {per_class}, but class {label} has {len(indices)} of the {len(labels)} samples. "
                f"Give at most {len(indices)}, or more training samples."
            )
        chosen.append(indices[:per_class])
    return torch.cat(chosen)
