"""y = scale sum_j s_j relu(<theta_j, x>), x uniform on the sphere, |theta_j| = 1, s_j = +-1: the teacher of [COB19]."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from lazyregime.data._classification import ClassificationData
from lazyregime.data.arguments import MOST_SEED, checked_by, number, whole


def _check(*, scale: Any, data_seed: Any, **sizes: Any) -> None:
    for name, size in sizes.items():
        whole(name, size, 1)
    number("scale", scale)
    whole("data_seed", data_seed, 0, MOST_SEED)


@checked_by(_check)
def teacher_student(
    *,
    dimension: int = 100,
    n_train: int = 1000,
    n_test: int = 1000,
    teacher_width: int = 3,
    scale: float = 1.0,
    data_seed: int = 0,
) -> ClassificationData:
    """A regression problem with a few hidden directions to find; everything is drawn from `data_seed`, in float64.

    Args:
        dimension: d, of the points.
        n_train: Training points.
        n_test: Test points.
        teacher_width: Neurons of the teacher.
        scale: Factor of the targets.
        data_seed: Draws teacher, signs and points.

    Raises:
        LazyRegimeError: If a size is not positive.
    """
    generator = torch.Generator().manual_seed(data_seed)
    theta = _on_sphere(teacher_width, dimension, generator)
    signs = 2 * torch.randint(2, (teacher_width,), generator=generator).double() - 1

    def points(n: int) -> tuple[Tensor, Tensor]:
        x = _on_sphere(n, dimension, generator)
        return x, scale * (torch.relu(x @ theta.T) @ signs)[:, None]

    (train_inputs, train_targets), (test_inputs, test_targets) = points(n_train), points(n_test)
    return ClassificationData(
        name="teacher_student",
        train_inputs=train_inputs, train_labels=train_targets,
        validation_inputs=train_inputs[:0], validation_labels=train_targets[:0],
        test_inputs=test_inputs, test_labels=test_targets,
        n_outputs=1, mean=0.0, std=None,
    )  # fmt: skip


def _on_sphere(n: int, dimension: int, generator: torch.Generator) -> Float[Tensor, "n d"]:
    x = torch.randn(n, dimension, dtype=torch.float64, generator=generator)
    return x / x.norm(dim=1, keepdim=True)
